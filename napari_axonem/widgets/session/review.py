"""Going through the list of errors: next, previous, done, skipped, flagged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.widgets.session.findings import Findings
from napari_axonem.widgets.session.keyboard import by_key
from napari_axonem.widgets.session.pace import Pace, Stopwatch
from napari_axonem.widgets.session.queue import DONE, OPEN, ErrorQueue, ErrorRow, Filter, Rank
from napari_axonem.widgets.session.workplace import Workplace


class Review:
    """The list of errors of the open project, and the one looked at.

    Parameters
    ----------
    place
        Viewer and project.
    leave
        Called before another error is gone to.
    """

    listed = Signal()
    """The list, the states or the filter changed."""

    pointed = Signal()
    """Another error is looked at, or none."""

    sought = Signal()
    """The user wants suggestions to be looked for."""

    def __init__(self, place: Workplace, leave: Callable[[], None] = lambda: None) -> None:
        self._place, self._leave = place, leave
        self.queue = ErrorQueue()
        """The errors."""
        self.findings = Findings(place, self.queue, self._show)
        """Where they come from."""
        self._stopwatch: Stopwatch | None = None
        self._marked: list[tuple[str, str]] = []
        self._changed: set[int] = set()

    def start(self) -> None:
        """List the errors of a project that was just opened; none when it was closed."""
        self.queue.clear()
        self._stopwatch = None
        self._marked.clear()
        self._changed.clear()
        self.findings.start()
        self.findings.load()
        self._show()
        self.pointed.emit()
        self._place.later(self._foresee)

    def outdate(self, changed: Iterable[int]) -> None:
        """Note that an edit changed segments; the list follows once the picture is drawn."""
        waiting = bool(self._changed)
        self._changed |= set(changed)
        if not waiting:
            self._place.later(self._prepare)

    def _prepare(self) -> None:
        """Do the first part of what `renew` takes, and let the window have its turn."""
        if self._changed:
            self.findings.settle()
            self._place.later(self._count)

    def _count(self) -> None:
        """Do the second part."""
        if self._changed:
            self.findings.renew()
            self._place.later(self.renew)

    def renew(self) -> None:
        """Let the list follow the edits made; the place in the list is kept."""
        if self._place.project is None or not self._changed:
            return
        self.findings.outdate(self._changed)
        self._changed.clear()
        self._reload()

    def switch(self) -> None:
        """List suggestions instead of errors, or the other way round."""
        self.findings.switch()
        self.queue.clear()
        self._reload()

    def seek(self) -> None:
        """Let suggestions be looked for."""
        _ = self._place.opened
        self.sought.emit()

    def take_suggestions(self) -> None:
        """List the suggestions that were found and kept in the project."""
        self.findings.read_suggestions()
        self._reload()

    def rank(self, by: Rank) -> None:
        """Let another measure say which error is worse."""
        _ = self._place.opened
        if by == Rank.ERL and not self.findings.has_runs:
            raise EditError(
                "no skeletons are followed, so gains in run length are not known",
                where="rank",
                remedy=f"choose skeletons first{by_key('skeletons')}",
            )
        if by != self.findings.rank:
            self.findings.rank_by(by)
            self._show()

    def rank_other(self) -> None:
        """Rank by the measure that is not used now."""
        self.rank(Rank.ERL if self.findings.rank == Rank.VOI else Rank.VOI)

    def keep_to_view(self) -> None:
        """List only errors in view, in all sections; or those of the whole volume again."""
        _ = self._place.opened
        whole = self.queue.filter.box is not None
        box = None if whole else self._place.sight.visible_box(all_sections=True)
        self.set_filter(replace(self.queue.filter, box=box))

    def follow_runs(self) -> None:
        """Take run lengths in: skeletons are followed now."""
        self.findings.start_gains()
        self._reload()

    def go_to(self, error: int | str) -> None:
        """Look at an error, given by its place in the list shown (from 0) or by its key."""
        self.renew()
        if isinstance(error, str):
            found = next((row for row in self.queue.rows if row.key == error), None)
        else:
            rows = self.queue.listed
            found = rows[error] if -len(rows) <= error < len(rows) else None
        if found is None:
            raise EditError(f"there is no error {error!r} in the list", where="errors")
        self._visit(found)

    def step(self, by: int) -> None:
        """Go that many errors down the list; a negative number goes up."""
        _ = self._place.opened
        self.renew()
        row = self.queue.step(by)
        if row is None:
            raise self._end(by)
        self._visit(row)

    def go(self) -> None:
        """Bring the current error into view again, or the worst one when there is none."""
        if self.queue.current is None:
            self.step(1)
        else:
            self._look(self.queue.current)

    def mark(self, state: str) -> None:
        """Mark the current error and go on; the same mark a second time takes it back."""
        row = self.needed()
        if row.state == state:
            self._set_state(row.key, OPEN)
            return
        following = self.queue.step(1) or self.queue.step(-1)
        self._store(row.key, state)
        self._marked.append((row.key, row.state))
        if following is None:
            self._show()
        else:
            self._visit(following)
            self.listed.emit()

    def take_back_mark(self) -> None:
        """Take the newest mark back and go to its error."""
        _ = self._place.opened
        if not self._marked:
            raise EditError("no error was marked since the project was opened", where="errors")
        key, state = self._marked.pop()
        self._set_state(key, state)
        if any(row.key == key for row in self.queue.rows):
            self.go_to(key)

    def set_filter(self, chosen: Filter) -> None:
        """List only some errors."""
        same = chosen.loads_as(self.queue.filter)
        self.queue.filter = chosen
        if same:
            self._show()
        else:
            self._reload()

    def set_order(self, keys: list[str]) -> None:
        """Step through the errors in the order that a table shows them in."""
        self.queue.set_order(keys)

    def pace(self) -> Pace | None:
        """Return how the work goes; None without a project, or where not all errors are listed."""
        project, wanted = self._place.project, self.queue.filter
        if project is None or not wanted.loads_as(Filter()):
            return None
        if self._stopwatch is None:
            self._stopwatch = Stopwatch(project)
        return self._stopwatch.pace(self.findings.total, self.queue.counts()[DONE])

    def needed(self) -> ErrorRow:
        """Return the current error.

        Raises
        ------
        EditError
            None is looked at.
        """
        _ = self._place.opened
        self.renew()
        if self.queue.current is None:
            raise EditError("no error is looked at", remedy="go to one in the dock Errors")
        return self.queue.current

    def _reload(self) -> None:
        """Bring the list up to date with the project and the filter."""
        self.findings.load()
        self._show()
        self.pointed.emit()
        self._place.later(self._foresee)

    def _set_state(self, key: str, state: str) -> None:
        self._store(key, state)
        self._show()

    def _store(self, key: str, state: str) -> None:
        project = self._place.writable
        project.log.set_error_state(key, state or None)
        self.queue.set_states(project.log.error_states())

    def _visit(self, row: ErrorRow) -> None:
        """Look at an error, and leave alone what was begun at the one before."""
        self._leave()
        self._look(row)

    def _look(self, row: ErrorRow) -> None:
        self.queue.select(row)
        sight = self._place.sight
        truths = row.mistake.truth if isinstance(row.mistake, Mistake) else ()
        sight.concern(row.mistake.segments, truths)
        with sight.moving(row.mistake.position_nm):
            self.pointed.emit()
            sight.look(row.mistake)
        self._place.soon(self._mark_places)
        self._place.later(self._foresee)

    def _foresee(self) -> None:
        """Have the next error fetched, so that going there is instant."""
        following = self.queue.step(1)
        if self._place.project is not None and following is not None:
            self._place.sight.foresee(following.mistake)

    def _show(self) -> None:
        self._place.soon(self._mark_places)
        self.listed.emit()

    def _mark_places(self) -> None:
        self._place.sight.mark([row.mistake for row in self.queue.listed], self._at())

    def _at(self) -> int:
        if self.queue.current is None:
            return -1
        key = self.queue.current.key
        return next((n for n, row in enumerate(self.queue.listed) if row.key == key), -1)

    def _end(self, by: int) -> EditError:
        if not self.queue.rows:
            return EditError(self.findings.nothing(), where="errors")
        if not self.queue.listed:
            return EditError(
                f"no error is listed ({len(self.queue.rows)} are filtered out)", where="errors"
            )
        return EditError(f"this is the {'last' if by > 0 else 'first'} error listed")
