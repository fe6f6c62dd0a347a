"""Knows the session and the list of neighbours."""

from __future__ import annotations

import numpy as np

from napari_axonem.proofreading.neighbours import Neighbours
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.docks.objects.neighbours_view import NeighboursView
from napari_axonem.widgets.docks.objects.table import ObjectRow
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.colours import hexadecimal
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.session import Session

UNKNOWN = "\N{EN DASH}"


class NeighboursControl:
    """Keeps the list like the session, and goes where the user wants.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: NeighboursView) -> None:
        self._session, self._view = session, view
        self._shown: tuple[object, ...] = ()
        self._rows: list[ObjectRow] = []
        view.table.chosen.connect(lambda name: session.attempt(session.neighbours.go, name))
        view.table.hovered.connect(session.neighbours.hint)
        objects, pointed = session.objects, session.neighbours.pointed
        follow = Connections(view, soon=session.place.soon).follow
        follow(self.show, objects.picked, objects.changed, pointed, session.viewed)
        self.show()

    def show(self) -> None:
        """Show the neighbours as they are now."""
        project, found = self._session.project, self._session.neighbours.found
        if project is None or found is None:
            self._shown, self._rows = (), []
            self._view.set_rows((), 0, "")
            return
        shown = (found, self._session.place.sight.colouring)
        if shown != self._shown:  # else only another row is looked at
            self._shown, self._rows = shown, self._listed(project, found)
            area = len(set(project.sources.grid.voxel_size)) == 1
            known = bool((~np.isnan(found.affinity)).any())
            self._view.set_measure(area=area, affinity=known)
        self._view.set_rows(
            self._rows, self._session.neighbours.at, wording.count(len(found), "neighbour")
        )

    def _listed(self, project: Project, found: Neighbours) -> list[ObjectRow]:
        names = found.segment.tolist()
        sizes = project.objects.sizes(names).tolist()
        colour = self._session.place.sight.colour_of
        face = project.sources.grid.voxel_size[0] ** 2 / 1e6
        is_cube = len(set(project.sources.grid.voxel_size)) == 1
        return [
            ObjectRow(
                name,
                hexadecimal(colour(name)),
                (
                    wording.area(area * face) if is_cube else wording.size(area),
                    UNKNOWN if np.isnan(affinity) else f"{affinity:.2f}",
                    wording.size(size),
                ),
            )
            for name, size, area, affinity in zip(
                names, sizes, found.area.tolist(), found.affinity.tolist(), strict=True
            )
        ]
