"""Knows the session and the dock Side views."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_axonem.widgets.docks.sides.view import SidesView
from napari_axonem.widgets.parts import recent
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.parts.frames import frame_of
from napari_axonem.widgets.session.session import Session


class SidesControl:
    """Shows the views of the session while the dock is seen.

    Parameters
    ----------
    session
        The session, which has begun its views.
    view, dock
        The canvases of them, and the dock that they are in.
    """

    def __init__(self, session: Session, view: SidesView, dock: QWidget) -> None:
        self._sides, self._dock = session.sides, dock
        self._sides.with_crosshair = recent.crosshair_shown()
        self._view = view
        view.seen.connect(self.follow)
        connect = Connections(view).connect
        connect(session.sides.switched, self.keep)
        connect(session.sides.unwanted, self.hide)
        connect(session.ended, view.end)
        self.keep()

    def follow(self, seen: bool) -> None:
        """Let the views follow the picture while they are seen."""
        if seen:
            self._sides.open()
        else:
            self._sides.close()

    def keep(self) -> None:
        """Show the views that are wanted, and keep what is shown for the next time."""
        for canvas, view in zip(self._view.canvases, self._sides.views, strict=False):
            canvas.setVisible(view in self._sides.shown)
        recent.keep_crosshair_shown(self._sides.with_crosshair)

    def hide(self) -> None:
        """Hide the dock."""
        frame = frame_of(self._dock)
        if frame is not None:
            frame.hide()
