"""Small pictures drawn by the program: dots and squares in a colour that means something."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPixmap

SIZE = 12

EDGE = QColor(90, 90, 90)
"""Round each: orange and cyan alone are too bright to be seen on a light theme."""


def dot(colour: str, size: int = SIZE) -> QPixmap:
    """Return a filled circle."""
    return _drawn(colour, size, round_=True)


def square(colour: str, size: int = SIZE) -> QPixmap:
    """Return a filled square."""
    return _drawn(colour, size, round_=False)


def _drawn(colour: str, size: int, *, round_: bool) -> QPixmap:
    picture = QPixmap(QSize(size, size))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(colour))
    painter.setPen(EDGE)
    area = picture.rect().adjusted(1, 1, -1, -1)
    if round_:
        painter.drawEllipse(area)
    else:
        painter.drawRect(area)
    painter.end()
    return picture
