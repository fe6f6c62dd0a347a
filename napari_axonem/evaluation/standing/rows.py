"""Mistakes as columns, sorted by gain, of which some are replaced after each edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, group_starts
from napari_axonem.evaluation.parts import Parts
from napari_axonem.evaluation.ranking import Ranking
from napari_axonem.evaluation.standing.lists import Lists
from napari_axonem.evaluation.tables import U32, Points

CHUNK = 1 << 9
"""Rows looked at together in search of the first ones that are wanted, to begin with."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Mistakes as in `Ranking`, with the segments and objects themselves for their parts."""

    merge: npt.NDArray[np.bool_]
    """True for a false merge, False for a false split, shape (k,)."""

    red: U32
    """Segment of the red side, uint32, shape (k,); the lower one of a false split."""

    red_truth: U32
    """True object of the red side, uint32, shape (k,)."""

    blue: U32
    """Segment of the blue side, uint32, shape (k,); the same as `red` for a false merge."""

    blue_truth: U32
    """True object of the blue side, uint32, shape (k,); the same as `red_truth` for a split."""

    contact: Ints
    """Row of the contact in the table, int64, shape (k,); -1 where the sides do not touch."""

    area: Ints
    """Voxel faces of the contact, int64, shape (k,)."""

    position: Points
    """Voxel (z, y, x) on the red side of the contact, int32, shape (k, 3)."""

    size: Ints
    """As in `Ranking`, int64, shape (k,)."""

    gain: npt.NDArray[np.float64]
    """As in `Ranking`, float64, shape (k,)."""

    thin: npt.NDArray[np.bool_]
    """As in `Mistake`, shape (k,)."""

    born: Ints
    """Number of the renewal that found it, int64, shape (k,)."""

    def __len__(self) -> int:
        return len(self.gain)

    def take(self, rows: npt.NDArray[Any] | slice) -> Rows:
        """Return some of the rows."""
        return Rows(*(getattr(self, name)[rows] for name in COLUMNS))

    def in_order(self) -> Rows:
        """Return the rows in the order of `napari_axonem.evaluation.ranking.rank`."""
        ids = (self.blue_truth, self.blue, self.red_truth, self.red, self.merge)
        return self.take(np.lexsort((*ids, -self.gain, self.thin)))


COLUMNS = tuple(field.name for field in fields(Rows))


def rows_of(
    parts: Parts,
    ranking: Ranking,
    contact: tuple[Ints, Points],
    thin: npt.NDArray[np.bool_],
    born: int,
) -> Rows:
    """Return mistakes that are given in terms of parts."""
    segment, truth = parts.segment.astype(np.uint32), parts.truth.astype(np.uint32)
    return Rows(
        ranking.merge,
        segment[ranking.red],
        truth[ranking.red],
        segment[ranking.blue],
        truth[ranking.blue],
        ranking.contact,
        *contact,
        ranking.size,
        ranking.gain,
        thin,
        np.full(len(ranking), born),
    )


def stacked(parts: list[Rows]) -> Rows:
    """Return the rows of all parts, one after the other."""
    return Rows(*(np.concatenate([getattr(p, name) for p in parts]) for name in COLUMNS))


