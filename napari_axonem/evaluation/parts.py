"""The parts of segments: what one segment shares with one true object, from a table of cells.

Scores and the list of errors after any edit follow from these rows alone, without a voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation.grouping import Ids, Ints, group_lengths, group_starts, ranges
from napari_axonem.evaluation.overlaps import OverlapTable
from napari_axonem.evaluation.scores import Voi, entropy_term, voi
from napari_axonem.evaluation.tables import U32, CellTable, split_key

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Parts of segments, unique and sorted by (segment, truth)."""

    segment: Ints
    """Id of the segment, int64, shape (p,); 0 is the voxels without a segment."""

    truth: Ints
    """Id of the true object, int64, shape (p,); 0 is the voxels without truth."""

    voxels: Ints
    """Number of voxels, int64, shape (p,)."""

    first: Ints
    """First part of each segment, in ascending order of segments, int64, shape (s,)."""

    of_segment: Ints
    """Place of each part's segment in `first`, int64, shape (p,)."""

    known: Ints
    """Voxels with truth of each segment, int64, shape (s,)."""

    @classmethod
    def of_rows(cls, segment: Ints, truth: Ints, voxels: Ints) -> Parts:
        """Return parts from their columns, which are sorted and complete for each segment."""
        first = group_starts(segment)
        of_segment = np.repeat(np.arange(len(first)), group_lengths(first, len(segment)))
        known = add_up(np.where(truth > 0, voxels, 0), first)
        return cls(segment, truth, voxels, first, of_segment, known)

    def __len__(self) -> int:
        return len(self.voxels)

    @property
    def parts_of_segment(self) -> Ints:
        """Number of parts of each segment, shape (s,)."""
        return group_lengths(self.first, len(self))

    def find(self, segment: npt.NDArray[Any], truth: npt.NDArray[Any]) -> Ints:
        """Return the parts of some segments with some true objects, -1 where there is none."""
        if not len(self):
            return np.full(len(segment), -1)
        key, wanted = part_key(self.segment, self.truth), part_key(segment, truth)
        found = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        return np.where(key[found] == wanted, found, -1)


@dataclass(frozen=True, slots=True, eq=False)
class PartCells:
    """Which cells the parts of segments are made of."""

    of_cell: Ints
    """Part of each cell, int64, shape (n,)."""

    cells: Ints
    """Rows of the cells, ordered by part, int64, shape (n,)."""

    first_cell: Ints
    """Where the cells of each part begin in `cells`, int64, shape (p + 1,)."""

    @classmethod
    def of(cls, of_cell: Ints, parts: int) -> PartCells:
        """Return the same from the part of each cell, of so many parts."""
        first = np.cumsum(np.bincount(of_cell, minlength=parts))
        return cls(of_cell, np.argsort(of_cell, kind="stable"), np.concatenate([[0], first]))


def part_key(segment: npt.NDArray[Any], truth: npt.NDArray[Any]) -> Ids:
    """Return one integer for each part, in the order of segment and truth; ids below 2**32."""
    key: Ids = segment.astype(np.uint64) << np.uint64(32) | truth.astype(np.uint64)
    return key


def group_parts(
    table: CellTable, segment_of_fragment: npt.ArrayLike | None
) -> tuple[Parts, PartCells]:
    """Group cells into parts of segments.

    Parameters
    ----------
    segment_of_fragment
        Segment of each fragment id, uint32, shape (largest id + 1,), 0 for 0; where it is
        None each fragment is a segment.

    Raises
    ------
    AxonemError
        A fragment of the table has no entry, or fragment 0 has a segment.
    """
    cells = table.cells
    key = part_key(cell_segments(cells.fragment, segment_of_fragment), cells.truth)
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = group_starts(key)
    first_cell = np.append(starts, len(order))
    of_cell = np.empty(len(order), np.int64)
    of_cell[order] = np.repeat(np.arange(len(starts)), np.diff(first_cell))
    segment, truth = (half.astype(np.int64) for half in split_key(key[starts]))
    parts = Parts.of_rows(segment, truth, add_up(cells.voxels[order], starts))
    return parts, PartCells(of_cell, order, first_cell)


