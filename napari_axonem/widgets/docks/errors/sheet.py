"""Has the pictures of the contact sheet made, in a thread, for the errors that come next."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.compat import isalive

from napari_axonem.widgets.docks.errors.sheet_view import Picture, SheetView
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.picture.portrait import Portrayed, portrait
from napari_axonem.widgets.session.queue import ErrorRow
from napari_axonem.widgets.session.session import Session

NEXT = 12
"""Errors that are shown, from the current one on."""

KEPT = 200
"""Pictures kept: going back in the list shows them at once."""

Name = tuple[str, tuple[int, ...], int, int]
"""What a picture is known by: key, segments and size of the error, and the colours of objects."""


class Sheet:
    """Has the pictures of the next errors made, one after the other, in a thread.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: SheetView) -> None:
        self._session, self._view = session, view
        self._made: OrderedDict[Name, Picture] = OrderedDict()
        self._todo: list[ErrorRow] = []
        self._shown: tuple[Any, ...] = ()
        self._working = False
        view.went.connect(lambda key: session.attempt(session.go_to, key))
        connections = Connections(view, soon=session.place.soon)
        review = session.review
        connections.follow(self.show, review.listed, review.pointed, session.viewed)
        connections.connect(session.project_changed, self.begin)

    @property
    def is_complete(self) -> bool:
        """Whether every picture of the sheet is there."""
        return not self._working and not self._todo

    def begin(self) -> None:
        """Begin with another project, or with none."""
        self._made.clear()
        self._shown = ()
        self.show()

    def show(self) -> None:
        """Show the current error and those after it."""
        rows = self._rows() if self._view.isVisibleTo(self._view.parentWidget()) else []
        current = self._session.review.queue.current
        key = "" if current is None else current.key
        shown = (key, *map(self._name, rows))
        if shown == self._shown:
            return
        self._shown = shown
        self._view.set_rows(rows, key)
        self._todo = []
        for row in rows:
            picture = self._made.get(self._name(row))
            if picture is None:
                self._todo.append(row)
            else:
                self._view.set_picture(row.key, picture)
        self._go_on()

    def _rows(self) -> list[ErrorRow]:
        queue = self._session.review.queue
        listed = queue.listed
        key = "" if queue.current is None else queue.current.key
        at = next((n for n, row in enumerate(listed) if row.key == key), 0)
        return listed[at : at + NEXT]

    def _name(self, row: ErrorRow) -> Name:
        mistake, colouring = row.mistake, self._session.place.sight.colouring
        return row.key, mistake.segments, mistake.size_voxels, colouring

    def _go_on(self) -> None:
        """Have the next picture made, unless one is being made."""
        layers = self._session.place.sight.layers
        if self._working or not self._todo or layers is None:
            return
        row, of = self._todo.pop(0), layers.portrayed()
        colour = self._session.place.sight.colour_of(row.mistake.segments[0])
        found: list[Picture] = []
        name = self._name(row)
        self._working = True

        def work() -> None:
            found.append(_picture(of, row, colour))

        self._session.place.compute(work, lambda: self._take(row, name, of, found))

    def _take(self, row: ErrorRow, name: Name, of: Portrayed, found: list[Picture]) -> None:
        self._working = False
        if not isalive(self._view):  # the dock was closed meanwhile
            return
        layers = self._session.place.sight.layers
        if found and layers is not None and layers.portrayed().fragments is of.fragments:
            self._made[name] = found[0]
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
            if name == self._name(row):
                self._view.set_picture(row.key, found[0])
        self._go_on()


def _picture(of: Portrayed, row: ErrorRow, colour: npt.NDArray[np.floating]) -> Picture:
    red, green, blue = (float(part) for part in colour[:3])
    return portrait(of, row.mistake, (red, green, blue))
