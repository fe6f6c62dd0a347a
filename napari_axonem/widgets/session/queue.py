"""The list of errors to work through: its order, what is done, and the place in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.geometry import Grid
from napari_axonem.widgets.session.identity import keys_of

DONE, SKIPPED, OPEN = "done", "skipped", ""
"""States of an error; nothing is stored of an open one."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error as it stands in the list."""

    number: int
    """Its place, 1 for the worst."""

    key: str
    """What its state is stored under (`napari_axonem.widgets.session.identity`)."""

    mistake: Mistake
    """What is wrong, where, and what repairing it gains."""

    state: str
    """`DONE`, `SKIPPED` or `OPEN`."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which errors are listed."""

    kind: str = ""
    """Only this kind; all where it is empty."""

    hide_done: bool = True
    """Leave out those done or skipped."""

    def passes(self, row: ErrorRow) -> bool:
        """Tell whether an error is listed."""
        right_kind = not self.kind or row.mistake.kind == self.kind
        return right_kind and not (self.hide_done and row.state)


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

    @property
    def listed(self) -> list[ErrorRow]:
        """The errors that pass the filter, in the order they are shown."""
        rows = [row for row in self.rows if self.filter.passes(row)]
        return sorted(rows, key=lambda row: self._order.get(row.key, len(self._order)))

    @property
    def current_is_listed(self) -> bool:
        """Whether the current error is still one."""
        return self.current is not None and any(r.key == self.current.key for r in self.rows)

    def load(self, mistakes: Sequence[Mistake], stored: Mapping[str, str], grid: Grid) -> None:
        """Take a new list with the states stored; the current error is found again in it."""
        known = [*stored, *([self.current.key] if self.current else ())]
        keys = keys_of(mistakes, known, grid)
        self.rows = tuple(
            ErrorRow(number, key, mistake, stored.get(key, OPEN))
            for number, (key, mistake) in enumerate(zip(keys, mistakes, strict=True), start=1)
        )
        self._renew_current()

    def set_states(self, stored: Mapping[str, str]) -> None:
        """Take new states."""
        self.rows = tuple(replace(row, state=stored.get(row.key, OPEN)) for row in self.rows)
        self._renew_current()

    def clear(self) -> None:
        """Forget all errors; the filter stays."""
        self.rows, self.current, self._order, self._place = (), None, {}, -1

    def set_order(self, keys: Sequence[str]) -> None:
        """Follow the order in which a table shows the errors; empty is worst first."""
        self._order = {key: place for place, key in enumerate(keys)}

    def select(self, row: ErrorRow) -> None:
        """Make an error the current one."""
        self.current = row
        self._place = self._index(row)

    def step(self, by: int) -> ErrorRow | None:
        """Return the listed error that many rows further, or None past an end of the list.

        Where the current one has left the list, the one that took its place is next, or the
        nearest to it.
        """
        rows = self.listed
        at = -1 if self.current is None else self._index(self.current)
        if at >= 0:
            target = at + by
            return rows[target] if 0 <= target < len(rows) else None
        if not rows:
            return None
        target = max(0, self._place) + (by - 1 if by > 0 else by)
        return rows[min(max(0, target), len(rows) - 1)]

    def counts(self) -> dict[str, int]:
        """Return how many errors are in each state."""
        states = [row.state for row in self.rows]
        return {state: states.count(state) for state in (OPEN, DONE, SKIPPED)}

    def _index(self, wanted: ErrorRow) -> int:
        return next((n for n, row in enumerate(self.listed) if row.key == wanted.key), -1)

    def _renew_current(self) -> None:
        if self.current is not None:
            key = self.current.key
            self.current = next((row for row in self.rows if row.key == key), self.current)