def cell_segments(fragment: U32, segment_of_fragment: npt.ArrayLike | None) -> Ints:
    """Return the segment of each cell, int64; arguments as in `group_parts`."""
    if segment_of_fragment is None:
        return fragment.astype(np.int64)
    lut = np.asarray(segment_of_fragment)
    if len(fragment) and int(fragment.max()) >= len(lut):
        raise AxonemError(
            f"fragment {int(fragment.max())} has no entry in a table of {len(lut)}",
            where="segments of fragments",
            remedy="use the fragments that the table was made for",
        )
    if len(lut) and lut[0] != 0:
        raise AxonemError(
            f"fragment 0 belongs to segment {int(lut[0])}",
            where="segments of fragments",
            remedy="give segment 0 to fragment 0, which is background",
        )
    segments: Ints = lut[fragment].astype(np.int64)
    return segments


def voi_of(table: CellTable, segment_of_fragment: npt.ArrayLike | None = None) -> Voi:
    """Return the variation of information of segments given as sets of fragments.

    It equals `napari_axonem.evaluation.scores.voi` of the segments' overlap table.

    Parameters
    ----------
    segment_of_fragment
        As in `group_parts`.

    Raises
    ------
    AxonemError
        No voxel has a truth, or the segments do not fit the table.
    """
    parts, _ = group_parts(table, segment_of_fragment)
    return voi(part_overlaps(parts))


def part_overlaps(parts: Parts) -> OverlapTable:
    """Return the overlap table of segments and truth."""
    segment: Ids = parts.segment.astype(np.uint64)
    return OverlapTable(segment, parts.truth.astype(np.uint64), parts.voxels)


def gain_of_cut(parts: Parts, rows: Ints) -> Floats:
    """Return by how much total VOI falls when parts become segments of their own.

    Parameters
    ----------
    rows
        Parts whose truth is not 0, shape (r,); each is cut off alone.

    Returns
    -------
    Bits times the number of voxels with truth, float64, shape (r,); never negative.
    """
    whole = parts.known[parts.of_segment[rows]]
    cut = parts.voxels[rows]
    # the split half stays, the merge half loses H of (cut, rest) within the segment
    gain = entropy_term(whole) - entropy_term(cut) - entropy_term(whole - cut)
    return np.maximum(gain, 0)


def gain_of_joining(parts: Parts, one: Ints, other: Ints) -> Floats:
    """Return by how much total VOI falls when pairs of segments are joined.

    Parameters
    ----------
    one, other
        Places of the segments in `Parts.first`, shape (r,).

    Returns
    -------
    Bits times the number of voxels with truth, float64, shape (r,); negative where joining
    does harm.
    """
    counts = parts.parts_of_segment
    swap = counts[one] > counts[other]
    few, many = np.where(swap, other, one), np.where(swap, one, other)
    pair = np.repeat(np.arange(len(few)), counts[few])
    mine = ranges(parts.first[few], counts[few])
    theirs = parts.find(parts.segment[parts.first[many[pair]]], parts.truth[mine])
    shared = (theirs >= 0) & (parts.truth[mine] > 0)
    pair, mine, theirs = pair[shared], mine[shared], theirs[shared]
    within = _joined(parts.voxels[mine], parts.voxels[theirs])
    gains = 2 * np.bincount(pair, weights=within, minlength=len(few))
    return gains - _joined(parts.known[one], parts.known[other])


def _joined(one: Ints, other: Ints) -> Floats:
    """Return the growth of ``n log2 n`` when two counts become one."""
    growth: Floats = entropy_term(one + other) - entropy_term(one) - entropy_term(other)
    return growth


def add_up(values: Ints, starts: Ints) -> Ints:
    """Return the sums of groups of `values` that begin at `starts`."""
    sums: Ints = np.add.reduceat(values, starts) if len(starts) else values[:0]
    return sums
