"""Curves of scores over repairs, drawn as SVG and painted by Qt; `repair_order` makes them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

THRESHOLDS = (50, 0)
"""Merge thresholds that ERL is stated for."""


@dataclass(frozen=True)
class Curve:
    """Scores after each step of an order."""

    name: str
    scores: npt.NDArray[np.float64]
    """Shape (steps + 1, 1 + thresholds)."""
    falls: tuple[int, ...]
    """Steps at which ERL fell, for each threshold."""
    rises: int
    """Steps at which VOI rose."""
    of_joins: int
    """How many of the steps at which ERL fell were joins."""

    def means(self) -> tuple[float, ...]:
        """Return the means of the scores over all steps."""
        return tuple(float(mean) for mean in self.scores.mean(axis=0))


STYLES = {
    "list, T = 50": ("#d1495b", 2.2, ""),
    "list, T = 0": ("#2e8b57", 2.2, ""),
    "list, voxels": ("#d1495b", 1.8, "3 3"),
    "ERL": ("#127475", 1.8, "7 3"),
    "VOI": ("#2b6ca3", 2.2, ""),
    "size": ("#e08a1e", 1.8, ""),
    "random": ("#b0a99f", 1.0, ""),
}
"""Colour, width and dashes of each order."""

PANEL, GAPS, MARGIN = (330, 215), (62, 66), (64, 88)


def draw(found: dict[str, list[Curve]]) -> str:
    """Return all curves as SVG: segmentations below each other, scores beside each other."""
    titles = ["VOI, bits", *(f"normalised ERL, merge threshold {t}" for t in THRESHOLDS)]
    width = MARGIN[0] + len(titles) * (PANEL[0] + GAPS[0])
    height = MARGIN[1] + len(found) * (PANEL[1] + GAPS[1])
    parts = [f'<rect width="{width}" height="{height}" fill="#fdfcf9"/>']
    for n, (name, (colour, thick, dash)) in enumerate(STYLES.items()):
        x = MARGIN[0] + n * 142
        parts.append(_path([(x, 22), (x + 26, 22)], colour, thick + 0.4, dash))
        parts.append(_text(x + 34, 27, name, "start"))
    for row, (name, curves) in enumerate(found.items()):
        for column, title in enumerate(titles):
            x = MARGIN[0] + column * (PANEL[0] + GAPS[0])
            y = MARGIN[1] - 24 + row * (PANEL[1] + GAPS[1])
            parts += _panel((x, y), f"{name}: {title}", curves, column)
    inside = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans" font-size="13">{inside}</svg>'
    )


def _panel(
    corner: tuple[float, float], title: str, curves: list[Curve], column: int
) -> Iterator[str]:
    left, top = corner
    width, height = PANEL
    steps = max(len(curve.scores) for curve in curves) - 1
    high = max(float(curve.scores[:, column].max()) for curve in curves) * 1.04
    yield _text(left, top - 8, title, "start")
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + height * (1 - share)
        yield _path([(left, y), (left + width, y)], "#dcd6cb", 1, "")
        yield _text(left - 6, y + 4, f"{high * share:.2f}", "end")
        yield _text(left + width * share, top + height + 17, f"{steps * share:.0f}", "middle")
    yield _text(left + width, top + height + 33, "repairs", "end")
    for curve in sorted(curves, key=lambda one: not one.name.startswith("random")):
        style = STYLES[curve.name if curve.name in STYLES else "random"]
        values = curve.scores[:, column]
        every = max(1, len(values) // 400)
        points = [
            (left + width * n / steps, top + height * (1 - float(values[n]) / high))
            for n in range(0, len(values), every)
        ]
        yield _path(points, *style)


def _path(points: Sequence[tuple[float, float]], colour: str, width: float, dash: str) -> str:
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#23211e">{words}</text>'


def paint(svg: str, destination: Path) -> None:
    """Write SVG as PNG, with Qt and without a window."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from qtpy.QtCore import QByteArray
    from qtpy.QtGui import QGuiApplication, QImage, QPainter
    from qtpy.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    image = QImage(renderer.defaultSize(), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    assert image.save(str(destination))
    del application
