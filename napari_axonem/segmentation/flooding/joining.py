"""Objects of blocks that were flooded each on its own become objects of the whole volume.

Blocks are flooded with a margin, so that neighbours know the same voxels twice. The published work
joins objects over subvolumes by what they share there, and keeps the ids together in a table of
unions [1]_; its code for that is not public. Here two objects are one where each is the other's
largest partner, and where they share most of the smaller one: what two floods disagree on
stays apart, and nothing depends on the order of the blocks.

References
----------
.. [1] M. Januszewski et al., Nature Methods 15 (2018) 605-610.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.geometry import Box, Zyx, zyx

Labels = npt.NDArray[np.uint32]
SHARED_AT_LEAST = 100
"""Voxels that two objects have in common before they can be one: fewer may be a mere touch."""

Pairs = npt.NDArray[np.int64]
"""Ids in one block and in another, shape (n, 2)."""


def common_box(first: Box, second: Box, volume: Box, reach: Zyx) -> Box:
    """Return the voxels by which the objects of two blocks are compared.

    Both blocks hold them, and neither has its border near: a field of view is never centred
    closer than `reach` to a block's border, and sees what lies there only from one side.
    """
    return _inner(first, volume, reach).intersect(_inner(second, volume, reach))


def agreeing(first: Labels, second: Labels, agreement: float) -> Pairs:
    """Return which objects of two floods of the same voxels are the same.

    Parameters
    ----------
    first, second
        Labels of equal shape, 0 is background.
    agreement
        Part of the smaller of two objects, of its voxels here, that both have in common at least.
    """
    table = count_overlaps(first, second)
    ours, theirs = _sizes(table.segment, table.voxels), _sizes(table.truth, table.voxels)
    both = (table.segment > 0) & (table.truth > 0)
    segment, truth, shared = table.segment[both], table.truth[both], table.voxels[both]
    smaller = np.minimum(
        np.array([ours[int(s)] for s in segment], np.int64),
        np.array([theirs[int(t)] for t in truth], np.int64),
    )
    best = _is_largest(segment, shared) & _is_largest(truth, shared)
    same = best & (shared >= np.maximum(SHARED_AT_LEAST, agreement * smaller))
    return np.stack([segment[same], truth[same]], axis=1).astype(np.int64).reshape(-1, 2)


def united(objects: Sequence[int], pairs: Sequence[tuple[int, int, Pairs]]) -> list[Labels]:
    """Return the id in the whole volume of each object of each block.

    Parameters
    ----------
    objects
        Number of objects of each block; they are called 1, 2, 3 …
    pairs
        Two blocks and which of their objects are the same.

    Returns
    -------
    For each block a table, uint32, from its ids (0 is background) to 0, 1, 2 … of the volume,
    numbered in the order of blocks.
    """
    starts = np.concatenate([[0], np.cumsum(objects)]).astype(np.int64)
    count = int(starts[-1])
    links = [np.empty((0, 2), np.int64)]
    links += [np.add(rows, (starts[a] - 1, starts[b] - 1)) for a, b, rows in pairs]
    ends = np.concatenate(links)
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), (count, count))
    _, whole = connected_components(graph, directed=False)
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    names = (np.argsort(np.argsort(first)) + 1).astype(np.uint32)[place]
    return [
        np.concatenate([np.zeros(1, np.uint32), names[a:b]]) for a, b in itertools.pairwise(starts)
    ]


def _inner(block: Box, volume: Box, reach: Zyx) -> Box:
    low = [s if s == v else s + r for s, v, r in zip(block.start, volume.start, reach, strict=True)]
    high = [s if s == v else s - r for s, v, r in zip(block.stop, volume.stop, reach, strict=True)]
    return Box(zyx(low), zyx(np.maximum(low, high)))


def _sizes(ids: npt.NDArray[np.uint64], voxels: npt.NDArray[np.int64]) -> dict[int, int]:
    names, place = np.unique(ids, return_inverse=True)
    sums = np.bincount(place, weights=voxels, minlength=len(names)).astype(np.int64)
    return dict(zip(names.tolist(), sums.tolist(), strict=True))


def _is_largest(
    ids: npt.NDArray[np.uint64], shared: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Return which rows are the one with most shared voxels among those of one id; ties count."""
    names, place = np.unique(ids, return_inverse=True)
    largest = np.zeros(len(names), np.int64)
    np.maximum.at(largest, place, shared)
    is_largest: npt.NDArray[np.bool_] = shared == largest[place]
    return is_largest
