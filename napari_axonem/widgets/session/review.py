"""Going through the list of errors: next, previous, done, skipped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.session.queue import OPEN, ErrorQueue, ErrorRow, Filter
from napari_axonem.widgets.session.workplace import Workplace


class Review:
    """The list of errors of the open project, and the one looked at.

    Parameters
    ----------
    place
        Viewer and project.
    """

    listed = Signal()
    """The list, the states or the filter changed."""

    pointed = Signal()
    """Another error is looked at, or none."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self.queue = ErrorQueue()
        """The errors."""
        self._marked: list[tuple[str, str]] = []
        self._changed: set[int] = set()

    def start(self) -> None:
        """List the errors of a project that was just opened; none when it was closed."""
        self.queue.clear()
        self._marked.clear()
        self._changed.clear()
        project = self._place.project
        if project is not None and project.has_truth:
            self._load(project, project.mistakes())
        self._show()
        self.pointed.emit()

    def outdate(self, changed: Iterable[int]) -> None:
        """Note that an edit changed segments; the list follows once the picture is drawn."""
        waiting = bool(self._changed)
        self._changed |= set(changed)
        if not waiting:
            self._place.later(self.renew)

    def renew(self) -> None:
        """Let the list follow the edits made; the place in the list is kept."""
        project = self._place.project
        if project is None or not self._changed:
            return
        self._changed.clear()
        if project.has_truth:
            self._load(project, project.mistakes())
        self._show()
        self.pointed.emit()

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
        self._look(found)

    def step(self, by: int) -> None:
        """Go that many errors down the list; a negative number goes up."""
        _ = self._place.opened
        self.renew()
        row = self.queue.step(by)
        if row is None:
            raise self._end(by)
        self._look(row)

    def go(self) -> None:
        """Bring the current error into view again, or the worst one when there is none."""
        if self.queue.current is None:
            self.step(1)
        else:
            self._look(self.queue.current)

    def mark(self, state: str) -> None:
        """Mark the current error as done or skipped and go on; a second time takes it back."""
        row = self.needed()
        if row.state == state:
            self._set_state(row.key, OPEN)
            return
        following = self.queue.step(1) or self.queue.step(-1)
        self._set_state(row.key, state)
        self._marked.append((row.key, row.state))
        if following is not None:
            self._look(following)

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
        self.queue.filter = chosen
        self._show()

    def set_order(self, keys: list[str]) -> None:
        """Step through the errors in the order that a table shows them in."""
        self.queue.set_order(keys)

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

    def _load(self, project: Project, mistakes: Sequence[Mistake]) -> None:
        self.queue.load(mistakes, project.log.error_states(), project.sources.grid)

    def _set_state(self, key: str, state: str) -> None:
        project = self._place.opened
        if not project.writable:
            raise EditError("the project is open read-only", where=project.name)
        project.log.set_error_state(key, state or None)
        self.queue.set_states(project.log.error_states())
        self._show()

    def _look(self, row: ErrorRow) -> None:
        self.queue.select(row)
        sight = self._place.sight
        sight.concern(row.mistake.segments, row.mistake.truth)
        sight.look(row.mistake)
        self._mark_places()
        self.pointed.emit()

    def _show(self) -> None:
        self._mark_places()
        self.listed.emit()

    def _mark_places(self) -> None:
        self._place.sight.mark([row.mistake for row in self.queue.listed], self._at())

    def _at(self) -> int:
        if self.queue.current is None:
            return -1
        key = self.queue.current.key
        return next((n for n, row in enumerate(self.queue.listed) if row.key == key), -1)

    def _end(self, by: int) -> EditError:
        if not self._place.opened.has_truth:
            return EditError(
                "the project has no ground truth, so no errors are known", where="errors"
            )
        if not self.queue.listed:
            hidden = f" ({len(self.queue.rows)} are filtered out)" if self.queue.rows else ""
            return EditError(f"no error is listed{hidden}", where="errors")
        return EditError(f"this is the {'last' if by > 0 else 'first'} error listed")
