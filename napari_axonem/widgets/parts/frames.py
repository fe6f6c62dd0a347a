"""The frames that napari puts docked widgets in."""

from __future__ import annotations

from qtpy.QtWidgets import QDockWidget, QScrollArea, QWidget


def frame_of(widget: QWidget) -> QDockWidget | None:
    """Return the frame that a widget is in, itself or one that holds it; None without one."""
    frame = widget.parent()
    while frame is not None and not isinstance(frame, QDockWidget):
        frame = frame.parent()
    return frame


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
