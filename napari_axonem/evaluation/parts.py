"""The parts of segments: what one segment shares with one true object, from a table of cells.

Scores and the list of errors after any edit follow from these rows alone, without a voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation.grouping import Ids, Ints, group_starts, ranges
from napari_axonem.evaluation.overlaps import OverlapTable
from napari_axonem.evaluation.scores import Voi, entropy_term, voi
from napari_axonem.evaluation.tables import U32, CellTable

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

    of_cell: Ints
    """Part of each cell, int64, shape (n,)."""

    cells: Ints
    """Rows of the cells, ordered by part, int64, shape (n,)."""

    first_cell: Ints
    """Where the cells of each part begin in `cells`, int64, shape (p + 1,)."""

    first: Ints
    """First part of each segment, in ascending order of segments, int64, shape (s,)."""

    of_segment: Ints
    """Place of each part's segment in `first`, int64, shape (p,)."""

    known: Ints
    """Voxels with truth of each segment, int64, shape (s,)."""

    def __len__(self) -> int:
        return len(self.voxels)

    @property
    def parts_of_segment(self) -> Ints:
        """Number of parts of each segment, shape (s,)."""
        return np.diff(self.first, append=len(self))


def group_parts(table: CellTable, segment_of_fragment: npt.ArrayLike | None) -> Parts:
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
    segment = cell_segments(cells.fragment, segment_of_fragment)
    truth = cells.truth.astype(np.int64)
    order = np.lexsort((truth, segment))
    segment, truth = segment[order], truth[order]
    starts = group_starts(segment, truth)
    first_cell = np.append(starts, len(order))
    of_cell = np.empty(len(order), np.int64)
    of_cell[order] = np.repeat(np.arange(len(starts)), np.diff(first_cell))
    segment, truth = segment[starts], truth[starts]
    voxels = _add_up(cells.voxels[order], starts)
    first = group_starts(segment)
    of_segment = np.repeat(np.arange(len(first)), np.diff(first, append=len(segment)))
    known = _add_up(np.where(truth > 0, voxels, 0), first)
    return Parts(segment, truth, voxels, of_cell, order, first_cell, first, of_segment, known)


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
    return voi(part_overlaps(group_parts(table, segment_of_fragment)))


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
    theirs = _find(parts, many[pair], parts.truth[mine])
    shared = (theirs >= 0) & (parts.truth[mine] > 0)
    pair, mine, theirs = pair[shared], mine[shared], theirs[shared]
    within = _joined(parts.voxels[mine], parts.voxels[theirs])
    gains = 2 * np.bincount(pair, weights=within, minlength=len(few))
    return gains - _joined(parts.known[one], parts.known[other])


def _joined(one: Ints, other: Ints) -> Floats:
    """Return the growth of ``n log2 n`` when two counts become one."""
    growth: Floats = entropy_term(one + other) - entropy_term(one) - entropy_term(other)
    return growth


def _find(parts: Parts, place: Ints, truth: Ints) -> Ints:
    """Return the parts of segments at `place` with the true objects `truth`, -1 for none."""
    if not len(parts):
        return np.full(len(place), -1)
    key = parts.of_segment.astype(np.uint64) << np.uint64(32) | parts.truth.astype(np.uint64)
    wanted = place.astype(np.uint64) << np.uint64(32) | truth.astype(np.uint64)
    found = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[found] == wanted, found, -1)


def _add_up(values: Ints, starts: Ints) -> Ints:
    sums: Ints = np.add.reduceat(values, starts) if len(starts) else values[:0]
    return sums
