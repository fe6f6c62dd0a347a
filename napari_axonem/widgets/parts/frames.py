"""The frames that napari puts docked widgets in."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QWidget


def frame_of(widget: QWidget) -> QDockWidget | None:
    """Return the frame that a widget is in, itself or one that holds it; None without one."""
    frame = widget.parent()
    while frame is not None and not isinstance(frame, QDockWidget):
        frame = frame.parent()
    return frame


def become_tab(widget: QWidget, others: Iterable[QWidget]) -> None:
    """Put the dock of a widget over that of the first of others, unless it is a tab already."""
    frame, main = frame_of(widget), widget.window()
    if frame is None or not isinstance(main, QMainWindow):
        return
    if not main.tabifiedDockWidgets(frame):
        for other in _in_its_area(frame, main, others)[:1]:
            main.tabifyDockWidget(other, frame)
            frame.raise_()


def share_height(widget: QWidget, others: Iterable[QWidget]) -> None:
    """Give the dock of a widget and that of the first of others as much height each."""
    frame, main = frame_of(widget), widget.window()
    if frame is not None and isinstance(main, QMainWindow):
        for other in _in_its_area(frame, main, others)[:1]:
            half = main.height() // 2
            main.resizeDocks([frame, other], [half, half], Qt.Orientation.Vertical)


def _in_its_area(
    frame: QDockWidget, main: QMainWindow, others: Iterable[QWidget]
) -> list[QDockWidget]:
    """Return the docks of others that lie in the same area of a window as a dock."""
    shown = (f for f in map(frame_of, others) if f is not None and not f.isHidden())
    if frame.isFloating():
        return []
    area = main.dockWidgetArea(frame)
    return [f for f in shown if not f.isFloating() and main.dockWidgetArea(f) == area]


def bring_forward(widget: QWidget) -> None:
    """Show the dock that a widget is in, before others and scrolled to it."""
    frame = frame_of(widget)
    if frame is None:
        return
    frame.show()
    frame.raise_()
    for area in frame.findChildren(QScrollArea):
        if area.isAncestorOf(widget):
            area.ensureWidgetVisible(widget)
