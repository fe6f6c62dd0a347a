"""Contacts between the fragments of a block: how large, and how strong.

`napari_axonem.evaluation.contacts` counts the same faces for proofreading, and seeks a voxel in
the middle of each; here only sums are wanted, of many more and smaller fragments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_axonem.agglomeration.linkage import UNIT
from napari_axonem.geometry import Box
from napari_axonem.segmentation.fragments.basins import Int64
from napari_axonem.segmentation.fragments.reading import Affinities

Sums: TypeAlias = tuple[Int64, Int64, Int64]
"""Pairs of fragments (the lower in the upper half of a key), sorted; faces; and the sum of their
affinities in `UNIT`, which is the same in whatever order it is added."""


def block_contacts(label: npt.NDArray[np.uint32], affinities: Affinities, inner: Box) -> Sums:
    """Return the contacts whose faces belong to a block.

    A face lies between a voxel and its neighbour one lower along an axis, and belongs to the
    block of the upper one.

    Parameters
    ----------
    label
        Fragments (z, y, x) of the block and, where the volume goes on, one voxel below it.
    affinities
        float32 (3, z, y, x) of the block without what lies below.
    inner
        The block, in voxels of `label`.
    """
    keys, values = [], []
    for axis in range(3):
        first = max(1, inner.start[axis])  # nothing lies below the volume
        start = [first if a == axis else s for a, s in enumerate(inner.start)]
        upper = Box((start[0], start[1], start[2]), inner.stop)
        lower = upper.shift([-(a == axis) for a in range(3)])
        above, below = label[upper.slices], label[lower.slices]
        face = np.flatnonzero((above != below) & (above > 0) & (below > 0))
        one, two = above.ravel()[face], below.ravel()[face]
        keys.append(np.minimum(one, two).astype(np.int64) << 32 | np.maximum(one, two))
        strength = affinities[axis][upper.relative_to(inner.start).slices].ravel()[face]
        values.append(np.rint(strength.astype(np.float64) * UNIT).astype(np.int64))
    value = np.concatenate(values)
    return _summed(np.concatenate(keys), np.ones_like(value), value)


def merged(parts: Sequence[Sums]) -> Sums:
    """Add up the contacts of different blocks."""
    columns: list[npt.NDArray[Any]] = [
        np.concatenate(column) for column in zip(*parts, strict=True)
    ]
    return _summed(*columns)


def _summed(key: Int64, area: Int64, total: Int64) -> Sums:
    if not len(key):
        return key, area, total
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    return key[first], np.add.reduceat(area[order], first), np.add.reduceat(total[order], first)