class RankedRows:
    """All mistakes that there are now, readable from the worst on.

    A mistake depends on its own segments only. So nothing is searched or moved when segments
    change: the time is noted at each of them, and a row that is older than one of its segments
    is passed over wherever it lies. New rows make a sorted run of their own; runs of like
    length are merged, so that there are few, and each row is moved a few times only.

    Parameters
    ----------
    rows
        The mistakes at the beginning, found at renewal 0.
    """

    def __init__(self, rows: Rows) -> None:
        self._runs = [rows.in_order()]
        self._changed = np.zeros(1, np.int64)  # the renewal that each segment was last part of
        self._reach(rows.red, rows.blue)

    def replace(self, segments: Ints, rows: Rows, renewal: int) -> None:
        """Take `rows` for all mistakes that one of `segments` is part of."""
        self._reach(segments, rows.red, rows.blue)
        self._changed[segments] = renewal
        self._runs.append(rows.in_order())
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) >= len(self._runs[-2]):
            last = [run.take(self._stands(run)) for run in (self._runs.pop(), self._runs.pop())]
            self._runs.append(stacked(last).in_order())

    def renumber(self, contacts: Ints) -> None:
        """Follow a table in which contacts lie elsewhere.

        Parameters
        ----------
        contacts
            The new row of each old one, int64, -1 for those that are gone.
        """
        # the last item is what -1, for no contact, picks
        renumbered = np.append(contacts, -1)
        self._runs = [replace(run, contact=renumbered[run.contact]) for run in self._runs]

    def first(self, wanted: Callable[[Rows], npt.NDArray[np.bool_]], limit: int | None) -> Rows:
        """Return the worst mistakes that are `wanted`, at most `limit`."""
        found = [chunk for run in self._runs for chunk in self._worst(run, wanted, limit)]
        return stacked([self._runs[0].take(slice(0)), *found]).in_order().take(slice(limit))

    def all(self, wanted: Callable[[Rows], npt.NDArray[np.bool_]]) -> Rows:
        """Return all mistakes that are `wanted`, in no order."""
        return stacked([run.take(self._stands(run) & wanted(run)) for run in self._runs])

    def count(self, wanted: Callable[[Rows], npt.NDArray[np.bool_]]) -> int:
        """Return how many mistakes are `wanted`."""
        return sum(int(np.sum(self._stands(run) & wanted(run))) for run in self._runs)

    def _worst(
        self, run: Rows, wanted: Callable[[Rows], npt.NDArray[np.bool_]], limit: int | None
    ) -> Iterator[Rows]:
        """Yield rows of a run from the worst on, until there are enough."""
        missing = len(run) if limit is None else limit
        start, step = 0, CHUNK
        while missing > 0 and start < len(run):
            chunk = run.take(slice(start, start + step))
            chunk = chunk.take(np.flatnonzero(self._stands(chunk) & wanted(chunk))[:missing])
            missing -= len(chunk)
            start, step = start + step, 2 * step
            yield chunk

    def _stands(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Tell which rows are still so: no segment of theirs has changed since."""
        since = np.maximum(self._changed[rows.red], self._changed[rows.blue])
        stands: npt.NDArray[np.bool_] = since <= rows.born
        return stands

    def _reach(self, *segments: npt.NDArray[Any]) -> None:
        """Make room for segments that are new."""
        most = 1 + max(int(ids.max(initial=0)) for ids in segments)
        if most > len(self._changed):
            more = np.zeros(most + most // 4 - len(self._changed), np.int64)
            self._changed = np.append(self._changed, more)


class CutRows:
    """The false merges of each segment, readable without a look at all others.

    Parameters
    ----------
    rows
        All false merges, sorted by segment.
    segments
        Number of segments known; more come by use.
    """

    def __init__(self, rows: Rows, segments: int) -> None:
        first = group_starts(rows.red)
        columns = (getattr(rows, name) for name in COLUMNS)
        self._lists = Lists(segments, (rows.red[first].astype(np.int64), first), *columns)

    def replace(self, segments: Ints, rows: Rows) -> None:
        """Take `rows`, sorted by segment, for all false merges of `segments`, which are sorted."""
        lengths = np.bincount(np.searchsorted(segments, rows.red), minlength=len(segments))
        self._lists.put(segments, lengths, *(getattr(rows, name) for name in COLUMNS))

    def renumber(self, contacts: Ints) -> None:
        """Follow a table in which contacts lie elsewhere; as `RankedRows.renumber`."""
        column = self._lists.columns[COLUMNS.index("contact")]
        column[:] = np.append(contacts, -1)[column]

    def of(self, segments: Ints) -> Rows:
        """Return the false merges of some segments."""
        return Rows(*self._lists.take(segments))
