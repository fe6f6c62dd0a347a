"""How many voxels each segment shares with each true object.

The table is sparse and exact for any ids up to 2**64 - 1. Volumes of any size are counted
block by block.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_axonem.blockwise import Team
from napari_axonem.errors import MismatchError
from napari_axonem.evaluation.grouping import (
    Ids,
    Ints,
    as_ids,
    fold,
    group_keys,
    group_starts,
    total,
)
from napari_axonem.evaluation.threads import each
from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.volume import Volume

Pair: TypeAlias = tuple[npt.NDArray[Any], npt.NDArray[Any]]
"""Labels of segments and of the truth in one place."""

BLOCK: Zyx = (64, 512, 512)
"""Voxels (z, y, x) counted at once by `overlap_table`."""

SLAB = 1 << 22
"""About how many voxels a thread counts at once: more take memory and save no time."""


@dataclass(frozen=True, slots=True, eq=False)
class OverlapTable:
    """Voxels that segments share with true objects; pairs without a voxel have no row.

    Rows are unique and sorted by (segment, truth).
    """

    segment: Ids
    """Id of the segment, uint64, shape (n,); 0 is the voxels without a segment."""

    truth: Ids
    """Id of the true object, uint64, shape (n,); 0 is the voxels without truth."""

    voxels: Ints
    """Number of voxels in common, int64, shape (n,), positive."""

    def __len__(self) -> int:
        return len(self.voxels)


def count_overlaps(segments: npt.ArrayLike, truth: npt.ArrayLike) -> OverlapTable:
    """Count the voxels of each pair of labels in two arrays.

    Parameters
    ----------
    segments, truth
        Labels, any integer or bool type without negative values, equal shapes of any number
        of axes.

    Raises
    ------
    MismatchError
        The shapes differ.
    VolumeError
        An array is not of integers, or has negative values.
    """
    ours, theirs = np.atleast_1d(np.asarray(segments)), np.atleast_1d(np.asarray(truth))
    if ours.shape != theirs.shape:
        raise MismatchError(f"shape {ours.shape} of segments, {theirs.shape} of truth")
    return _fold(each(_count_pair, _slabs(ours, theirs)))


def merge_tables(tables: Sequence[OverlapTable]) -> OverlapTable:
    """Add up the tables of volumes, or of parts of a volume, that share no voxel."""
    segment = np.concatenate([np.empty(0, np.uint64), *(t.segment for t in tables)])
    truth = np.concatenate([np.empty(0, np.uint64), *(t.truth for t in tables)])
    voxels = np.concatenate([np.empty(0, np.int64), *(t.voxels for t in tables)])
    if not len(voxels):
        return OverlapTable(segment, truth, voxels)
    order = np.lexsort((truth, segment))
    segment, truth = segment[order], truth[order]
    starts = group_starts(segment, truth)
    return OverlapTable(segment[starts], truth[starts], np.add.reduceat(voxels[order], starts))


def overlap_table(
    segmentation: Volume,
    truth: Volume,
    box: Box | None = None,
    progress: Progress = silent,
    *,
    block_shape: Zyx = BLOCK,
    team: Team | None = None,
) -> OverlapTable:
    """Count the voxels of each pair of labels in two volumes, block by block.

    Parameters
    ----------
    segmentation, truth
        Volumes of labels on the same grid.
    box
        The voxels that count; all where it is None.
    block_shape
        Voxels (z, y, x) that a thread reads at once.
    team
        Processes or a cluster to count with; threads of this process where it is None.

    Raises
    ------
    MismatchError
        Shapes or voxel sizes differ.
    VolumeError
        A volume has no integer labels, or `box` reaches outside.
    """
    require_same_grid(segmentation, truth)
    pieces = list(blocks(truth.box if box is None else box, block_shape))
    count, doing = partial(_count_piece, segmentation, truth), "counting overlaps"
    if team is not None:
        return _fold(table for _, table in team.run(count, pieces, progress, doing))
    return _fold(tracked(each(count, pieces), progress, doing, len(pieces)))


def require_same_grid(first: Volume, second: Volume) -> None:
    """Check that two volumes can be compared voxel by voxel.

    Origins are not compared: many files leave theirs out.

    Raises
    ------
    MismatchError
        Shapes or voxel sizes differ; it says both.
    """
    both = f"{first.location} and {second.location}"
    if first.shape != second.shape:
        raise MismatchError(
            f"shapes {first.shape} and {second.shape} (z, y, x) differ",
            where=both,
            remedy="cut or resample one of them to the other's grid",
        )
    sizes = first.grid.voxel_size, second.grid.voxel_size
    if not np.allclose(*sizes, rtol=1e-6, atol=0):
        raise MismatchError(
            f"voxel sizes {sizes[0]} and {sizes[1]} nm (z, y, x) differ",
            where=both,
            remedy="resample one of them, or correct the voxel size with --voxel-size Z,Y,X",
        )


def _fold(tables: Iterable[OverlapTable]) -> OverlapTable:
    return fold(tables, merge_tables, len)


def _count_piece(segmentation: Volume, truth: Volume, piece: Box) -> OverlapTable:
    slabs = _slabs(segmentation.read(piece), truth.read(piece))
    return _fold(_count_pair(pair) for pair in slabs)


def _slabs(segments: npt.NDArray[Any], truth: npt.NDArray[Any]) -> Iterator[Pair]:
    step = max(1, SLAB // max(1, math.prod(segments.shape[1:])))
    for start in range(0, len(segments), step):
        yield segments[start : start + step], truth[start : start + step]


def _count_pair(pair: Pair) -> OverlapTable:
    return _count_runs(*pair)


def _count_runs(segments: npt.NDArray[Any], truth: npt.NDArray[Any]) -> OverlapTable:
    """Count pairs over runs of voxels in memory order along which neither label changes."""
    ours, theirs = segments.ravel(), truth.ravel()
    starts = group_starts(ours, theirs)
    lengths = np.diff(starts, append=ours.size)
    segment, of_segment = group_keys(as_ids(ours[starts], "segmentation"))
    true, of_true = group_keys(as_ids(theirs[starts], "truth"))
    # ids may need all 64 bits, their places do not: a pair of places is one key
    pairs, of_pair = group_keys(of_segment * len(true) + of_true)
    row, column = np.divmod(pairs, max(1, len(true)))
    return OverlapTable(segment[row], true[column], total(of_pair, lengths, len(pairs)))
