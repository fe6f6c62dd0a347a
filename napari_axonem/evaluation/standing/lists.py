"""Lists of rows under integer keys, in flat arrays, of which some are replaced again and again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, ranges

SLACK = 1 << 16
"""Rows that may lie unused before the arrays are written anew."""


class Lists:
    """A list of rows for each key from 0 on; keys without one have an empty list.

    A list is replaced by writing its successor behind all others, so that a change costs what
    the lists concerned cost, whatever the others hold. Once more than half of the rows are
    unused all lists are written anew, which a long sequence of changes pays for.

    Parameters
    ----------
    keys
        Number of keys known; more come by use.
    starts
        The keys that have a list, ascending, and where each begins, each shape (k,).
    columns
        The rows, one column or more of equal length.
    """

    def __init__(self, keys: int, starts: tuple[Ints, Ints], *columns: npt.NDArray[Any]) -> None:
        rows = len(columns[0])
        self._start = np.zeros(keys, np.int64)
        self._length = np.zeros(keys, np.int64)
        named, first = starts
        self._start[named] = first
        self._length[named] = np.diff(first, append=rows)
        self._columns = list(columns)
        self._spare: dict[int, int] = {}
        """Rows that are free behind a list."""
        self._end = self._used = rows

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """All rows, and among them some that are of no list any more."""
        return tuple(column[: self._end] for column in self._columns)

    def lengths(self, keys: Ints) -> Ints:
        """Return how many rows the lists of `keys` have."""
        self._reach(keys)
        lengths: Ints = self._length[keys]
        return lengths

    def take(self, keys: Ints) -> tuple[npt.NDArray[Any], ...]:
        """Return the columns of the lists of `keys`, one list after the other."""
        self._reach(keys)
        rows = ranges(self._start[keys], self._length[keys])
        return tuple(column[rows] for column in self._columns)

    def put(self, keys: Ints, lengths: Ints, *columns: npt.NDArray[Any]) -> None:
        """Replace the lists of `keys`.

        Parameters
        ----------
        keys, lengths
            Different keys, and how many of the rows in `columns` are of each.
        """
        self._reach(keys)
        added = len(columns[0])
        self._make_room(added)
        for column, new in zip(self._columns, columns, strict=True):
            column[self._end : self._end + added] = new
        for key in self._spare.keys() & set(keys.tolist()) if self._spare else ():
            del self._spare[key]
        self._used += added - int(self._length[keys].sum())
        self._start[keys] = self._end + np.cumsum(lengths) - lengths
        self._length[keys] = lengths
        self._end += added
        self._tidy_if_worn()

    def extend(self, key: int, *columns: npt.NDArray[Any]) -> None:
        """Add rows to the end of one list, with room for more: it may be very long."""
        self._reach(np.array([key]))
        length, added = int(self._length[key]), len(columns[0])
        if self._spare.get(key, 0) < added:
            self._move(key, length, room=added + length // 8)
        end = int(self._start[key]) + length
        for column, new in zip(self._columns, columns, strict=True):
            column[end : end + added] = new
        self._spare[key] -= added
        self._length[key] += added
        self._used += added

    def _move(self, key: int, length: int, room: int) -> None:
        """Copy a list behind all others, with room for some rows behind it."""
        self._make_room(length + room)
        start = int(self._start[key])
        for column in self._columns:
            column[self._end : self._end + length] = column[start : start + length]
        self._start[key], self._spare[key] = self._end, room
        self._end += length + room
        self._tidy_if_worn()

    def _make_room(self, rows: int) -> None:
        if self._end + rows > len(self._columns[0]):
            self._columns = [_grown(column, self._end + rows) for column in self._columns]

    def _reach(self, keys: Ints) -> None:
        """Make room for keys that are new."""
        most = int(keys.max(initial=-1)) + 1
        if most > len(self._start):
            self._start = _grown(self._start, most)
            self._length = _grown(self._length, most)

    def _tidy_if_worn(self) -> None:
        if self._end <= 2 * self._used + SLACK:
            return
        capacity = self._length.copy()
        for key, rows_left in self._spare.items():
            capacity[key] += rows_left
        rows = ranges(self._start, capacity)
        self._columns = [column[rows] for column in self._columns]
        self._start = np.cumsum(capacity) - capacity
        self._end = len(rows)


def _grown(column: npt.NDArray[Any], needed: int) -> npt.NDArray[Any]:
    """Return a copy with room for `needed` rows and some more."""
    larger = np.zeros((needed + needed // 4 + 16, *column.shape[1:]), column.dtype)
    larger[: len(column)] = column
    return larger
