"""Where the docks lie: at first as the work goes, later as the user left them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from napari.settings import get_settings
from qtpy.QtCore import QByteArray, QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_axonem.widgets.docks import factories
from napari_axonem.widgets.docks.factories import DOCKS, WIDTH
from napari_axonem.widgets.parts import recent

UPPER = tuple(name for name, kind in DOCKS.items() if kind.stack == factories.UPPER)
"""What is worked on: tabs in the order in which the work goes."""

LOWER = tuple(name for name, kind in DOCKS.items() if kind.stack == factories.LOWER)
"""What is done with it."""

HEIGHTS = (530, 380)
"""Of the upper and the lower docks in pixels."""

VERSION = 2
"""Of the arrangement: one that was kept before other docks were there does not count."""


def arrange(frames: Mapping[str, QDockWidget]) -> None:
    """Put the docks into two stacks at the right, so that every title can be read.

    Parameters
    ----------
    frames
        napari's frame of each dock, by the name of the dock.
    """
    main = frames[UPPER[0]].parent()
    if not isinstance(main, QMainWindow):
        return
    # Taken out first: docks that are moved leave bars of tabs behind, in the picture (Qt 6).
    for name, frame in frames.items():
        frame.setWindowTitle(name)  # what a tab says; the full name does not fit
        main.removeDockWidget(frame)
        frame.setParent(main)  # PyQt takes it from its parent else
    upper, lower = frames[UPPER[0]], frames[LOWER[0]]
    for first, names in ((upper, UPPER), (lower, LOWER)):
        main.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, first)
        for name in names[1:]:
            main.tabifyDockWidget(first, frames[name])
        for name in names:
            frames[name].show()
    size_docks(main, frames)


def size_docks(main: QMainWindow, frames: Mapping[str, QDockWidget]) -> None:
    """Give the docks the width and heights wanted; a hidden window does not keep to all of it."""
    stacks = [frames[UPPER[0]], frames[LOWER[0]]]
    main.resizeDocks(stacks, list(HEIGHTS), Qt.Orientation.Vertical)
    main.resizeDocks(stacks, [WIDTH, WIDTH], Qt.Orientation.Horizontal)


def bring_back(main: QMainWindow) -> bool:
    """Lay a window out as it was left; return whether that could be done.

    What was kept may be damaged, or of another version: then nothing happens.
    """
    kept = recent.layout()
    if kept is None:
        return False
    size, state = kept
    if not main.restoreState(QByteArray(state), VERSION):
        return False
    application = get_settings().application
    if application.window_size is None or not application.save_window_geometry:
        room = main.screen().availableGeometry().size()  # of another screen, perhaps
        main.resize(size.boundedTo(room))  # else napari has brought it back itself
    return True


class Keeper(QObject):
    """Keeps the arrangement when a window is closed.

    Parameters
    ----------
    main
        The window; it owns the keeper.
    keep_more
        Keeps what else is to be as it was left.
    """

    def __init__(self, main: QMainWindow, keep_more: Callable[[], object] = lambda: None) -> None:
        super().__init__(main)
        self._keep_more = keep_more
        main.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Keep the arrangement before the window takes its docks apart."""
        closing = event is not None and event.type() == QEvent.Type.Close
        if closing and isinstance(watched, QMainWindow):
            size = QSize(watched.width(), watched.height())
            recent.keep_layout(size, bytes(watched.saveState(VERSION).data()))
            self._keep_more()
        return False
