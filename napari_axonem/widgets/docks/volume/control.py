"""Knows the session and the dock Volume: opens projects, and has new ones made."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtWidgets import QMessageBox

from napari_axonem.errors import AxonemError, ProjectLockedError, SettingsError
from napari_axonem.proofreading.creation import CreateSettings
from napari_axonem.widgets.docks.volume.filling import Filling
from napari_axonem.widgets.docks.volume.new_project_view import NewProjectView, Wish
from napari_axonem.widgets.docks.volume.project_view import FactsView, OpenView
from napari_axonem.widgets.opening.locations import is_project, temporary_folder
from napari_axonem.widgets.opening.notices import tell
from napari_axonem.widgets.opening.reading import open_in
from napari_axonem.widgets.opening.samples import keep_sample
from napari_axonem.widgets.opening.shown import hide
from napari_axonem.widgets.parts import recent, wording
from napari_axonem.widgets.parts.child import Child
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.parts.work_view import WorkView
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.workplace import Notice


class VolumeControl:
    """Keeps the views like the session, and does what the user asks for.

    Parameters
    ----------
    session, open_, form, work, facts
        What is brought together.
    """

    def __init__(
        self,
        session: Session,
        open_: OpenView,
        form: NewProjectView,
        work: WorkView,
        facts: FactsView,
    ) -> None:
        self._session, self._open, self._form = session, open_, form
        self._work, self._facts = work, facts
        self._filling = Filling(form, session.place.viewer)
        self.child = Child()
        self._making, self._parts = Path(), frozenset[str]()  # what is made, of which volumes
        self._scratch: Path | None = None
        self._acting = False  # what goes wrong elsewhere is not told here
        open_.opened.connect(self.open)
        open_.closed.connect(lambda: self._attempt(session.close_soon))
        open_.phantom_wanted.connect(lambda: self._attempt(self.make_phantom))
        open_.toured.connect(lambda: session.wanted.emit("Tour"))
        form.added.connect(lambda paths: self._fill(self._filling.add, paths))
        form.taken.connect(lambda: self._fill(self._filling.add_shown))
        form.wanted.connect(lambda wish: self._attempt(self.create, wish))
        form.chosen.connect(lambda: self._attempt(self._filling.fill_voxel_size))
        work.stopped.connect(self._stop)
        connections = Connections(work, self.child.stop, session.place.soon)
        connect = connections.connect
        connect(self.child.progressed, self._progress)
        connect(self.child.finished, self._made)
        connect(self.child.failed, self._fail)
        connect(self.child.stopped, self._end)
        connect(session.project_changed, self.show)
        connect(session.place.said, self._tell)
        connections.follow(self._show_facts, session.edited)
        session.ended.connect(self.child.end)
        session.ended.connect(self._drop_scratch)
        self.show()

    def show(self) -> None:
        """Show everything as it is now."""
        project = self._session.project
        if project is not None:
            recent.remember(project.folder.root)
        self._open.set_recent(recent.projects(), offered=project is None)
        self._open.close_.setEnabled(project is not None)
        self._show_facts()

    def open(self, path: str) -> None:
        """Open a project, or add volumes to the window.

        Where another window edits the project, offer to look only.
        """
        if is_project(path):
            self._attempt(self._session.open_soon, path, partial(self._refused, path))
        else:
            self._work.idle("")
            self._attempt(open_in, self._session.place.viewer, path, self._report)

    def _refused(self, path: str, error: AxonemError | OSError) -> None:
        """Offer to look only where another window edits the project, else tell what is wrong."""
        if isinstance(error, ProjectLockedError):
            if self._may_open_read_only(error):
                self._attempt(partial(self._session.open_soon, path, self._tell_of, writable=False))
        else:
            self._tell_of(error)

    def _tell_of(self, error: AxonemError | OSError) -> None:
        self._acting = True
        self._session.place.said.emit(Notice(str(error), problem=True))
        self._acting = False

    def create(self, wish: Wish) -> None:
        """Have a project made by a child process, then open it."""
        if not wish.destination:
            raise SettingsError("no folder is named", where="Project", remedy="name one to make")
        size = self._filling.voxel_size(wish)
        CreateSettings.parse({**wish.roles, "voxel_size": size})
        for location in wish.roles.values():
            keep_sample(self._session.place.viewer.layers, location)
        self._parts = frozenset(wish.roles.values())
        arguments = [part for r, path in wish.roles.items() for part in (f"--{r}", path)]
        if size:
            arguments += ["--voxel-size", size]
        self._begin(Path(wish.destination), ["project", "create", wish.destination, *arguments])

    def make_phantom(self) -> None:
        """Have the phantom and a project of it made, then open it."""
        folder = self._scratch = temporary_folder()
        self._parts = frozenset()
        volume, project = folder / "phantom.zarr", folder / "phantom.axonem"
        labels = [
            part
            for role in ("fragments", "segmentation", "truth")
            for part in (f"--{role}", f"{volume}/labels/{role}")
        ]
        make = ["project", "create", str(project), "--image", f"{volume}/image", *labels]
        self._begin(project, ["phantom", str(volume)], make)

    def _begin(self, project: Path, *commands: list[str]) -> None:
        if self.child.running:
            return
        self._making = project
        self._form.set_busy(True)
        self._open.phantom.setEnabled(False)
        self._work.begin(f"making {project.name}")
        self.child.start(*commands)

    def _stop(self) -> None:
        self._work.stopping()
        self.child.stop()

    def _made(self) -> None:
        self._scratch = None  # what was made is kept: it will hold edits
        self._over(f"made {self._making}")
        hide(self._session.place.viewer.layers, self._parts)
        self.open(str(self._making))

    def _progress(self, done: int, total: int, doing: str) -> None:
        self._work.set_progress(done, total, doing)

    def _fail(self, why: str) -> None:
        self._over(why, problem=True)

    def _end(self) -> None:
        self._over("stopped; nothing was made")

    def _drop_scratch(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch = None

    def _over(self, text: str, *, problem: bool = False) -> None:
        self._drop_scratch()
        self._form.set_busy(False)
        self._open.phantom.setEnabled(True)
        self._work.idle(text, problem=problem)

    def _fill(self, action: Callable[..., object], *arguments: object) -> None:
        """Fill the form; it cannot be used while there is work."""
        self._work.idle("")
        self._attempt(action, *arguments)

    def _attempt(self, action: Callable[..., object], *arguments: object) -> None:
        self._acting = True
        try:
            self._session.attempt(action, *arguments)
        finally:
            self._acting = False

    def _tell(self, notice: Notice) -> None:
        if notice.problem and self._acting:
            self._work.message.tell(notice.text, problem=True)

    def _report(self, error: Exception) -> None:
        if isinstance(error, AxonemError | OSError):
            self._session.place.said.emit(Notice(str(error), problem=True))
        else:
            tell(error)

    def _may_open_read_only(self, error: ProjectLockedError) -> bool:
        answer = QMessageBox.question(
            self._open,
            "Open for reading only?",
            f"{error.seen}.\n\nOpen it for looking only? Edits made there show here when the "
            "project is opened again.",
        )
        return answer == QMessageBox.StandardButton.Yes

    def _show_facts(self) -> None:
        project = self._session.project
        if project is None:
            self._facts.set_facts([])
            return
        fragments = project.sources.fragments
        objects = project.graph.count_segments()
        self._facts.set_facts(
            [
                ("Name", project.name if project.writable else f"{project.name} (read-only)"),
                ("Folder", str(project.folder.root)),
                ("Voxels", wording.lengths(fragments.shape)),
                ("Voxel size", f"{wording.lengths(fragments.grid.voxel_size)} nm (z, y, x)"),
                ("Objects", f"{objects:,} of {project.graph.n_fragments:,} fragments"),
                ("Truth", _truth(len(project.state.truth_ids) - 1) if project.has_truth else "no"),
                ("Edits", f"{len(project.operations):,} in the log"),
            ]
        )


def _truth(objects: int) -> str:
    return wording.count(objects, "object")
