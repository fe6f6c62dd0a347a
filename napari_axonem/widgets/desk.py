"""The whole window for the main job: all docks, laid out; used by the command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import napari
from napari.viewer import Viewer
from qtpy.QtCore import QEventLoop, Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow

from napari_axonem.geometry import Nm
from napari_axonem.widgets.arrangement import Keeper, arrange, bring_back, size_docks
from napari_axonem.widgets.docks.factories import (
    DOCKS,
    Dock,
    SidesDock,
    TourDock,
    VolumeDock,
)
from napari_axonem.widgets.menu import add_menu
from napari_axonem.widgets.opening.locations import is_project
from napari_axonem.widgets.opening.precedence import come_first
from napari_axonem.widgets.opening.reading import all_layers
from napari_axonem.widgets.parts import recent
from napari_axonem.widgets.parts.frames import frame_of
from napari_axonem.widgets.session.session import Session, session_of
from napari_axonem.widgets.session.sides import DOCK as SIDES
from napari_axonem.widgets.session.window import window_of

PICTURE = (1600, 1000)
"""Size of a picture of the window in pixels."""

TOUR = "Tour"

SIDES_HEIGHT = 320
"""Of the views from the side in pixels, at first."""

LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea


def full_name(name: str) -> str:
    """Return what napari's menu calls a dock: the menu entry then shows and hides it."""
    return f"{name} (napari-axonem)"


def open_desk(viewer: Viewer) -> Session:
    """Add all docks to a viewer's window; those there already are shown.

    What is worked on lies above what is done with it, as tabs (`arrangement`).
    """
    window, session = viewer.window, session_of(viewer)
    fresh = not any(full_name(name) in window.dock_widgets for name in DOCKS)
    for name, kind in DOCKS.items():
        if full_name(name) in window.dock_widgets:
            _frame(window.dock_widgets[full_name(name)]).show()
        else:
            dock = kind(viewer)
            dock.has_place = fresh  # it is arranged below
            window.add_dock_widget(dock, name=full_name(name), area="right")
    frames = _frames(viewer)
    main = frames["Errors"].window()
    window_of(session).belong_to(main)
    if isinstance(main, QMainWindow):
        add_menu(main.menuBar(), session)
    if fresh:  # else the user may have arranged them
        arrange(frames)
        session.project_changed.connect(lambda: _raise_what_is_next(viewer, session))
        window_of(session).show_dock = lambda name: _show_wanted(viewer, name)
    _raise_what_is_next(viewer, session)
    return session


def run_desk(volumes: Sequence[str], voxel_size: Nm | None = None, *, tour: bool = False) -> None:
    """Open the window on a project or on volumes, and return when it is closed.

    Parameters
    ----------
    volumes
        Projects, or volumes as `open_volume` takes them.
    voxel_size
        Edges (z, y, x) of a voxel in nm, where the files do not say.
    tour
        Show a newcomer the way.

    Raises
    ------
    AxonemError
        A volume or project cannot be opened; where it is a volume, no window was shown.
    """
    shown = (path for path in volumes if not is_project(path))
    layers = [layer for path in shown for layer in all_layers(path, voxel_size)]
    viewer = napari.Viewer(title="napari-axonem", show=False)
    try:
        session = shown_desk(viewer, _fitting(PICTURE), as_left=True)
        come_first()
        for layer in layers:
            viewer.add_layer(layer)
        for path in filter(is_project, volumes):
            if tour:  # going to the worst error is a step of it
                session.open_project(path)
            else:
                show_worst(session, Path(path))
        if tour:
            start_tour(viewer)
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
        session = shown_desk(viewer, PICTURE)
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


def start_tour(viewer: Viewer) -> None:
    """Show a newcomer the way through the window, from the beginning."""
    if full_name(TOUR) in viewer.window.dock_widgets:
        viewer.window.remove_dock_widget(viewer.window.dock_widgets[full_name(TOUR)])
    dock = TourDock(viewer)
    viewer.window.add_dock_widget(dock, name=full_name(TOUR), area="left", tabify=False)
    _frame(dock).setWindowTitle(TOUR)


def _show_wanted(viewer: Viewer, name: str) -> None:
    if name == TOUR:
        start_tour(viewer)
    elif name == SIDES:
        show_sides(viewer)
    else:
        show_dock(viewer, name)


def show_sides(viewer: Viewer) -> None:
    """Show the views from the side, below the picture at first."""
    if full_name(SIDES) not in viewer.window.dock_widgets:
        dock = SidesDock(viewer)
        viewer.window.add_dock_widget(dock, name=full_name(SIDES), area="bottom", tabify=False)
        frame = _frame(dock)
        frame.setWindowTitle(SIDES)
        main = frame.window()
        if isinstance(main, QMainWindow):  # the docks at the right keep their height
            bottom = (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner)
            for corner, area in zip(bottom, (LEFT, RIGHT), strict=True):
                main.setCorner(corner, area)
            main.resizeDocks([frame], [SIDES_HEIGHT], Qt.Orientation.Vertical)
    show_dock(viewer, SIDES)


def show_dock(viewer: Viewer, name: str) -> None:
    """Bring a dock to the front; nothing happens where there is none of this name."""
    if full_name(name) in viewer.window.dock_widgets:
        frame = _frame(viewer.window.dock_widgets[full_name(name)])
        frame.show()
        frame.raise_()


def shown_desk(viewer: Viewer, size: tuple[int, int], *, as_left: bool = False) -> Session:
    """Add the docks while the window is hidden, so that they are laid out once, and show it.

    Parameters
    ----------
    as_left
        Lay the window out as the user left it, and keep how it is left this time.
    """
    session = open_desk(viewer)
    main = _frame(viewer.window.dock_widgets[full_name("Volume")]).window()
    viewer.window.show()
    if as_left and recent.sides_shown():
        show_sides(viewer)
    known = as_left and isinstance(main, QMainWindow) and bring_back(main)
    if not known:
        viewer.window.resize(*size)
        if isinstance(main, QMainWindow):
            size_docks(main, _frames(viewer))
    if as_left and isinstance(main, QMainWindow):
        Keeper(main, lambda: recent.keep_sides_shown(session.sides.on))
    _raise_what_is_next(viewer, session)
    return session


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """Return a size in pixels, no larger than the screen."""
    room = QApplication.primaryScreen().availableGeometry()
    return min(size[0], room.width()), min(size[1], room.height())


def _frames(viewer: Viewer) -> dict[str, QDockWidget]:
    """Return napari's frame of each dock, by the name of the dock."""
    return {name: _frame(viewer.window.dock_widgets[full_name(name)]) for name in DOCKS}


def _frame(dock: object) -> QDockWidget:
    """Return napari's frame of a docked widget."""
    frame = frame_of(dock) if isinstance(dock, Dock) else None
    if frame is None:
        raise RuntimeError("a dock has no frame")
    return frame


def _raise_what_is_next(viewer: Viewer, session: Session) -> None:
    """Show the errors of a project just opened, and the dock Volume without one."""
    names = ("Volume",) if session.project is None else ("Errors", "Proofread")
    for name in names:
        if full_name(name) in viewer.window.dock_widgets:
            _frame(viewer.window.dock_widgets[full_name(name)]).raise_()
