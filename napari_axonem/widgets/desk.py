"""The whole window for the main job: all docks, laid out; used by the command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import napari
from napari.viewer import Viewer
from qtpy.QtCore import QEventLoop, Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow

from napari_axonem.geometry import Nm
from napari_axonem.widgets.docks.factories import (
    WIDTH,
    Dock,
    ErrorsDock,
    ExportDock,
    JobsDock,
    ObjectsDock,
    ProofreadDock,
    SegmentDock,
    TrainDock,
    VolumeDock,
)
from napari_axonem.widgets.menu import add_menu
from napari_axonem.widgets.opening.locations import is_project, volumes_at
from napari_axonem.widgets.opening.precedence import come_first
from napari_axonem.widgets.opening.reader import volume_layer
from napari_axonem.widgets.parts.frames import frame_of
from napari_axonem.widgets.session.session import Session, session_of
from napari_axonem.widgets.session.window import window_of

PICTURE = (1600, 1000)
"""Size of a picture of the window in pixels."""

DOCKS: dict[str, type[Dock]] = {
    "Volume": VolumeDock,
    "Segment": SegmentDock,
    "Errors": ErrorsDock,
    "Objects": ObjectsDock,
    "Export": ExportDock,
    "Train": TrainDock,
    "Jobs": JobsDock,
    "Proofread": ProofreadDock,
}


def full_name(name: str) -> str:
    """Return what napari's menu calls a dock: the menu entry then shows and hides it."""
    return f"{name} (napari-axonem)"


def open_desk(viewer: Viewer) -> Session:
    """Add all docks to a viewer's window; those there already are shown.

    Errors lies above Proofread, with the others behind it as tabs.
    """
    window, session = viewer.window, session_of(viewer)
    fresh = not any(full_name(name) in window.dock_widgets for name in DOCKS)
    for name, kind in DOCKS.items():
        if full_name(name) in window.dock_widgets:
            _frame(window.dock_widgets[full_name(name)]).show()
        else:
            window.add_dock_widget(kind(viewer), name=full_name(name), area="right")
    frames = {name: _frame(window.dock_widgets[full_name(name)]) for name in DOCKS}
    main = frames["Errors"].window()
    window_of(session).belong_to(main)
    if isinstance(main, QMainWindow):
        add_menu(main.menuBar(), session)
    if fresh:  # else the user may have arranged them
        _arrange(frames)
        session.project_changed.connect(lambda: _raise_what_is_next(viewer, session))
    _raise_what_is_next(viewer, session)
    return session


def run_desk(volumes: Sequence[str], voxel_size: Nm | None = None) -> None:
    """Open the window on a project or on volumes, and return when it is closed.

    Raises
    ------
    AxonemError
        A volume or project cannot be opened; where it is a volume, no window was shown.
    """
    layers = [
        volume_layer(location, voxel_size)
        for path in volumes
        if not is_project(path)
        for location in volumes_at(path)
    ]
    viewer = napari.Viewer(title="napari-axonem", show=False)
    try:
        session = _shown_desk(viewer, _fitting(PICTURE))
        come_first()
        for layer in layers:
            viewer.add_layer(layer)
        for path in filter(is_project, volumes):
            show_worst(session, Path(path))
    except BaseException:
        viewer.close()
        raise
    napari.run()


def volume_dock(viewer: Viewer) -> VolumeDock:
    """Return the dock Volume of a window that `open_desk` was called for."""
    dock = viewer.window.dock_widgets[full_name("Volume")]
    if not isinstance(dock, VolumeDock):
        raise TypeError("the dock Volume is another widget")
    return dock


def picture_desk(project: Path, destination: Path) -> None:
    """Open the window on a project, go to the worst error, and save a picture of it."""
    viewer = napari.Viewer(title="napari-axonem", show=False)
    try:
        session = _shown_desk(viewer, PICTURE)
        show_worst(session, project)
        viewer.window.screenshot(str(destination), canvas_only=False, flash=False)
    finally:
        viewer.close()
        settle()


def show_worst(session: Session, project: Path) -> None:
    """Open a project and look at its worst error, if it has one."""
    session.open_project(project)
    settle()
    if session.review.queue.listed:
        session.go_to(0)
    settle()


def settle() -> None:
    """Let the window draw what it has to."""
    for _ in range(10):
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)


def _shown_desk(viewer: Viewer, size: tuple[int, int]) -> Session:
    """Add the docks while the window is hidden, so that they are laid out once, and show it."""
    session = open_desk(viewer)
    viewer.window.show()
    viewer.window.resize(*size)
    return session


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """Return a size in pixels, no larger than the screen."""
    room = QApplication.primaryScreen().availableGeometry()
    return min(size[0], room.width()), min(size[1], room.height())


def _arrange(frames: dict[str, QDockWidget]) -> None:
    """Put Errors above Proofread, with the others behind it."""
    main = frames["Errors"].parent()
    if not isinstance(main, QMainWindow):
        return
    for name, frame in frames.items():
        frame.setWindowTitle(name)  # what a tab says; the full name does not fit
        main.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, frame)
    main.splitDockWidget(frames["Errors"], frames["Proofread"], Qt.Orientation.Vertical)
    for name in ("Volume", "Segment", "Objects", "Export", "Train", "Jobs"):
        main.tabifyDockWidget(frames["Errors"], frames[name])
    upper, lower = frames["Errors"], frames["Proofread"]
    main.resizeDocks([upper, lower], [440, 470], Qt.Orientation.Vertical)
    main.resizeDocks([upper, lower], [WIDTH, WIDTH], Qt.Orientation.Horizontal)


def _frame(dock: object) -> QDockWidget:
    """Return napari's frame of a docked widget."""
    frame = frame_of(dock) if isinstance(dock, Dock) else None
    if frame is None:
        raise RuntimeError("a dock has no frame")
    return frame


def _raise_what_is_next(viewer: Viewer, session: Session) -> None:
    """Show the errors of a project just opened, and the dock Volume without one."""
    name = full_name("Volume" if session.project is None else "Errors")
    if name in viewer.window.dock_widgets:
        _frame(viewer.window.dock_widgets[name]).raise_()
