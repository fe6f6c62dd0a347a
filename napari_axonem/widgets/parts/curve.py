"""A small curve: the score over the operations."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_axonem.widgets.parts import wording

INK = QColor(140, 140, 140)
"""Readable on light and dark."""

LINE = QColor("#3b9164")

VOI_TIP = "Total variation of information after each operation; lower is better"

MARGIN = 4

MOST = 1000
"""Numbers that are drawn."""

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Curve(QWidget):
    """Draws one series of numbers from left to right."""

    def __init__(self, tip: str = VOI_TIP, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(tip)

    def set_values(self, values: Sequence[float]) -> None:
        """Show other numbers, oldest first; of very many no more than can be told apart."""
        step = -(-len(values) // MOST) or 1
        self._values = (*values[: len(values) - 1 : step], *values[-1:])
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size wanted."""
        return QSize(200, 64)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the least size."""
        return QSize(80, 64)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if len(self._values) < 2:
            painter.setPen(INK)
            text = "no edit yet"
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        line = self._line(painter)
        painter.setPen(QPen(LINE, 2))
        painter.drawPolyline(QPolygonF(line))
        painter.setBrush(LINE)
        painter.drawEllipse(line[-1], 3, 3)

    def _line(self, painter: QPainter) -> list[QPointF]:
        """Draw the frame; return the points of the curve."""
        low, high = min(self._values), max(self._values)
        labels = [wording.bits(high), wording.bits(low)]
        width = max(painter.fontMetrics().horizontalAdvance(label) for label in labels)
        area = QRectF(self.rect()).adjusted(width + 2 * MARGIN, 8, -2 * MARGIN, -8)
        painter.setPen(INK)
        for label, y in zip(labels, (area.top(), area.bottom()), strict=True):
            box = QRectF(0, y - 8, width + MARGIN, 16)
            painter.drawText(box, RIGHT, label)
        painter.setPen(QPen(INK, 1, Qt.PenStyle.DotLine))
        for y in (area.top(), area.bottom()):
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        step = area.width() / (len(self._values) - 1)
        scale = area.height() / (high - low) if high > low else 0.0
        return [
            QPointF(area.left() + n * step, area.top() + (high - value) * scale)
            for n, value in enumerate(self._values)
        ]
