"""The views from the side, beside each other or one above the other as there is room."""

from __future__ import annotations

from collections.abc import Sequence

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QHideEvent, QResizeEvent, QShowEvent
from qtpy.QtWidgets import QSplitter, QWidget

HEIGHT = 300
"""Wanted in pixels, below the picture."""


class SidesView(QSplitter):
    """A canvas for each view."""

    seen = Signal(bool)
    """It came into sight, or is no longer."""

    def __init__(self, models: Sequence[ViewerModel], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvases = tuple(QtViewer(model) for model in models)
        self.setChildrenCollapsible(False)
        for canvas in self.canvases:
            canvas.dims.hide()  # the crosshair says where they are, and Ctrl with the wheel steps
            canvas.setAcceptDrops(False)
            canvas.setMinimumSize(120, 100)
            self.addWidget(canvas)

    def end(self) -> None:
        """Give the memory of the graphics back."""
        for canvas in self.canvases:
            canvas.close()
        self.canvases = ()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size wanted."""
        return QSize(2 * HEIGHT, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Lay the views out along the longer edge."""
        across = Qt.Orientation.Horizontal
        along = across if self.width() >= self.height() else Qt.Orientation.Vertical
        if self.orientation() != along:
            self.setOrientation(along)
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Tell that there is something to be drawn."""
        super().showEvent(event)
        self.seen.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Tell that there is nothing to be drawn."""
        super().hideEvent(event)
        self.seen.emit(False)
