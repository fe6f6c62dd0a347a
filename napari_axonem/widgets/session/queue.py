"""The list of errors to work through: its order, what is done, and the place in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from napari_axonem.evaluation.mistakes import MIN_VOXELS, Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Box, Grid
from napari_axonem.widgets.session.identity import keys_of

DONE, SKIPPED, FLAGGED, OPEN = "done", "skipped", "flagged", ""
"""States of an error; nothing is stored of an open one."""

Finding: TypeAlias = Mistake | Suggestion
"""An error that is known from the truth, or a likely one."""


class Rank(StrEnum):
    """What makes one error worse than another."""

    VOI = "voi"
    """The variation of information, which its repair lowers: the order in which they come, where
    joins wait for the cuts that they would be spoilt without."""

    ERL = "erl"
    """The expected run length, which its repair raises."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error as it stands in the list."""

    number: int
    """Its place, 1 for the worst."""

    came: int
    """Its place in the order of repair, in which errors come."""

    key: str
    """What its state is stored under (`napari_axonem.widgets.session.identity`)."""

    mistake: Finding
    """What is wrong, where, and what repairing it gains."""

    state: str
    """`DONE`, `SKIPPED`, `FLAGGED` or `OPEN`."""

    gain_erl: float | None = None
    """By how many nm repairing it raises the expected run length; None where not known."""

    @property
    def gain_voi(self) -> float:
        """By how many bits repairing it lowers the variation of information; 0 if unknown."""
        return self.mistake.gain_voi if isinstance(self.mistake, Mistake) else 0.0

    @property
    def score(self) -> float:
        """How likely it is an error, 0 to 1: certain where the truth says so."""
        return self.mistake.score if isinstance(self.mistake, Suggestion) else 1.0

    @property
    def reason(self) -> str:
        """Why it is thought to be an error; empty where the truth says so."""
        return self.mistake.reason if isinstance(self.mistake, Suggestion) else ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which errors are listed."""

    kind: str = ""
    """Only this kind; all where it is empty."""

    hide_done: bool = True
    """Leave out those done or skipped; those flagged stay until that is settled."""

    min_voxels: int = MIN_VOXELS
    """Only those whose smaller side has so many voxels."""

    box: Box | None = None
    """Only those with their place in this box of voxels."""

    min_run_nm: float = 0.0
    """Only those of true objects with a skeleton of at least this length; 0 is all."""

    def passes(self, row: ErrorRow) -> bool:
        """Tell whether an error that was loaded is listed."""
        right_kind = not self.kind or row.mistake.kind == self.kind
        return right_kind and not (self.hide_done and row.state in (DONE, SKIPPED))

    def loads_as(self, other: Filter) -> bool:
        """Tell whether both have the same errors loaded."""
        return replace(self, hide_done=other.hide_done) == other


class ErrorQueue:
    """Errors worst first, with a filter and a current one."""

    def __init__(self) -> None:
        self.rows: tuple[ErrorRow, ...] = ()
        """All errors, worst first."""
        self.filter = Filter()
        """Which of them are listed."""
        self.current: ErrorRow | None = None
        """The error looked at; it may be gone from the list, when it was repaired."""
        self._order: dict[str, int] = {}
        self._place = -1
        self._left: tuple[Filter, int] | None = None
        self._listed: tuple[object, object, object, list[ErrorRow]] = (None, None, None, [])

    @property
    def listed(self) -> list[ErrorRow]:
        """The errors that pass the filter, in the order they are shown."""
        rows, chosen, order, listed = self._listed
        if rows is not self.rows or chosen != self.filter or order is not self._order:
            last = len(self._order)
            listed = sorted(
                filter(self.filter.passes, self.rows), key=lambda r: self._order.get(r.key, last)
            )
            self._listed = self.rows, self.filter, self._order, listed
        return listed

    @property
    def current_is_listed(self) -> bool:
        """Whether the current error is still one."""
        return self.current is not None and any(r.key == self.current.key for r in self.rows)

    def load(self, mistakes: Sequence[Finding], stored: Mapping[str, str], grid: Grid) -> None:
        """Take a new list with the states stored; the current error is found again in it.

        What an edit left of an error may be far down the list: `step` goes on from where it was.
        """
        place = self._place_left()
        known = [*stored, *([self.current.key] if self.current else ())]
        keys = keys_of(mistakes, known, grid)
        self.rows = tuple(
            ErrorRow(number, number, key, mistake, stored.get(key, OPEN))
            for number, (key, mistake) in enumerate(zip(keys, mistakes, strict=True), start=1)
        )
        self._renew_current()
        at = self._current_index()
        self._left = (self.filter, place) if at > place >= 0 else None
        if place >= at >= 0:
            self._place = at

    def rank(self, gain: Callable[[Mistake], float | None], by: Rank) -> None:
        """Sort and number the errors by a measure.

        Parameters
        ----------
        gain
            Returns the gain in run length of an error, None while it is not known. Those not
            known come last, in the order in which they came.
        """

        def known(row: ErrorRow) -> ErrorRow:
            erl = gain(row.mistake) if isinstance(row.mistake, Mistake) else None
            return row if erl == row.gain_erl else replace(row, gain_erl=erl)

        order: Callable[[ErrorRow], tuple[float, ...]] = _by_erl if by == Rank.ERL else _as_came
        rows = sorted(map(known, self.rows), key=order)
        self.rows = tuple(
            row if row.number == number else replace(row, number=number)
            for number, row in enumerate(rows, start=1)
        )
        self._renew_current()

    def set_states(self, stored: Mapping[str, str]) -> None:
        """Take new states."""
        self.rows = tuple(
            row if row.state == (state := stored.get(row.key, OPEN)) else replace(row, state=state)
            for row in self.rows
        )
        self._renew_current()

    def clear(self) -> None:
        """Forget all errors; the filter stays."""
        self.rows, self.current, self._order, self._place = (), None, {}, -1
        self._left = None

    def set_order(self, keys: Sequence[str]) -> None:
        """Follow the order in which a table shows the errors; empty is worst first."""
        order = {key: place for place, key in enumerate(keys)}
        if order != self._order:
            self._order, self._left = order, None

    def select(self, row: ErrorRow) -> None:
        """Make an error the current one."""
        self.current, self._left = row, None
        self._place = self._index(row)

    def step(self, by: int) -> ErrorRow | None:
        """Return the listed error that many rows further, or None past an end of the list.

        Where the current one has left the list, or an edit has moved it down, the one that took
        its place is next, or the nearest to it.
        """
        rows = self.listed
        at, place = self._current_index(), self._place_left()
        if at >= 0 and at == place:
            return rows[at + by] if 0 <= at + by < len(rows) else None
        if not rows:
            return None
        target = max(0, place) + (by - 1 if by > 0 else by)
        return rows[min(max(0, target), len(rows) - 1)]

    def counts(self) -> dict[str, int]:
        """Return how many errors are in each state."""
        states = [row.state for row in self.rows]
        return {state: states.count(state) for state in (OPEN, DONE, SKIPPED, FLAGGED)}

    def _place_left(self) -> int:
        """Return where to go on from: the current error's place, or that before an edit."""
        if self._left is not None and self._left[0] == self.filter:
            return self._left[1]
        at = self._current_index()
        return at if at >= 0 else self._place

    def _current_index(self) -> int:
        return -1 if self.current is None else self._index(self.current)

    def _index(self, wanted: ErrorRow) -> int:
        return next((n for n, row in enumerate(self.listed) if row.key == wanted.key), -1)

    def _renew_current(self) -> None:
        if self.current is not None:
            key = self.current.key
            self.current = next((row for row in self.rows if row.key == key), self.current)


def _as_came(row: ErrorRow) -> tuple[float, ...]:
    return (row.came,)


def _by_erl(row: ErrorRow) -> tuple[float, ...]:
    known = row.gain_erl is not None
    return (not known, -(row.gain_erl or 0.0), *_as_came(row))
