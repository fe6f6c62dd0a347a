"""Affinities of a whole image, from beginning to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from napari_axonem.blockwise import Journal, Team
from napari_axonem.errors import StorageError
from napari_axonem.geometry import Box, Zyx
from napari_axonem.networks.files import LoadedModel
from napari_axonem.segmentation.inference.blending import Blending, Counted
from napari_axonem.segmentation.inference.devices import free_memory
from napari_axonem.segmentation.inference.flow import Flow
from napari_axonem.segmentation.inference.planning import Plan, plan_of
from napari_axonem.segmentation.inference.reading import Input, read_input
from napari_axonem.segmentation.inference.sections import BRIDGED
from napari_axonem.segmentation.inference.settings import InferenceSettings
from napari_axonem.segmentation.inference.store import AffinityVolume
from napari_axonem.volumes import Volume, disk
from napari_axonem.volumes.conversion.work import Work, work_folder, working_on
from napari_axonem.watching import Unwatched, Watcher, Wish, wish_after_pause
from napari_axonem.wording import count_words

DOING = "predicting affinities, voxels"
TILES = "tiles"
_PUBLISHED = "published"
"""Stages of the journal."""

TOLD = 20
"""So many missing sections are named to a person."""

CPU = torch.device("cpu")
PART_FOR_WAITING = 0.3
"""Of the memory that can be counted on, so much may be taken by what waits for its neighbours."""

Devices = Sequence[Callable[[Input], Counted]]
Finished = tuple[int, list[int]]
"""Number of a tile, and the missing sections of its block that were stood in for."""


def working_store(destination: Path) -> Path:
    """Return where the affinities are while they are made: a store that can be looked at."""
    destination = destination.absolute()
    return Work(work_folder(destination), destination).result


def predict_affinities(
    image: Volume,
    model: LoadedModel,
    destination: Path,
    settings: InferenceSettings | None = None,
    watcher: Watcher | None = None,
) -> AffinityVolume:
    """Run a network over an image of any size and write its affinities.

    The image is done in overlapping blocks, on all devices, in a hidden folder
    ``.NAME.partial`` beside the destination, which has its store from the beginning
    (`working_store`) and takes its name when all is done. What was cut off, by whatever, the same
    call takes up, and comes to the same bytes.

    Parameters
    ----------
    image
        Any numeric type; membranes dark or bright.
    model
        A residual symmetric U-Net. Where its voxel size differs by more than a little, the image
        is resampled for it, and the affinities have the model's voxel size.
    destination
        Path of a zarr group that comes into being, such as ``affinities.zarr``.
    settings
        How; `InferenceSettings` says what is done where nothing is said.
    watcher
        Is told progress in voxels, and what a person should know; may wish to stop, to pause, or
        for a checkpoint.

    Returns
    -------
    The affinities. Where it was wished to stop they are not complete, and lie in the store that
    can be looked at.

    Raises
    ------
    ModelError
        The model gives no affinities.
    SettingsError
        A device is not there, or its memory does not suffice.
    VolumeError
        The image cannot be read, the destination exists, or is being written by another process.
    StorageError
        The disk is full, read-only or failing.
    BlockError
        The network returned NaN, or failed otherwise; ``where`` names the block.
    """
    settings = settings or InferenceSettings()
    watcher = watcher or Unwatched()
    destination = destination.absolute()
    if not work_folder(destination).exists():
        disk.refuse_existing(destination, overwrite=settings.overwrite)
    with _named_after(destination), working_on(destination) as work:
        plan = plan_of(image, model, settings, work.journal)
        if _is_published(plan, work):
            disk.remove(work.journal)
            return AffinityVolume.open(destination)
        disk.refuse_existing(destination, overwrite=settings.overwrite)
        if not work.goes_on(plan.about) or not work.result.exists():
            work.begin_anew()
            plan.create_store(work.result)
        _say(plan, work, watcher)
        with Journal(work.journal, plan.about, settle=disk.settle) as journal:
            complete = _Run(plan, work.result, journal, watcher).run(model)
            if not complete:
                return AffinityVolume.open(work.result, complete=False)
            _tell_missing(journal, watcher)
            _publish(plan, work, journal)
        disk.remove(work.journal)
    return AffinityVolume.open(destination)


@dataclass(slots=True)
class _Run:
    """One run, which makes the tiles that the journal does not tell of."""

    plan: Plan
    path: Path
    journal: Journal
    watcher: Watcher
    begun: float = field(default_factory=time.monotonic)
    made: int = 0
    """Voxels made by this run."""

    done: int = 0
    """Voxels made by this run and those before."""

    stopped: bool = False

    def run(self, model: LoadedModel) -> bool:
        """Make all tiles; return whether that came to its end."""
        tiling = self.plan.tiling
        finished = self.journal.done(TILES)
        self.done = sum(tiling.tile(t).size for t in tiling.indices() if self._has(t, finished))
        self._tell()
        if self.plan.settings.scheduler:
            return self._on_cluster(finished)
        devices = self.plan.predictors(model)
        for column in self.plan.columns(int(free_memory(CPU) * PART_FOR_WAITING)):
            todo = [t for t in tiling.indices(column) if not self._has(t, finished)]
            for tile, missing in made_tiles(self.plan, self.path, todo, devices, self._wished):
                self._take(tile, missing)
            if self.stopped:
                break
        return self._is_complete

    @property
    def _is_complete(self) -> bool:
        return len(self.journal.done(TILES)) == len(self.plan.tiling.indices())

    def _has(self, tile: Zyx, finished: dict[int, list[int]]) -> bool:
        return self.plan.tiling.number(tile) in finished

    def _wished(self, flow: Flow[Zyx, Input, Counted]) -> None:
        """Do what is wished, in the thread of the caller."""
        wish = self.watcher.wish()
        if wish is Wish.PAUSE:
            flow.pause()
            wish = wish_after_pause(self.watcher)
            flow.go_on()
        if wish is Wish.CHECKPOINT:
            self.journal.flush()
        if wish is Wish.STOP:
            self.stopped = True
            flow.halt()

    def _take(self, tile: int, missing: list[int]) -> None:
        """Take down that a tile is on its way to the disk."""
        self.journal.add(TILES, tile, missing)
        tiling = self.plan.tiling
        size = tiling.tile(tiling.index(tile)).size
        self.made += size
        self.done += size
        self._tell()
        rate = self.made / max(1e-9, time.monotonic() - self.begun)
        self.watcher.scalar("voxels/s", self.done, rate)

    def _tell(self) -> None:
        self.watcher.progress(self.done, Box.of_shape(self.plan.tiling.shape).size, DOING)

    def _on_cluster(self, finished: dict[int, list[int]]) -> bool:
        """Let the workers of a scheduler make slabs of tiles."""
        units = [
            [t for t in self.plan.tiling.indices(unit) if not self._has(t, finished)]
            for unit in self.plan.units()
        ]
        work = UnitWork(self.plan, self.path)
        settings = self.plan.settings
        with Team(settings.workers, settings.scheduler) as team:
            for _, tiles in team.run(work, [unit for unit in units if unit], doing=DOING):
                for tile, missing in tiles:
                    self._take(tile, missing)
                if wish_after_pause(self.watcher) is Wish.STOP:
                    break
        return self._is_complete


@dataclass(frozen=True, slots=True)
class UnitWork:
    """What a worker on another machine does: some tiles, with the blocks that they need."""

    plan: Plan
    path: Path

    def __call__(self, tiles: list[Zyx]) -> list[Finished]:
        """Make tiles and return what is finished."""
        devices = self.plan.predictors()
        return list(made_tiles(self.plan, self.path, tiles, devices, lambda _: None))


def made_tiles(
    plan: Plan,
    path: Path,
    tiles: Sequence[Zyx],
    devices: Devices,
    wished: Callable[[Flow[Zyx, Input, Counted]], None],
) -> Iterator[Finished]:
    """Make tiles, write them, and yield each when it is written.

    Parameters
    ----------
    path
        Of the store.
    wished
        Called often, with the flow of blocks, which it may halt.
    """
    if not tiles:
        return
    store = AffinityVolume.open(path, writable=True)
    blending = Blending(plan.tiling, tiles)
    shown = plan.shown

    def read(block: Zyx) -> Input:
        return read_input(shown, plan.mapping, block, plan.tiling.block(block), plan.multiple)

    flow = Flow(blending.blocks, read, devices)
    for given, result in flow.run(lambda: wished(flow)):
        for tile, affinities in blending.add(given.block, result):
            store.write(plan.tiling.tile(tile), affinities)
            # A tile is closed by its own block when blocks come in order; the missing sections
            # of any other block are those of its neighbours.
            yield plan.tiling.number(tile), list(given.bridged)
        wished(flow)


def _is_published(plan: Plan, work: Work) -> bool:
    """Whether an earlier run was killed between its last two steps."""
    if work.result.exists() or not work.destination.exists() or not work.goes_on(plan.about):
        return False
    with Journal(work.journal, plan.about) as journal:
        return bool(journal.done(_PUBLISHED))


def _publish(plan: Plan, work: Work, journal: Journal) -> None:
    """Give the store its name."""
    for torn in work.result.rglob("*.partial"):  # left by zarr where a process was killed
        torn.unlink()
    journal.add(_PUBLISHED, 0, None)
    journal.flush()
    disk.publish(work.result, work.destination, overwrite=plan.settings.overwrite)


def _say(plan: Plan, work: Work, watcher: Watcher) -> None:
    """Say what a person should know before it begins."""
    block = " x ".join(str(n) for n in plan.about["resolved"]["block"])
    tiles = len(plan.tiling.indices())
    watcher.say(plan.fit.words)
    for word in plan.mapping.words:
        watcher.say(word)
    watcher.say(f"{count_words(tiles, 'block')} of up to {block} voxels in {plan.dtype}")
    watcher.say(f"affinities so far: {work.result}")


def _tell_missing(journal: Journal, watcher: Watcher) -> None:
    missing = sorted({z for sections in journal.done(TILES).values() for z in sections})
    if missing:
        named = ", ".join(map(str, missing[:TOLD])) + (" and more" if len(missing) > TOLD else "")
        watcher.say(
            f"sections without an image: {named}; up to {BRIDGED} in a row are taken from the "
            "nearest that has one"
        )


@contextmanager
def _named_after(destination: Path) -> Iterator[None]:
    """Let errors of the disk name the destination, and say what comes after mending it."""
    try:
        yield
    except StorageError as error:
        raise StorageError(
            error.seen,
            where=destination,
            remedy=f"{error.remedy}; the same command then goes on where it was",
        ) from error
