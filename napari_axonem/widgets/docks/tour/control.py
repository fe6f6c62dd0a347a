"""Knows the session and the dock Tour."""

from __future__ import annotations

from napari_axonem.widgets.docks.tour.view import TourView
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.tour import Tour


class TourControl:
    """Keeps the view like the tour.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: TourView) -> None:
        self._view = view
        self.tour = Tour(session)
        Connections(view, self.tour.end).connect(self.tour.changed, self.show)
        self.show()

    def show(self) -> None:
        """Show how far the tour is."""
        self._view.show_steps(self.tour.done, self.tour.current)
