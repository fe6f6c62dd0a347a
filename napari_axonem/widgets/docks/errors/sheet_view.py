"""The contact sheet: a strip of small pictures of errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem, QWidget

from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.picture.portrait import SIDE
from napari_axonem.widgets.session.queue import ErrorRow

Picture = npt.NDArray[np.uint8]
"""Pixels (y, x, rgb)."""


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
