"""Knows the session and the dock Errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_axonem.widgets.docks.errors.view import ErrorsView
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.keys import BY_ID
from napari_axonem.widgets.session.queue import DONE, OPEN, SKIPPED, ErrorRow, Filter
from napari_axonem.widgets.session.session import Session

LONG = 50
"""Errors of which a list is called long."""


class ErrorsControl:
    """Keeps the view like the session, and does what the user asks for.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: ErrorsView) -> None:
        self._session = session
        self._view = view
        view.went.connect(lambda key: session.attempt(session.go_to, key))
        view.entered.connect(self._enter)
        view.asked.connect(lambda action: session.attempt(BY_ID[action].run, session))
        view.filtered.connect(self._filter)
        view.reordered.connect(session.review.set_order)
        connect = Connections(view).connect
        connect(session.review.listed, self.show)
        connect(session.review.pointed, self._point)
        connect(session.project_changed, self.show)
        connect(session.viewed, self._show_switches)
        view.asked.connect(self._show_switches)  # what was refused must not look switched
        self.show()

    def show(self) -> None:
        """Show the list as it is now."""
        queue = self._session.review.queue
        self._view.set_filter(queue.filter)
        self._view.set_rows(queue.rows, self._current())
        self._view.set_summary(self._summary())
        self._show_switches()

    def _show_switches(self) -> None:
        sight = self._session.place.sight
        self._view.set_switches(isolating=sight.isolating, truth=sight.shows_truth)

    def _point(self) -> None:
        self._view.select(self._current())

    def _current(self) -> str:
        current = self._session.review.queue.current
        return current.key if current else ""

    def _enter(self, key: str) -> None:
        """Go to an error; while the split of the current one is shown, take that."""
        session = self._session
        if session.editor.splitting.points and key == self._current():
            session.attempt(session.editor.take)
        else:
            session.attempt(session.go_to, key)

    def _filter(self, chosen: Filter) -> None:
        self._session.review.set_filter(chosen)

    def _summary(self) -> str:
        project, queue = self._session.project, self._session.review.queue
        if project is None:
            return "No project is open. Open one in the dock <b>Volume</b>."
        if not project.has_truth:
            return "The project has no ground truth, so its errors are not known."
        counts = queue.counts()
        parts = [f"<b>{wording.count(counts[OPEN], 'error')} left</b>"]
        parts += [f"{counts[s]:,} {s}" for s in (DONE, SKIPPED) if counts[s]]
        return ", ".join(parts) + _where_the_gain_is(queue.rows)


def _where_the_gain_is(rows: Sequence[ErrorRow]) -> str:
    """Say how few errors most of the gain is in: long lists have long tails."""
    gains = sorted((row.mistake.gain_voi for row in rows if not row.state), reverse=True)
    if len(gains) < LONG:
        return ""
    sums = np.cumsum(gains)
    worst = int(np.searchsorted(sums, 0.8 * sums[-1])) + 1
    return f"; the worst {worst:,} hold 80 % of the gain"
