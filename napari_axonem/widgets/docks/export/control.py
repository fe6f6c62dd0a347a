"""Knows the session and the dock Export: has a child process write what is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Box, Grid
from napari_axonem.proofreading.exporting.settings import ExportSettings
from napari_axonem.proofreading.project import Project
from napari_axonem.settings import arguments_of
from napari_axonem.widgets.docks.export.view import (
    FINISHED,
    PICKED,
    SECTION,
    THESE,
    WHOLE,
    ExportView,
    Wish,
)
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.child import Child
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.keyboard import by_key
from napari_axonem.widgets.session.session import Session

SUBMISSION = ("axonem", "submit")


class ExportControl:
    """Has what is asked for written by a child process.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: ExportView) -> None:
        self._session, self._view = session, view
        self.child = Child()
        self._destination = ""
        view.wanted.connect(lambda wish: session.attempt(self._try, wish))
        view.changed.connect(self._name_destination)
        view.missing.asked.connect(lambda: session.wanted.emit("Volume"))
        view.folder_wanted.connect(self._show_folder)
        view.work.stopped.connect(self._stop)
        connect = Connections(view, self.child.stop).connect
        connect(self.child.progressed, self._progress)
        connect(self.child.finished, self._finish)
        connect(self.child.failed, self._fail)
        connect(self.child.stopped, self._end)
        connect(session.project_changed, self.show)
        session.ended.connect(self.child.end)
        self.show()

    def show(self) -> None:
        """Show everything as it is now."""
        project = self._session.project
        self._set_ready()
        if project is not None:
            volume = project.sources.fragments.volume
            sizes = [volume.grid.coarser(factor).voxel_size for factor in volume.factors]
            self._view.set_scales([f"{wording.lengths(size)} nm" for size in sizes])
            self._view.destination.setModified(False)
            self._name_destination()

    def export(self, wish: Wish) -> None:
        """Begin to write what is asked for of the open project.

        Raises
        ------
        EditError
            No project is open.
        SettingsError
            Something is missing, or out of its bounds.
        """
        project = self._session.place.opened
        if not wish.destination:
            raise SettingsError("no destination is named", where="export", remedy="name a file")
        if self.child.running:
            return
        command = self._command(project, wish)
        self._destination = wish.destination
        self._view.show_written(False)
        self._view.work.begin(f"writing {Path(wish.destination).name}")
        self.child.start(command)
        self._set_ready()

    def _try(self, wish: Wish) -> None:
        try:
            self.export(wish)
        except SettingsError as error:
            if not self._view.own[wish.kind].tell(error):
                self._view.tell(str(error))
            raise

    def _command(self, project: Project, wish: Wish) -> list[str]:
        root = str(project.folder.root)
        if not wish.kind.setting:
            return [*SUBMISSION, wish.destination, *_entries(root, wish)]
        values: dict[str, Any] = {"project": root, **wish.settings}
        values[wish.kind.setting] = wish.destination
        if wish.region != WHOLE:
            values["box"] = self._box(project.sources.grid, wish.region)
        chosen = self._chosen(project, wish)
        if chosen:
            values["objects"] = chosen
        ExportSettings.parse(values)
        return ["export", *arguments_of(ExportSettings, values)]

    def _box(self, grid: Grid, region: str) -> str:
        """Return what is in view as `export` takes it."""
        box = self._session.place.sight.visible_box(all_sections=region != SECTION)
        if box is None:
            raise SettingsError(
                "the view is not flat", where="Region", remedy="go back to two dimensions"
            )
        return _in_nm(box, grid)

    def _chosen(self, project: Project, wish: Wish) -> tuple[int, ...]:
        """Return the objects to write; none where all are."""
        if wish.objects == FINISHED:
            found = tuple(sorted(project.objects.finished()))
            if not found:
                raise SettingsError(
                    "no object is done", where="Objects", remedy=f"mark some{by_key('object_done')}"
                )
            return found
        if wish.objects == PICKED:
            picked = self._session.objects.segments
            if not picked:
                raise SettingsError(
                    "no object is picked", where="Objects", remedy="click one with the tool Look"
                )
            return picked
        if wish.objects == THESE:
            words = wish.numbers.replace(",", " ").split()
            if not words or not all(word.isdecimal() for word in words):
                raise SettingsError(
                    f"{wish.numbers!r} is no list of numbers",
                    where="Objects",
                    remedy="as in 12, 45",
                )
            return tuple(int(word) for word in words)
        return ()

    def _name_destination(self) -> None:
        """Name the destination after project, kind and format; what was typed keeps its stem."""
        project, (kind, shape) = self._session.project, self._view.chosen
        if project is None:
            return
        root = project.folder.root
        path = root.with_name(f"{root.stem}-{kind.word}")
        typed = self._view.destination.text().strip()
        if self._view.destination.isModified() and typed:
            path = Path(typed).with_suffix("")
            self._view.destination.setText(f"{path}{shape.suffix}")
            self._view.destination.setModified(True)
        else:
            self._view.destination.setText(f"{path}{shape.suffix}")

    def _show_folder(self) -> None:
        folder = Path(self._destination).absolute().parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _stop(self) -> None:
        self._view.work.stopping()
        self.child.stop()

    def _progress(self, done: int, total: int, doing: str) -> None:
        self._view.work.set_progress(done, total, doing)

    def _finish(self) -> None:
        self._over(f"wrote {self._destination}")
        self._view.show_written(True)
        self._session.place.say(f"wrote {self._destination}")
        self._session.exported.emit(self._destination)

    def _fail(self, why: str) -> None:
        self._over(why, problem=True)

    def _end(self) -> None:
        self._over("stopped; nothing was written")

    def _over(self, text: str, *, problem: bool = False) -> None:
        self._view.work.idle(text, problem=problem)
        self._set_ready()

    def _set_ready(self) -> None:
        opened = self._session.project is not None
        self._view.set_ready(opened and not self.child.running, opened=opened)


def _entries(root: str, wish: Wish) -> list[str]:
    """Return the arguments of a submission of a project and what was named for the other volume."""
    other = "mouse" if wish.volume == "human" else "human"
    arguments = [f"--{wish.volume}={root}"]
    if wish.other:
        arguments.append(f"--{other}={wish.other}")
    return arguments + (["--overwrite"] if wish.settings.get("overwrite") else [])


def _in_nm(box: Box, grid: Grid) -> str:
    """Return a box of voxels as ranges in nm, ``z0:z1,y0:y1,x0:x1``."""
    parts = zip(box.start, box.stop, grid.origin, grid.voxel_size, strict=True)
    return ",".join(f"{o + a * s:.12g}:{o + b * s:.12g}" for a, b, o, s in parts)
