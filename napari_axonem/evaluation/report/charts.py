"""Charts as inline SVG; colours come from the style of the page, so that they follow dark mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_axonem.evaluation.erl import Erl
from napari_axonem.evaluation.report.histogram import Histogram
from napari_axonem.evaluation.report.markup import Markup, element, join
from napari_axonem.evaluation.report.wording import length_words, share_words
from napari_axonem.evaluation.report.worst import WorstSkeleton

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 46, 44
FATES = ("correct", "merged", "split", "omitted")
"""What becomes of an edge, in the order of the bars."""


PLAIN = {
    "correct": "#2b6ca3",
    "merged": "#19a7c7",
    "split": "#ee8a12",
    "omitted": "#b9b2a6",
    "segmentation": "#2b6ca3",
    "truth": "#8b8377",
}
"""Colours for readers that draw without the style of the page, which has them for dark mode."""

LOST, GAP = 34, 26
"""Width of the bar of what lies on no run, and its distance from the others."""


def histogram_chart(shown: Histogram, result: Erl) -> Markup:
    """Draw the share of path length by run length, truth against segmentation."""
    top = max(float(shown.truth.max()), float(shown.segmentation.max()), shown.lost, 1e-9)
    longest = float(shown.edges[-1])
    inner = WIDTH - LEFT - RIGHT

    def x(nm: float) -> float:
        return LEFT + LOST + GAP + (inner - LOST - GAP) * nm / longest

    def y(share: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share / top)

    floor = y(0)
    bars = [_bar(LEFT, y(shown.lost), LOST, floor - y(shown.lost), "omitted")]
    for low, high, share in zip(shown.edges[:-1], shown.edges[1:], shown.segmentation, strict=True):
        if share > 0:
            at = y(float(share))
            bars.append(_bar(x(low) + 0.5, at, x(high) - x(low) - 1, floor - at, "correct"))
    steps = [f"M{x(0):.1f} {floor:.1f}"]
    for high, share in zip(shown.edges[1:].tolist(), shown.truth.tolist(), strict=True):
        steps.append(f"V{y(share):.1f}H{x(high):.1f}")
    steps.append(f"V{floor:.1f}")
    truth = element(
        "path", d="".join(steps), class_="line-truth", fill="none", stroke=PLAIN["truth"]
    )
    means = [
        _mean(x(result.erl_nm), f"ERL {length_words(result.erl_nm)}", "segmentation", 14),
        _mean(x(result.truth_erl_nm), f"truth {length_words(result.truth_erl_nm)}", "truth", 30),
    ]
    return _svg(
        HEIGHT,
        f"Share of path length by run length; {share_words(shown.lost)} lies on no run",
        _shares(y, top),
        *bars,
        truth,
        *means,
        _word(LEFT + LOST / 2, HEIGHT - 26, "none", "middle", "soft"),
        *_ticks(x, longest),
        _word(WIDTH - RIGHT, HEIGHT - 6, "run length, µm", "end", "soft"),
    )


def skeleton_bars(worst: list[WorstSkeleton], result: Erl) -> Markup:
    """Draw what became of the length of the worst skeletons."""
    scores, row = result.per_skeleton, 22
    places = [w.place for w in worst]
    longest = max(float(scores.length[p]) for p in places)
    left, right = 90, 130
    scale = (WIDTH - left - right) / max(longest, 1e-9)
    parts: list[Markup] = []
    for n, fate in enumerate(FATES):
        parts.append(_bar(left + n * 110, 4, 12, 12, fate))
        parts.append(_word(left + n * 110 + 18, 15, fate, "start", "soft"))
    for n, one in enumerate(worst):
        y, at = 28 + n * row, float(left)
        parts.append(_word(left - 10, y + 12, str(scores.ids[one.place]), "end"))
        for fate in FATES:
            width = float(getattr(scores, fate)[one.place]) * scale
            if width > 0:
                parts.append(_bar(at, y, width, row - 7, fate))
            at += width
        whole = length_words(float(scores.length[one.place]))
        parts.append(_word(at + 8, y + 12, whole, "start", "soft"))
    label = "Length of the worst skeletons that is correct, merged, split and omitted"
    return _svg(30 + len(worst) * row, label, *parts)


def _svg(height: int, label: str, *parts: Markup) -> Markup:
    title = element("title", label)
    return element("svg", title, *parts, viewBox=f"0 0 {WIDTH} {height}", role="img")


def _bar(x: float, y: float, width: float, height: float, kind: str) -> Markup:
    size = {"width": f"{width:.1f}", "height": f"{max(0.0, height):.1f}"}
    return element("rect", x=f"{x:.1f}", y=f"{y:.1f}", class_=kind, fill=PLAIN[kind], **size)


def _word(x: float, y: float, word: str, anchor: str, kind: str = "") -> Markup:
    return element(
        "text",
        word,
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        text_anchor=anchor,
        class_=kind or "label",
        fill="currentColor",
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    plain = PLAIN.get(kind.rpartition("line-")[2], "#dcd6cb")
    return element(
        "line", class_=kind, stroke=plain, **{name: f"{value:.1f}" for name, value in ends.items()}
    )


def _mean(x: float, word: str, kind: str, y: float) -> Markup:
    anchor = "start" if x < WIDTH / 2 else "end"
    shift = 6 if anchor == "start" else -6
    line = _line(x, y - 10, x, HEIGHT - BOTTOM, f"mean line-{kind}")
    return join(line, _word(x + shift, y, word, anchor))


def _shares(y: Callable[[float], float], top: float) -> Markup:
    """Draw lines at round shares."""
    step = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if top / s <= 5), 0.25)
    parts = []
    for share in np.arange(0, top + 1e-9, step).tolist():
        at = y(share)
        parts.append(_line(LEFT, at, WIDTH - RIGHT, at, "axis"))
        parts.append(_word(LEFT - 8, at + 4, f"{share:.0%}", "end", "soft"))
    return join(*parts)


def _ticks(x: Callable[[float], float], longest: float) -> list[Markup]:
    count = 6
    rough = longest / count
    power = 10 ** np.floor(np.log10(rough))
    step = power * next(s for s in (1, 2, 5, 10) if s * power >= rough)
    values = np.arange(0, longest + step * 1e-6, step)
    return [_word(x(float(v)), HEIGHT - 26, f"{v / 1000:g}", "middle", "soft") for v in values[:-1]]
