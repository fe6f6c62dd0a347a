"""The frames that napari puts docked widgets in."""

from __future__ import annotations

from qtpy.QtWidgets import QDockWidget, QWidget


def frame_of(widget: QWidget) -> QDockWidget | None:
    """Return the frame that a widget is in, itself or one that holds it; None without one."""
    frame = widget.parent()
    while frame is not None and not isinstance(frame, QDockWidget):
        frame = frame.parent()
    return frame


def bring_forward(widget: QWidget) -> None:
    """Show the dock that a widget is in, before the others behind which it is a tab."""
    frame = frame_of(widget)
    if frame is not None:
        frame.show()
        frame.raise_()
