"""The contact sheet: small pictures of the next errors, made beside the window."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.compat import isalive
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem, QWidget

from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.picture.portrait import SIDE, Portrayed, portrait
from napari_axonem.widgets.session.queue import ErrorRow
from napari_axonem.widgets.session.session import Session

NEXT = 12
"""Errors that are shown, from the current one on."""

KEPT = 200
"""Pictures kept: going back in the list shows them at once."""

Name = tuple[str, tuple[int, ...], int]
"""What a picture is known by: the error's key, its segments, and its size."""

Picture = npt.NDArray[np.uint8]


class SheetView(QListWidget):
    """A strip of pictures; a click goes to an error."""

    went = Signal(str)
    """A picture was clicked: the error's key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setMovement(QListView.Movement.Static)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setSpacing(2)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = self.horizontalScrollBar().sizeHint().height()
        self.setFixedHeight(SIDE + bar + 16)
        self.setMinimumWidth(100)
        self.itemClicked.connect(lambda item: self.went.emit(item.data(Qt.ItemDataRole.UserRole)))

    def set_rows(self, rows: Sequence[ErrorRow], current: str) -> None:
        """Show errors, without pictures at first; the current one is selected."""
        self.clear()
        blank = QPixmap(SIDE, SIDE)
        blank.fill(self.palette().window().color())
        for row in rows:
            item = QListWidgetItem(QIcon(blank), "")
            item.setData(Qt.ItemDataRole.UserRole, row.key)
            kind = wording.KIND_WORDS[row.mistake.kind]
            item.setToolTip(f"{row.number}: {kind} of {wording.names(row.mistake.segments)}")
            item.setSizeHint(QSize(SIDE + 6, SIDE + 6))
            self.addItem(item)
            if row.key == current:
                self.setCurrentItem(item)

    def set_picture(self, key: str, picture: Picture) -> None:
        """Show the picture (y, x, rgb) of an error, if it is still on the sheet."""
        height, width, _ = picture.shape
        data = np.ascontiguousarray(picture).tobytes()
        image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
        icon = QIcon()
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # else the selected one is tinted
            icon.addPixmap(QPixmap.fromImage(image), mode)
        for at in range(self.count()):
            if self.item(at).data(Qt.ItemDataRole.UserRole) == key:
                self.item(at).setIcon(icon)


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
        connect = Connections(view).connect
        connect(session.review.listed, self.show)
        connect(session.review.pointed, self.show)
        connect(session.project_changed, self.begin)

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
        shown = (key, *map(_name, rows))
        if shown == self._shown:
            return
        self._shown = shown
        self._view.set_rows(rows, key)
        self._todo = []
        for row in rows:
            picture = self._made.get(_name(row))
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

    def _go_on(self) -> None:
        """Have the next picture made, unless one is being made."""
        layers = self._session.place.sight.layers
        if self._working or not self._todo or layers is None:
            return
        row, of = self._todo.pop(0), layers.portrayed()
        main = layers.segmentation.get_color(row.mistake.segments[0])
        colour = (0.6, 0.6, 0.6) if main is None else tuple(float(c) for c in main[:3])
        found: list[Picture] = []
        self._working = True

        def work() -> None:
            found.append(_picture(of, row, colour))

        self._session.place.compute(work, lambda: self._take(row, of, found))

    def _take(self, row: ErrorRow, of: Portrayed, found: list[Picture]) -> None:
        self._working = False
        if not isalive(self._view):  # the dock was closed meanwhile
            return
        layers = self._session.place.sight.layers
        if found and layers is not None and layers.portrayed().fragments is of.fragments:
            self._made[_name(row)] = found[0]
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
            self._view.set_picture(row.key, found[0])
        self._go_on()


def _picture(of: Portrayed, row: ErrorRow, colour: tuple[float, ...]) -> Picture:
    red, green, blue = colour
    return portrait(of, row.mistake, (red, green, blue))


def _name(row: ErrorRow) -> Name:
    return row.key, row.mistake.segments, row.mistake.size_voxels
