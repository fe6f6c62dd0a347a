"""Pyramids of dense ids, written block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import fastremap
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.evaluation.grouping import group_keys
from napari_axonem.geometry import Box
from napari_axonem.volumes import Pyramid
from napari_axonem.volumes.conversion.reading import Reading
from napari_axonem.volumes.dense import LARGEST_ID

Item = tuple[int, Box]
"""Number of a block, which names its file, and the block."""


@dataclass(frozen=True, slots=True)
class ListIds:
    """Lists the ids of a block in a file of its own."""

    reading: Reading
    folder: Path

    def __call__(self, item: Item) -> int:
        """List the ids of one block; return how many they are."""
        number, box = item
        ids = fastremap.unique(self.reading.read(box)[0]).astype(np.uint64)
        np.save(id_file(self.folder, number), ids, allow_pickle=False)
        return len(ids)


@dataclass(frozen=True, slots=True)
class WriteDense:
    """Writes a block of labels with each id replaced by its place among all ids."""

    reading: Reading
    pyramid: Path

    ids: Path
    """All ids, ascending, the first being 0."""

    def __call__(self, item: Item) -> None:
        """Write one block."""
        _, box = item
        raw = self.reading.read(box)[0]
        names, place = group_keys(raw.ravel())
        ids = np.load(self.ids, mmap_mode="r", allow_pickle=False)
        dense = np.searchsorted(ids, names.astype(np.uint64)).astype(np.uint32)
        opened(self.pyramid).write(box, dense[place].reshape(box.shape))


@dataclass(frozen=True, slots=True)
class MakeLevel:
    """Makes blocks of coarser levels."""

    pyramid: Path

    def __call__(self, item: tuple[int, Box]) -> None:
        """Make one block of a level."""
        opened(self.pyramid).refresh_block(*item)


def id_file(folder: Path, number: int) -> Path:
    """Return where the ids of a block are listed."""
    return folder / f"ids-{number}.npy"


def all_ids(files: Iterable[Path], where: str) -> npt.NDArray[np.uint64]:
    """Return the ids in some files, ascending, with 0 the first.

    Raises
    ------
    VolumeError
        They are too many.
    """
    ids = np.zeros(1, np.uint64)
    waiting: list[npt.NDArray[np.uint64]] = []
    for file in files:
        waiting.append(np.load(file, allow_pickle=False))
        if sum(map(len, waiting)) > max(len(ids), 1 << 22):
            ids, waiting = np.unique(np.concatenate([ids, *waiting])), []
    ids = np.unique(np.concatenate([ids, *waiting]))
    if len(ids) - 1 > LARGEST_ID:
        raise VolumeError(f"{len(ids) - 1} objects are more than {LARGEST_ID}", where=where)
    return ids


@lru_cache(maxsize=4)
def opened(path: Path) -> Pyramid:
    """Return a pyramid that is being written, opened once by each process."""
    return Pyramid.open(path, writable=True)
