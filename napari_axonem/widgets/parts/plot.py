"""Live curves: several series over the steps of long work, each with its last value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_axonem.widgets.parts.curve import INK, MARGIN, RIGHT

COLOURS = ("#3b9164", "#cb4f1c", "#756ce5", "#966989")
"""Told apart with any colour vision, on light and dark."""

LINE_HEIGHT = 16

Series = tuple[Sequence[int], Sequence[float]]
"""Steps and values."""


class Plot(QWidget):
    """Draws named series from left to right, on one scale.

    Parameters
    ----------
    tip
        What is seen.
    """

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._series: dict[str, Series] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(tip)

    def set_series(self, series: Mapping[str, Series]) -> None:
        """Show other series, by name; the widget hides when there are none."""
        self._series = {name: thinned(*one) for name, one in series.items() if len(one[0])}
        self.setVisible(bool(self._series))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size wanted."""
        return QSize(200, 96 + LINE_HEIGHT * len(self._series))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the least size."""
        return QSize(120, 96 + LINE_HEIGHT * len(self._series))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        values = [v for _, ys in self._series.values() for v in ys if math.isfinite(v)]
        steps = [s for xs, _ in self._series.values() for s in xs]
        if not values:
            return
        low, high = min(values), max(values)
        area = self._frame(painter, low, high, steps)
        for number, (name, (xs, ys)) in enumerate(self._series.items()):
            colour = QColor(COLOURS[number % len(COLOURS)])
            painter.setPen(QPen(colour, 2))
            painter.drawPolyline(QPolygonF(_points(area, xs, ys, (steps, low, high))))
            box = QRectF(MARGIN, LINE_HEIGHT * number, self.width() - 2 * MARGIN, LINE_HEIGHT)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft, f"{name}  {ys[-1]:.4g}")

    def _frame(self, painter: QPainter, low: float, high: float, steps: Sequence[int]) -> QRectF:
        """Draw the frame; return the area of the curves."""
        labels = (f"{high:.3g}", f"{low:.3g}")
        width = max(painter.fontMetrics().horizontalAdvance(label) for label in labels)
        top = LINE_HEIGHT * len(self._series) + 10
        area = QRectF(self.rect()).adjusted(width + 2 * MARGIN, top, -2 * MARGIN, -LINE_HEIGHT - 4)
        painter.setPen(INK)
        for label, y in zip(labels, (area.top(), area.bottom()), strict=True):
            box = QRectF(0, y - 8, width + MARGIN, 16)
            painter.drawText(box, RIGHT, label)
        below = QRectF(area.left(), area.bottom() + 2, area.width(), LINE_HEIGHT)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{min(steps):,}")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{max(steps):,}")
        painter.setPen(QPen(INK, 1, Qt.PenStyle.DotLine))
        for y in (area.top(), area.bottom()):
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        return area


MOST = 400
"""Points of a curve that are drawn."""


def thinned(steps: Sequence[int], values: Sequence[float]) -> Series:
    """Return a curve of no more than `MOST` points: means of neighbours, and the last as it is."""
    if len(steps) <= MOST:
        return list(steps), list(values)
    size = math.ceil(len(steps) / (MOST - 1))
    parts = [values[at : at + size] for at in range(0, len(values), size)]
    means = [sum(part) / len(part) for part in parts]
    return [*steps[::size], steps[-1]], [*means, values[-1]]


def _points(
    area: QRectF,
    steps: Sequence[int],
    values: Sequence[float],
    frame: tuple[Sequence[int], float, float],
) -> list[QPointF]:
    all_steps, low, high = frame
    first, last = min(all_steps), max(all_steps)
    across = area.width() / (last - first) if last > first else 0.0
    up = area.height() / (high - low) if high > low else 0.0
    return [
        QPointF(area.left() + (step - first) * across, area.bottom() - (value - low) * up)
        for step, value in zip(steps, values, strict=True)
        if math.isfinite(value)
    ]
