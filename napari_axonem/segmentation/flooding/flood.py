"""Flooding a volume of any size: block by block, then joined, resumable at every moment."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_axonem.blockwise import Journal, journal_about
from napari_axonem.errors import AxonemError, StorageError, VolumeError
from napari_axonem.geometry import Box, zyx
from napari_axonem.networks.files import LoadedModel
from napari_axonem.segmentation.flooding.block import flood_block, read_labels
from napari_axonem.segmentation.flooding.joining import agreeing, united
from napari_axonem.segmentation.flooding.plan import Plan, plan_of, work_folder
from napari_axonem.segmentation.flooding.predictor import Predictor
from napari_axonem.segmentation.flooding.settings import FloodSettings
from napari_axonem.segmentation.flooding.subvolume import Labels, SubvolumeFlood
from napari_axonem.volumes import Pyramid, Volume, natural_chunk
from napari_axonem.volumes.disk import exclusive, guarded, refuse_existing, remove, settle
from napari_axonem.watching import Unwatched, Watcher, Wish, wish_after_pause
from napari_axonem.wording import count_words

FLOODING = "flooding"
JOINING = "joining objects of blocks"
WRITING = "writing"
SMALLEST_CHUNK = 16
"""Edge in voxels below which chunks would be too many."""


def flood(
    image: Volume,
    model: LoadedModel,
    destination: str | Path,
    settings: FloodSettings | None = None,
    watcher: Watcher | None = None,
) -> Volume:
    """Segment a volume with a flood-filling network.

    What is finished is in `destination` all the time, to be looked at: ids are those of blocks
    first, and of the whole volume in the end. Files of unfinished work lie in a hidden folder
    beside it. Called again with the same arguments after a stop or a crash, it goes on, and comes
    to the same files.

    Parameters
    ----------
    image
        Grey values of any type; uint8 goes in as it is, other types are brought to 0..255 first.
    model
        A flood-filling network, its field of view being the card's ``patch``.
    destination
        Folder of an OME-Zarr pyramid of labels, uint32, that comes into being.
    settings
        The published ones where None.
    watcher
        Is told how far the work is, and may stop it.

    Returns
    -------
    The labels; 0 is background. After a stop they are incomplete, and `is_unfinished` says so.

    Raises
    ------
    VolumeError
        `destination` exists and is not unfinished work of these arguments, or is being worked on
        by another process; or the image cannot be read.
    ModelError
        The model is not suitable, or returned NaN.
    SettingsError
        There is no such device, or blocks could not be joined.
    StorageError
        The disk cannot be written.
    """
    settings, watcher = settings or FloodSettings(), watcher or Unwatched()
    plan = plan_of(image, model, destination, settings)
    look = Predictor(model.network, settings.device, settings.precision)
    with _working_on(plan) as labels, Journal(plan.folder / "journal", plan.about, settle) as done:
        for words in plan.greys.words:
            watcher.say(words)
        watcher.say(
            f"flooding {count_words(len(plan.cores), 'block')} on {look.device} in "
            f"{look.precision} precision; look at {plan.destination} meanwhile"
        )
        work = _Work(plan, look, labels, watcher, done)
        if not work.flood_blocks():
            watcher.say("stopped; the same command goes on")
            return labels.volume
        work.join()
    _forget(plan.folder)
    return Pyramid.open(plan.destination).volume


def is_unfinished(destination: str | Path) -> bool:
    """Whether labels at a destination are those of work that was stopped."""
    return work_folder(Path(destination).absolute()).exists()


def _forget(folder: Path) -> None:
    """Remove the files of finished work; cut off at any moment, it has all or none of them."""
    aside = folder.with_name(f"{folder.name}.old")
    remove(aside)
    with guarded(folder):
        folder.rename(aside)
    remove(aside)


@contextlib.contextmanager
def _working_on(plan: Plan) -> Iterator[Pyramid]:
    """Begin, or take up, the labels at the destination, and let nobody else write to them."""
    folder, path = plan.folder, plan.destination
    if not folder.exists():
        refuse_existing(path, overwrite=None)
    elif journal_about(folder / "journal") not in (None, plan.about):
        raise VolumeError(
            "unfinished work with other settings, another model or another image",
            where=path,
            remedy=f"start that again, or remove it and {folder.name} beside it",
        )
    with guarded(path):
        folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "lock", f"{path} is being written by another process"):
        try:
            labels = Pyramid.open(path, writable=True)
        except AxonemError:  # there is none, or it was cut off while it came into being
            remove(path)
            labels = _created(plan)
        yield labels


def _created(plan: Plan) -> Pyramid:
    """Make the labels, in chunks of which each belongs to one block where that is reasonable."""
    natural = natural_chunk(plan.image.grid.voxel_size)
    shared = zyx([math.gcd(n, b) for n, b in zip(natural, plan.settings.block, strict=True)])
    chunk = zyx([s if s >= SMALLEST_CHUNK else n for s, n in zip(shared, natural, strict=True)])
    return Pyramid.create(
        plan.destination, plan.image.shape, np.uint32, plan.image.grid, "labels", chunk
    )


@dataclass(slots=True)
class _Work:
    """The work on one volume."""

    plan: Plan
    look: Predictor
    labels: Pyramid
    watcher: Watcher
    journal: Journal
    highest: int = 0
    """The highest id shown so far: ids of later blocks are above it until all are joined."""

    fields: int = 0
    begun: float = field(default_factory=time.monotonic)

    def flood_blocks(self) -> bool:
        """Flood all blocks that are not finished; return False when stopped."""
        finished = self.journal.done(FLOODING)
        self.highest = sum(finished.values())
        at_once = self.plan.settings.at_once or self.look.at_once
        for index in range(len(self.plan.cores)):
            if index in finished:
                continue
            made = flood_block(self.plan.task(index), self.look, at_once, self._step_of(index))
            if made is None:
                return False
            self._show(index, made)
            objects = int(made.max(initial=0))
            self.highest += objects
            self.journal.add(FLOODING, index, objects)
            self.journal.flush()
            self._tell(index + 1, 0)
        return True

    def join(self) -> None:
        """Give objects one id over all blocks, and write the final labels."""
        counts = self.journal.done(FLOODING)
        count = len(self.plan.cores)
        neighbours, pairs = self.plan.neighbours(), []
        for rank, (a, b, box) in enumerate(neighbours):
            self.watcher.progress(rank, len(neighbours), JOINING)
            same = agreeing(self._read(a, box), self._read(b, box), self.plan.settings.agreement)
            pairs.append((a, b, same))
        names = united([counts[i] for i in range(count)], pairs)
        for index, core in enumerate(self.plan.cores):
            self.watcher.progress(index, count, WRITING)
            self.labels.write(core, names[index][self._read(index, core)])
        self.labels.build_levels()
        self.watcher.progress(count, count, WRITING)

    def _read(self, index: int, box: Box) -> Labels:
        """Return labels of a block inside of a box of the volume."""
        task = self.plan.task(index)
        labels = read_labels(task.result, task.about)
        if labels is None:
            raise StorageError(
                "the labels of a finished block are gone",
                where=task.result,
                remedy=f"remove {self.plan.folder} and {self.plan.destination}, then start again",
            )
        return labels[box.relative_to(task.box.start).slices]

    def _show(self, index: int, made: Labels) -> None:
        """Write labels of a block under ids that no other block has."""
        core, outer = self.plan.cores[index], self.plan.outer(index)
        part = made[core.relative_to(outer.start).slices]
        shown = np.where(part > 0, part + np.uint32(self.highest), np.uint32(0))
        self.labels.write(core, shown.astype(np.uint32))
        self.labels.refresh_levels(core)

    def _step_of(self, index: int) -> Callable[[SubvolumeFlood, Callable[[], None]], bool]:
        """Return what is done between two batches of a block."""
        saved = time.monotonic()
        before = 0

        def step(flood: SubvolumeFlood, save: Callable[[], None]) -> bool:
            nonlocal saved, before
            computed = flood.count.fields - flood.inherited
            # of the second order of seeds, where both are flooded, the count begins anew
            self.fields += computed - before if computed >= before else computed
            before = computed
            wish = wish_after_pause(self.watcher)
            is_due = time.monotonic() - saved >= self.plan.settings.checkpoint_every
            if wish is Wish.CHECKPOINT or is_due:
                save()
                saved = time.monotonic()
                self._show_unfinished(index, flood)
            self._tell(index, flood.turn / max(1, len(flood.seeds)))
            return wish is not Wish.STOP

        return step

    def _show_unfinished(self, index: int, flood: SubvolumeFlood) -> None:
        outer = self.plan.outer(index)
        pad = zyx(np.subtract(flood.labels.shape, outer.shape) // 2)
        self._show(index, flood.labels[Box.of_shape(outer.shape).shift(pad).slices])

    def _tell(self, blocks: int, part: float) -> None:
        total = len(self.plan.cores)
        self.watcher.progress(round((blocks + part) * 1000), total * 1000, FLOODING)
        if self.fields:
            rate = self.fields / max(1e-9, time.monotonic() - self.begun)
            self.watcher.scalar("fields of view/s", self.fields, rate)
