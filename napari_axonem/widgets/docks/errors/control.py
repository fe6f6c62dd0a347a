"""Knows the session and the dock Errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.widgets.docks.errors.filters import SECTION, WHOLE
from napari_axonem.widgets.docks.errors.seeking import Seeking
from napari_axonem.widgets.docks.errors.sheet import Sheet
from napari_axonem.widgets.docks.errors.skeletons_dialog import ask_skeletons
from napari_axonem.widgets.docks.errors.view import ErrorsView
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.keys import BY_ID
from napari_axonem.widgets.session.pace import Pace
from napari_axonem.widgets.session.queue import DONE, FLAGGED, OPEN, SKIPPED, ErrorRow, Filter, Rank
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
        self.seeking = Seeking(session, view)
        self.sheet = Sheet(session, view.sheet)
        view.pictures.toggled.connect(self._show_pictures)
        view.missing.asked.connect(lambda: session.wanted.emit("Volume"))
        view.went.connect(lambda key: session.attempt(session.go_to, key))
        view.entered.connect(self._enter)
        view.asked.connect(lambda action: session.attempt(BY_ID[action].run, session))
        view.filters.filtered.connect(self._filter)
        view.filters.bounded.connect(lambda region: session.attempt(self._bound, region))
        view.ranked.connect(self._rank)
        view.reordered.connect(session.review.set_order)
        connections = Connections(view, soon=session.place.soon)
        connections.follow(self.show, session.review.listed)
        connections.follow(self._point, session.review.pointed)
        connections.follow(self._show_switches, session.viewed, session.objects.picked)
        connections.connect(session.project_changed, self.show)
        connections.connect(session.wanted, self._choose_skeletons)
        view.asked.connect(self._show_switches)  # what was refused must not look switched
        self.show()

    def show(self) -> None:
        """Show the list as it is now."""
        project, review = self._session.project, self._session.review
        findings = review.findings
        self._view.set_source(
            suggesting=findings.suggesting,
            has_truth=project is not None and project.has_truth,
            opened=project is not None,
        )
        self._view.set_runs(
            known=findings.has_runs, rank=findings.rank, suggesting=findings.suggesting
        )
        self._view.set_filter(review.queue.filter)
        self._view.set_rows(review.queue.rows, self._current())
        self._view.set_summary(self._summary())
        self._view.set_done(*_done(review.pace()))
        self._show_reason()
        self._show_switches()

    def _show_pictures(self, wanted: bool) -> None:
        self._view.sheet.setVisible(wanted)
        self.sheet.show()

    def _show_switches(self) -> None:
        sight = self._session.place.sight
        self._view.set_switches(isolating=sight.isolates, truth=sight.shows_truth)

    def _point(self) -> None:
        self._view.select(self._current())
        self._show_reason()

    def _show_reason(self) -> None:
        current = self._session.review.queue.current
        if current is None or not current.reason:
            self._view.set_reason("")
            return
        names = wording.names(current.mistake.segments)
        self._view.set_reason(f"<b>{names}</b>: {escape(current.reason)}")

    def _current(self) -> str:
        current = self._session.review.queue.current
        return current.key if current else ""

    def _enter(self, key: str) -> None:
        """Go to an error; while the split of the current one is shown, take that."""
        session = self._session
        if session.editor.splitting.begun and key == self._current():
            session.attempt(session.editor.take)
        else:
            session.attempt(session.go_to, key)

    def _filter(self, chosen: Filter) -> None:
        self._session.review.set_filter(chosen)

    def _bound(self, region: str) -> None:
        """List only errors in a region, as it is in view now."""
        review, box = self._session.review, None
        _ = self._session.place.opened
        if region != WHOLE:
            box = self._session.place.sight.visible_box(all_sections=region != SECTION)
            if box is None:
                self.show()
                raise EditError(
                    "the view is not flat", where="region", remedy="go back to two dimensions"
                )
        review.set_filter(replace(review.queue.filter, box=box))

    def _rank(self, by: Rank) -> None:
        self._session.attempt(self._session.review.rank, by)
        self.show()

    def _choose_skeletons(self, what: str) -> None:
        if what == "skeletons":
            chosen = ask_skeletons(self._view)
            if chosen is not None:
                self._session.attempt(self._session.following.follow, *chosen)

    def _summary(self) -> str:
        project, review = self._session.project, self._session.review
        queue, findings = review.queue, review.findings
        if project is None:
            return ""
        if findings.suggesting and not findings.sought:
            truth = "" if project.has_truth else "The project has no ground truth. "
            return f"{truth}Likely errors can be looked for in the image and the segmentation."
        counts = queue.counts()
        noun = "suggestion" if findings.suggesting else "error"
        beyond = findings.total - len(queue.rows)
        parts = [f"<b>{wording.count(counts[OPEN] + beyond, noun)} left</b>"]
        parts += [f"{counts[s]:,} {s}" for s in (DONE, SKIPPED, FLAGGED) if counts[s]]
        if beyond:
            parts.append(f"the worst {len(queue.rows):,} are listed")
        where = " in the region" if queue.filter.box is not None else ""
        tail = "" if beyond else _where_the_gain_is(queue.rows)
        return ", ".join(parts) + where + tail + _speed(review.pace())


def _done(pace: Pace | None) -> tuple[float | None, str]:
    """Return the share of errors that is settled, and how to say it."""
    if pace is None:
        return None, ""
    text = f"{pace.settled:,} of {pace.settled + pace.left:,} settled: edits, and errors done"
    return pace.share, text


def _speed(pace: Pace | None) -> str:
    """Say how fast errors are repaired, where that is known."""
    if pace is None or pace.an_hour is None:
        return ""
    return f"; {pace.share:.0%} settled, {wording.count(round(pace.an_hour), 'repair')} an hour"


def _where_the_gain_is(rows: Sequence[ErrorRow]) -> str:
    """Say how few errors most of the gain is in: long lists have long tails."""
    gains = sorted((row.gain_voi for row in rows if not row.state), reverse=True)
    if len(gains) < LONG or gains[0] <= 0:
        return ""
    sums = np.cumsum(gains)
    worst = int(np.searchsorted(sums, 0.8 * sums[-1])) + 1
    return f"; the worst {worst:,} hold 80 % of the gain"
