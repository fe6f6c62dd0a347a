"""The neighbours of the object picked: which one is looked at, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.proofreading.neighbours import Neighbours, neighbours_of
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.session.keyboard import by_key
from napari_axonem.widgets.session.objects import Objects, nothing_picked
from napari_axonem.widgets.session.workplace import Workplace


class Neighbourhood:
    """What touches the object picked last.

    Parameters
    ----------
    place
        Viewer and project.
    objects
        Which object is picked.
    settled
        Returns the open project when it may be edited now, or raises an error.
    """

    pointed = Signal()
    """Another neighbour stands out, or none."""

    def __init__(self, place: Workplace, objects: Objects, settled: Callable[[], Project]) -> None:
        self._place, self._objects, self._settled = place, objects, settled
        self._known: tuple[object, ...] = ()
        self._found: Neighbours | None = None
        self._at = self._hinted = 0

    @property
    def found(self) -> Neighbours | None:
        """The neighbours as they are now; None where no object is picked."""
        project, segment = self._place.project, self._objects.segment
        if project is None or not segment:
            return None
        known = (project, segment, project.state.count)
        if known != self._known or self._found is None:
            self._found = neighbours_of(project.graph, segment, project.sources.grid)
            self._known = known
        return self._found

    @property
    def at(self) -> int:
        """The neighbour that was gone to; 0 where it is none any more."""
        found = self.found
        return self._at if found is not None and found.row_of(self._at) is not None else 0

    @property
    def standing_out(self) -> tuple[int, ...]:
        """The neighbours that are outlined: the one gone to, and the one under the mouse."""
        return tuple(dict.fromkeys(name for name in (self.at, self._hinted) if name))

    def start(self) -> None:
        """Look at no neighbour."""
        self._at = self._hinted = 0

    def hint(self, segment: int) -> None:
        """Let a neighbour stand out for a while; 0 ends that."""
        if segment != self._hinted:
            self._hinted = segment
            self.pointed.emit()

    def go(self, segment: int) -> None:
        """Look at the contact with a neighbour."""
        found, row = self._row(segment)
        self._at = segment
        place = found.place(row)
        with self._place.sight.moving(place):
            self.pointed.emit()
            self._place.sight.look_at_place(place)

    def step(self, by: int) -> None:
        """Go to the neighbour so many rows down the list; a negative number goes up."""
        found = self._needed()
        now = found.row_of(self._at)
        row = (0 if by > 0 else len(found) - 1) if now is None else (now + by) % len(found)
        self.go(int(found.segment[row]))

    def select(self) -> None:
        """Select the neighbour looked at too, or take it out again.

        The object whose neighbours these are stays the one picked last.
        """
        self._needed()
        centre = self._objects.segment
        self._row(self._at)
        self._objects.toggle(self._at)
        self._objects.front(centre)

    def join(self) -> None:
        """Merge the neighbour looked at with the object, at the contact."""
        self._needed()
        found, row = self._row(self._at)
        self._settled().merge(found.sides(row))

    def _needed(self) -> Neighbours:
        _ = self._place.opened
        found = self.found
        if found is None:
            raise nothing_picked("neighbours")
        if not len(found):
            raise EditError("it touches no other object", where=f"object {self._objects.segment}")
        return found

    def _row(self, segment: int) -> tuple[Neighbours, int]:
        found = self._needed()
        row = found.row_of(segment)
        if row is None:
            raise EditError(
                "no neighbour is looked at",
                where="neighbours",
                remedy=f"click one in the dock Objects, or go to the next{by_key('neighbour')}",
            )
        return found, row
