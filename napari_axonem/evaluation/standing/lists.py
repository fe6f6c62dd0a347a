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
        if self._end + added > len(self._columns[0]):
            self._columns = [_grown(column, self._end + added) for column in self._columns]
        for column, new in zip(self._columns, columns, strict=True):
            column[self._end : self._end + added] = new
        self._used += added - int(self._length[keys].sum())
        self._start[keys] = self._end + np.cumsum(lengths) - lengths
        self._length[keys] = lengths
        self._end += added
        if self._end > 2 * self._used + SLACK:
            self._tidy()

    def _reach(self, keys: Ints) -> None:
        """Make room for keys that are new."""
        most = int(keys.max(initial=-1)) + 1
        if most > len(self._start):
            self._start = _grown(self._start, most)
            self._length = _grown(self._length, most)

    def _tidy(self) -> None:
        rows = ranges(self._start, self._length)
        self._columns = [column[rows] for column in self._columns]
        self._start = np.cumsum(self._length) - self._length
        self._end = self._used


def _grown(column: npt.NDArray[Any], needed: int) -> npt.NDArray[Any]:
    """Return a copy with room for `needed` rows and some more."""
    larger = np.zeros((needed + needed // 4 + 16, *column.shape[1:]), column.dtype)
    larger[: len(column)] = column
    return larger
