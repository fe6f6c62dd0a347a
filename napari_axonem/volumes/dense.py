"""Labels seen with dense ids: 1, 2, 3 … in place of whatever ids the file has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.chunking import natural_block
from napari_axonem.volumes.labels import require_labels
from napari_axonem.volumes.volume import LazyArray, Volume

LARGEST_ID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class _DenseLevel:
    """A level whose ids are replaced by their positions in a table."""

    source: LazyArray
    ids: npt.NDArray[np.uint64]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint32)

    def __getitem__(self, key: tuple[slice, slice, slice]) -> npt.NDArray[np.uint32]:
        raw = np.asarray(self.source[key]).astype(np.uint64)
        return np.searchsorted(self.ids, raw).astype(np.uint32)


def densified(volume: Volume, progress: Progress = silent) -> tuple[Volume, npt.NDArray[np.uint64]]:
    """Return the finest level of a label volume with dense ids; 0 stays 0.

    Returns
    -------
    The volume, uint32, read through lazily; and the id that each dense id stands for, uint64,
    ascending, shape (objects + 1,), the first being 0.

    Raises
    ------
    VolumeError
        It holds no labels, or more than 2**32 - 1 objects.
    """
    labels = require_labels(volume)
    found = [
        fastremap.unique(labels.read(box)).astype(np.uint64)
        for box in tracked(
            list(blocks(labels.box, natural_block(labels))), progress, "listing objects"
        )
    ]
    ids: npt.NDArray[np.uint64] = np.unique(np.concatenate([np.zeros(1, np.uint64), *found]))
    if len(ids) - 1 > LARGEST_ID:
        raise VolumeError(
            f"{len(ids) - 1} objects are more than {LARGEST_ID}", where=volume.location
        )
    level = _DenseLevel(labels.levels[0], ids)
    return replace(labels, levels=(level,), factors=((1, 1, 1),)), ids
