"""Looking for suggestions in a child process, from the dock Errors."""

from __future__ import annotations

from napari_axonem.errors import EditError
from napari_axonem.widgets.docks.errors.view import ErrorsView
from napari_axonem.widgets.parts.child import Child
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.session import Session


class Seeking:
    """Has suggestions found by a child process, which keeps them in the project.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: ErrorsView) -> None:
        self._session, self._view = session, view
        self.child = Child()
        self._root = ""
        view.work.stopped.connect(self._stop)
        connect = Connections(view, self.child.stop).connect
        connect(session.review.sought, self._seek)
        connect(session.project_changed, self._leave)
        connect(self.child.progressed, view.work.set_progress)
        connect(self.child.finished, self._finish)
        connect(self.child.failed, self._fail)
        connect(self.child.stopped, self._end)
        session.ended.connect(self.child.end)

    def _seek(self) -> None:
        self._session.attempt(self.seek)

    def seek(self) -> None:
        """Begin to look for suggestions for the open project."""
        project = self._session.place.opened
        if self.child.running:
            raise EditError("suggestions are being looked for", remedy="wait, or press Stop")
        self._root = str(project.folder.root)
        self._view.set_busy(True)
        self._view.work.begin("looking for likely errors")
        self.child.start(["errors", self._root, "--suggestions", "--keep", "--json"])

    def _leave(self) -> None:
        """Stop the work for a project that was closed."""
        project = self._session.project
        if self.child.running and (project is None or str(project.folder.root) != self._root):
            self._stop()

    def _stop(self) -> None:
        self._view.work.stopping()
        self.child.stop()

    def _finish(self) -> None:
        self._over("")
        review, project = self._session.review, self._session.project
        if project is None or str(project.folder.root) != self._root:
            return
        review.take_suggestions()
        if not review.findings.suggesting:
            self._session.attempt(review.switch)
        self._session.place.say(f"{review.findings.total:,} suggestions")

    def _fail(self, why: str) -> None:
        self._over(why, problem=True)

    def _end(self) -> None:
        self._over("stopped")

    def _over(self, text: str, *, problem: bool = False) -> None:
        self._view.work.idle(text, problem=problem)
        self._view.set_busy(False)
