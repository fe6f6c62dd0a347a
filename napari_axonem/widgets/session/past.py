"""The operations so far: one of them chosen, to be gone to; names for points of the history."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.session.workplace import Workplace


class Past:
    """The history of the open project.

    Parameters
    ----------
    place
        Viewer and project.
    settled
        Returns the open project when it may be edited.
    """

    chosen_changed = Signal()
    """Another operation is chosen, or none."""

    def __init__(self, place: Workplace, settled: Callable[[], Project]) -> None:
        self._place, self._settled = place, settled
        self.chosen: int | None = None
        """The operation chosen, 0 for the beginning; None where none is."""

    def start(self) -> None:
        """Begin with a project that was just opened, or with none."""
        self.choose(None)

    def choose(self, number: int | None) -> None:
        """Choose an operation by its id, 0 for the beginning; None chooses none."""
        if number != self.chosen:
            self.chosen = number
            self.chosen_changed.emit()

    def go_back(self) -> None:
        """Make the project what it was after the operation chosen; undo takes that back.

        Raises
        ------
        EditError
            None is chosen, or the project is like that already.
        """
        project = self._settled()
        project.go_to(self._needed())

    def name(self, name: str) -> None:
        """Give the point that the history has come to a name.

        Raises
        ------
        EditError
            The name is empty.
        """
        self._settled().mark(name)

    def visit(self) -> None:
        """Look at the place of the operation chosen.

        Raises
        ------
        EditError
            None is chosen, or it has no place.
        """
        project = self._place.opened
        number = self._needed()
        points = project.operations[number - 1].points if number else ()
        if not points:
            raise EditError("this operation has no place", where="history")
        self._place.sight.look_at_place(points[0].position_nm)

    def _needed(self) -> int:
        if self.chosen is None:
            raise EditError(
                "no operation is chosen",
                where="history",
                remedy="click one in the history of the dock Proofread",
            )
        return self.chosen
