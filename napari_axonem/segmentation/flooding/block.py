"""Flooding one block of a volume, from reading to a file of labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx
from napari_axonem.segmentation.flooding.checkpoint import restore_checkpoint, save_checkpoint
from napari_axonem.segmentation.flooding.consensus import consensus
from napari_axonem.segmentation.flooding.rules import Rules
from napari_axonem.segmentation.flooding.seeds import (
    Seeds,
    seeds_from_affinities,
    seeds_from_image,
)
from napari_axonem.segmentation.flooding.settings import FloodSettings
from napari_axonem.segmentation.flooding.subvolume import Labels, Look, SubvolumeFlood
from napari_axonem.segmentation.fragments.reading import read_affinities
from napari_axonem.segmentation.greys import Mapping
from napari_axonem.volumes import Volume, open_affinities
from napari_axonem.volumes.disk import DAMAGES, remove, replacing

Step = Callable[[SubvolumeFlood, Callable[[], None]], bool]
"""Is told of a flood between two batches, and given what writes a checkpoint; returns whether to
go on."""


@dataclass(frozen=True, slots=True)
class Task:
    """A block and how it is flooded."""

    image: Volume
    box: Box
    """Voxels of the image that are flooded: a block with its margin."""

    rules: Rules
    settings: FloodSettings
    greys: Mapping
    folder: Path
    """Where files of unfinished work lie."""

    name: str
    """Of this block's files."""

    about: str
    """What the work is about; files about something else are not used."""

    @property
    def result(self) -> Path:
        """The file of the finished labels."""
        return self.folder / f"{self.name}.npz"

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders of seeds in which the block is flooded."""
        both = self.settings.seed_order == "both"
        return ("forward", "reverse") if both else (self.settings.seed_order,)

    def checkpoint(self, order: str) -> Path:
        """Return the file that says how far a flood is."""
        return self.folder / f"{self.name}-{order}.checkpoint.npz"


def flood_block(task: Task, look: Look, at_once: int, step: Step) -> Labels | None:
    """Flood one block and write its labels to `task.result`.

    Parameters
    ----------
    look
        The network.
    at_once
        Fields of view given to it together.
    step
        Called between batches.

    Returns
    -------
    The labels of `task.box`, None where `step` wanted to stop; a checkpoint is there then.

    Raises
    ------
    VolumeError
        The image cannot be read, or the affinities cannot, or they are not 0 to 1.
    StorageError
        The disk cannot be written.
    ModelError
        The network returned NaN.
    """
    earlier = read_labels(task.result, task.about)
    if earlier is not None:
        return earlier
    raw = task.image.read(task.box)
    image, pad = padded(task.greys(raw), task.rules.fov)
    seeds = _seeds(task, image, pad)
    made: list[Labels] = []
    for order in task.orders:
        ordered = seeds if order == "forward" else seeds[::-1]
        flood = SubvolumeFlood(image, ordered, task.rules, look, at_once)
        path = task.checkpoint(order)
        restore_checkpoint(path, flood, task.about)
        if not _finished(flood, path, task.about, step):
            return None
        made.append(flood.labels)
    labels = made[0]
    if len(made) == 2:
        labels = consensus(made[0], made[1], task.rules.min_size)
    labels = labels[tuple(slice(p, p + n) for p, n in zip(pad, raw.shape, strict=True))]
    labels = np.ascontiguousarray(labels)
    write_labels(task.result, labels, task.about)
    for order in task.orders:
        remove(task.checkpoint(order))
    return labels


def _finished(flood: SubvolumeFlood, path: Path, about: str, step: Step) -> bool:
    """Flood to the end; return False where it was stopped before."""

    def save() -> None:
        save_checkpoint(path, flood, about)

    while flood.advance():
        if not step(flood, save):
            save()
            return False
    save()
    return True


def padded(image: npt.NDArray[np.float32], fov: Zyx) -> tuple[npt.NDArray[np.float32], Zyx]:
    """Mirror an image that is smaller than two fields of view beyond its borders.

    A field of view lies inside of the image. A few sections would have no place for one, or hardly
    any; with what is mirrored each of their voxels can be its centre.

    Returns
    -------
    The image, and by how many voxels (z, y, x) it begins later than before.
    """
    before = [n // 2 if s < 2 * n else 0 for s, n in zip(image.shape, fov, strict=True)]
    pad: Zyx = (before[0], before[1], before[2])
    if any(pad):
        image = np.pad(image, [(p, p) for p in pad], mode="symmetric")
    return image, pad


def write_labels(path: Path, labels: Labels, about: str) -> None:
    """Write labels to a file with what they are about, all of it or nothing.

    Raises
    ------
    StorageError
        The disk cannot be written.
    """
    with replacing(path, overwrite=True) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, labels=labels, about=np.array(about))


def read_labels(path: Path, about: str) -> Labels | None:
    """Read what `write_labels` wrote.

    Returns
    -------
    The labels (z, y, x); None where there are none, or they are damaged or about another thing.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            labels: Labels = found["labels"]
            return labels if str(found["about"]) == about else None
    except DAMAGES:
        return None


def _seeds(task: Task, image: npt.NDArray[np.float32], pad: Zyx) -> Seeds:
    """Return the seeds of a block; none lies in what was mirrored."""
    size, reach = task.image.grid.voxel_size, task.rules.reach
    if task.settings.affinities:
        place = task.settings.affinities
        values = read_affinities(open_affinities(place), task.box, place)
        values = np.pad(values, [(0, 0), *((p, p) for p in pad)], mode="symmetric")
        seeds = seeds_from_affinities(values, task.settings.seed_affinity, size, reach)
    else:
        seeds = seeds_from_image(image, size, reach)
    real = Box.of_shape(task.box.shape).shift(pad)
    return seeds[np.all((seeds >= real.start) & (seeds < real.stop), axis=1)]
