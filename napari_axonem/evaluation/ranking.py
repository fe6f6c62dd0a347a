"""Find false splits and false merges in a table, and rank them, as plain columns.

Nothing here makes an object of a mistake: tables of millions of fragments are ranked in whole
columns, and only the worst are described afterwards (`napari_axonem.evaluation.mistakes`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, best_of_group, group_starts
from napari_axonem.evaluation.parts import Parts, gain_of_cut, gain_of_joining
from napari_axonem.evaluation.tables import Contacts

LEAST_GAIN = 1e-12
"""Gain in bits below which it is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Mistakes as columns."""

    merge: npt.NDArray[np.bool_]
    """True for a false merge, False for a false split, shape (k,)."""

    red: Ints
    """Part on one side, int64, shape (k,): of the lower segment of a false split; the part to
    cut off of a false merge."""

    blue: Ints
    """Part on the other side, int64, shape (k,): of the upper segment, in the same true object;
    or the part of the same segment that the cut is made from."""

    contact: Ints
    """Row of the largest contact of both sides, int64, shape (k,); -1 where they do not touch."""

    size: Ints
    """Voxels of the smaller side of a false split, of the part to cut off of a false merge."""

    gain: npt.NDArray[np.float64]
    """Fall of total VOI by the repair, bits times voxels with truth, float64, shape (k,)."""

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> Ranking:
        """Return some of the rows."""
        return Ranking(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.gain)


@dataclass(frozen=True, slots=True, eq=False)
class Touching:
    """Pairs of parts of one true object, in two segments, that touch; sorted by the parts."""

    low: Ints
    """Part of the lower segment, int64, shape (k,)."""

    high: Ints
    """Part of the upper segment, int64, shape (k,)."""

    contact: Ints
    """Row of their largest contact, int64, shape (k,)."""

    def worst_first(self, parts: Parts) -> tuple[Ints, Ints]:
        """Return an order, and where each pair of segments begins in it.

        The order is by pair of segments, then by falling overlap, which is the smaller of both
        parts, then by true object.
        """
        one, other = parts.of_segment[self.low], parts.of_segment[self.high]
        overlap = np.minimum(parts.voxels[self.low], parts.voxels[self.high])
        order = np.lexsort((parts.truth[self.low], -overlap, other, one))
        return order, group_starts(one[order], other[order])


@dataclass(frozen=True, slots=True, eq=False)
class Meetings:
    """Contacts of cells as contacts of parts."""

    one: Ints
    """Part of the lower cell, int64, shape (m,)."""

    other: Ints
    """Part of the upper cell, int64, shape (m,)."""

    area: Ints
    """Number of common voxel faces, int64, shape (m,)."""

    contact: Ints
    """Row of the contact in its table, int64, shape (m,)."""

    @classmethod
    def of_table(cls, of_cell: Ints, contacts: Contacts) -> Meetings:
        """Return all contacts of a table whose cells belong to the parts `of_cell`."""
        one, other = of_cell[contacts.cell_a], of_cell[contacts.cell_b]
        return cls(one, other, contacts.area, np.arange(len(contacts)))


def rank(
    parts: Parts,
    splits: Ranking,
    merges: Ranking,
    least_gain: float,
    thin: npt.NDArray[np.bool_],
) -> Ranking:
    """Return mistakes of both kinds, the one with the largest gain first, thin ones last.

    Equal ones are ordered by segments and true objects, so that the order depends on nothing
    but the mistakes.

    Parameters
    ----------
    least_gain
        Mistakes with no more than this gain, in bits times voxels, are left out.
    thin
        Parts that are not worth cutting off, shape (p,).
    """
    both = joined(splits, merges)
    both = both.take(both.gain > least_gain)
    last = both.merge & thin[both.red]
    return both.take(np.lexsort((both.blue, both.red, both.merge, -both.gain, last)))


def joined(*rankings: Ranking) -> Ranking:
    """Return the rows of all, one after the other."""
    return Ranking(
        *(np.concatenate([getattr(r, f.name) for r in rankings]) for f in fields(Ranking))
    )


def false_splits(parts: Parts, touching: Touching, min_voxels: int = 1) -> Ranking:
    """Return the pairs of segments with a contact inside of one true object.

    There is one row a pair of segments. Where they share several objects the row is about the
    one in which the smaller of them is largest; the gain is that of joining them altogether.

    Parameters
    ----------
    parts
        Complete for every segment they hold. They may leave segments out: gains stay exact,
        and only the mistakes of those segments are missing.
    min_voxels
        Mistakes of a smaller size are left out.
    """
    order, first = touching.worst_first(parts)
    rows = order[first]
    red, blue = touching.low[rows], touching.high[rows]
    size = np.minimum(parts.voxels[red], parts.voxels[blue])
    large = size >= min_voxels
    rows, red, blue, size = rows[large], red[large], blue[large], size[large]
    gain = gain_of_joining(parts, parts.of_segment[red], parts.of_segment[blue])
    return Ranking(np.zeros(len(rows), bool), red, blue, touching.contact[rows], size, gain)


def touching_parts(parts: Parts, meetings: Meetings) -> Touching:
    """Return the pairs of parts of one true object, in two segments, that touch.

    Voxels without a segment or without truth are no part of any.
    """
    a, b = meetings.one, meetings.other
    low, high = np.minimum(a, b), np.maximum(a, b)  # parts are in the order of segments
    within = (parts.truth[low] == parts.truth[high]) & (parts.truth[low] > 0)
    rows = np.flatnonzero(within & (low != high) & (parts.segment[low] > 0))
    low, high, contact = low[rows], high[rows], meetings.contact[rows]
    order = np.lexsort((contact, -meetings.area[rows], low * len(parts) + high))
    order = order[group_starts(low[order], high[order])]
    return Touching(low[order], high[order], contact[order])


def false_merges(parts: Parts, meetings: Meetings, min_voxels: int = 1) -> Ranking:
    """Return the parts that a segment should not have: all but its largest true object.

    The other side of the cut is the true object at the part's largest contact within the
    segment. Where it touches none, that is the segment's largest object, at the contact with
    voxels without truth, if any.
    """
    largest = _largest_parts(parts)
    minor = (parts.truth > 0) & (parts.segment > 0) & (parts.voxels >= min_voxels)
    minor &= largest != np.arange(len(parts))
    red = np.flatnonzero(minor)
    contact, blue = np.full(len(parts), -1), largest.copy()
    mine, theirs, rows = _within_segments(parts, meetings, minor)
    unknown = parts.truth[theirs] == 0
    order = np.lexsort((meetings.contact[rows], -meetings.area[rows], mine * 2 + unknown))
    order = order[group_starts(mine[order])]
    contact[mine[order]] = meetings.contact[rows[order]]
    order = order[~unknown[order]]
    blue[mine[order]] = theirs[order]
    merge = np.ones(len(red), bool)
    gain = gain_of_cut(parts, red)
    return Ranking(merge, red, blue[red], contact[red], parts.voxels[red], gain)


def _largest_parts(parts: Parts) -> Ints:
    """Return, for each part, its segment's largest part with truth (-1 without)."""
    known = np.flatnonzero(parts.truth > 0)
    places, group = np.unique(parts.of_segment[known], return_inverse=True)
    largest = np.full(len(parts.first), -1)
    largest[places] = known[best_of_group(group, -parts.voxels[known], len(places))]
    return largest[parts.of_segment]


def _within_segments(
    parts: Parts, meetings: Meetings, wanted: npt.NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints]:
    """Return contacts of `wanted` parts with other parts of their segment.

    Returns
    -------
    The part, the other part, and the row in `meetings`; a contact of two wanted parts twice.
    """
    a, b = meetings.one, meetings.other
    rows = np.flatnonzero((parts.of_segment[a] == parts.of_segment[b]) & (a != b))
    mine = np.concatenate([a[rows], b[rows]])
    theirs = np.concatenate([b[rows], a[rows]])
    keep = wanted[mine]
    return mine[keep], theirs[keep], np.concatenate([rows, rows])[keep]
