"""Knows the session and the dock Export."""

from __future__ import annotations

from pathlib import Path

from napari_axonem.errors import SettingsError
from napari_axonem.widgets.docks.export.view import ExportView
from napari_axonem.widgets.parts.child import Child
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.session import Session


class ExportControl:
    """Has labels written by a child process.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: ExportView) -> None:
        self._session, self._view = session, view
        self.child = Child()
        view.wanted.connect(lambda to, replace: session.attempt(self.export, to, replace))
        view.reformatted.connect(self._change_suffix)
        view.job.stopped.connect(self._stop)
        connect = Connections(view, self.child.stop).connect
        connect(self.child.progressed, self._progress)
        connect(self.child.finished, self._finish)
        connect(self.child.failed, self._fail)
        connect(self.child.stopped, self._end)
        connect(session.project_changed, self.show)
        session.ended.connect(self.child.end)
        self._destination = ""
        self.show()

    def show(self) -> None:
        """Show everything as it is now."""
        project = self._session.project
        self._view.set_ready(project is not None and not self.child.running)
        if project is not None:
            root = project.folder.root
            self._view.set_destination(str(root.with_name(f"{root.stem}-corrected.h5")))

    def export(self, destination: str, replace: bool = False) -> None:
        """Begin to write the labels of the open project."""
        project = self._session.place.opened
        if not destination:
            raise SettingsError("no destination is named", where="export", remedy="name a file")
        if self.child.running:
            return
        self._destination = destination
        command = ["export", str(project.folder.root), destination]
        self._view.set_ready(False)
        self._view.job.begin(f"writing {Path(destination).name}")
        self.child.start(command + (["--overwrite"] if replace else []))

    def _change_suffix(self, suffix: str) -> None:
        path = self._view.destination.text().strip()
        if path:
            self._view.set_destination(str(Path(path).with_suffix(suffix)))

    def _stop(self) -> None:
        self._view.job.stopping()
        self.child.stop()

    def _progress(self, done: int, total: int, doing: str) -> None:
        self._view.job.set_progress(done, total, doing)

    def _finish(self) -> None:
        self._over(f"wrote {self._destination}")
        self._session.place.say(f"wrote {self._destination}")

    def _fail(self, why: str) -> None:
        self._over(why, problem=True)

    def _end(self) -> None:
        self._over("stopped; nothing was written")

    def _over(self, text: str, *, problem: bool = False) -> None:
        self._view.job.idle(text, problem=problem)
        self._view.set_ready(self._session.project is not None)
