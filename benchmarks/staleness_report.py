"""Tables and curves of `staleness_study`."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

CHANCE = 0.1
"""Accuracy that a run counts with when it ended in NaN."""

COLOURS = {
    "plain": "#222222",
    "paper": "#d1495b",
    "1f1b": "#e08a1e",
    "1f1b, spike": "#2e8b57",
    "hybrid": "#7b4fb5",
}
Line = dict[str, Any]


def write_report(results: Path) -> None:
    """Write staleness_study.md and .png beside the results, and print the table."""
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    text = table(lines)
    results.with_suffix(".md").write_text(text)
    draw(lines).save(results.with_suffix(".png"))
    print(text)


def cuts_of(line: Line) -> str:
    """Return how the paper calls the cuts: "4-stage" for one register pair."""
    return f"{2 * len(line['layers']) + 2}-stage {tuple(line['layers'])}".replace(",)", ")")


def table(lines: list[Line]) -> str:
    """Return markdown: a line for each network, cut and way."""
    rows = [
        "| network | cuts | way | seeds | accuracy, % | loss against plain, points | of the paper "
        "order's loss |",
        "|---|---|---|---|---|---|---|",
    ]
    for network, of_network in grouped(lines, lambda line: line["network"]).items():
        plain = {line["seed"]: line for line in of_network if not line["layers"]}
        rows.append(_row(network, "", "plain", list(plain.values()), plain, None))
        pipelined = [line for line in of_network if line["layers"]]
        for cuts, of_cuts in grouped(pipelined, cuts_of).items():
            by_way = grouped(of_cuts, lambda line: line["way"])
            paper = loss_against(by_way.get("paper", []), plain)
            for way, runs in by_way.items():
                rows.append(_row(network, cuts, way, runs, plain, paper))
    return "\n".join([*rows, ""])


def grouped(lines: list[Line], key: Any) -> dict[str, list[Line]]:  # noqa: ANN401
    """Return lines by key, in order of first appearance."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[key(line)].append(line)
    return found


def accuracy(line: Line) -> float:
    """Return the accuracy at the end, that of chance after NaN."""
    return CHANCE if line["diverged_at"] is not None else float(line["accuracy"])


def loss_against(runs: list[Line], plain: dict[int, Line]) -> float | None:
    """Return by how many points runs are worse than plain training with the same seeds."""
    falls = [accuracy(plain[r["seed"]]) - accuracy(r) for r in runs if r["seed"] in plain]
    return 100 * statistics.mean(falls) if falls else None


def _row(
    network: str,
    cuts: str,
    way: str,
    runs: list[Line],
    plain: dict[int, Line],
    paper: float | None,
) -> str:
    values = [100 * accuracy(run) for run in runs]
    shown = f"{statistics.mean(values):.2f}"
    if len(values) > 1:
        shown += f" ± {statistics.stdev(values):.2f}"
    diverged = sum(run["diverged_at"] is not None for run in runs)
    if diverged:
        shown += f" ({diverged} of {len(runs)} ended in NaN)"
    loss = loss_against(runs, plain)
    against = "" if loss is None or way == "plain" else f"{loss:+.2f}"
    share = ""
    if against and loss is not None and paper and way != "paper":
        share = f"{loss / paper:.2f}" if paper > 0 else "the paper order lost nothing"
    return f"| {network} | {cuts} | {way} | {len(runs)} | {shown} | {against} | {share} |"


def draw(lines: list[Line]) -> Image.Image:
    """Return curves of test accuracy: a panel for each network and cuts, means over seeds."""
    panels = []
    for network, of_network in grouped(lines, lambda line: line["network"]).items():
        plain = [line for line in of_network if not line["layers"]]
        pipelined = [line for line in of_network if line["layers"]]
        for cuts, of_cuts in grouped(pipelined, cuts_of).items():
            ways = grouped([*plain, *of_cuts], lambda line: line["way"])
            panels.append((f"{network}, {cuts}", ways))
    columns, size, gap = 3, (330, 230), 50
    rows = -(-len(panels) // columns)
    picture = Image.new(
        "RGB", (columns * (size[0] + gap) + gap, rows * (size[1] + gap) + gap), "#fff"
    )
    pen = ImageDraw.Draw(picture)
    for n, (title, ways) in enumerate(panels):
        left = gap + n % columns * (size[0] + gap)
        top = gap + n // columns * (size[1] + gap)
        _panel(pen, (left, top), size, title, ways)
    for n, (way, colour) in enumerate(COLOURS.items()):
        pen.line([(gap + n * 130, 14), (gap + 24 + n * 130, 14)], fill=colour, width=3)
        pen.text((gap + 30 + n * 130, 8), way, fill="#222")
    return picture


def _panel(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    size: tuple[int, int],
    title: str,
    ways: dict[str, list[Line]],
) -> None:
    """Draw one panel; its scale begins at the least accuracy in the second half of a run."""
    curves = {way: _mean_curve(runs) for way, runs in ways.items()}
    shown = [a for curve in curves.values() for a in curve[len(curve) // 2 :]]
    low, high = min(shown, default=0.0) - 0.005, max(shown, default=1.0) + 0.005
    (left, top), (width, height) = at, size
    pen.rectangle([left, top, left + width, top + height], outline="#999")
    pen.text((left, top - 14), title, fill="#222")
    for value in (low, high):
        y = top + height * (high - value) / (high - low)
        pen.text((left - 40, min(y, top + height - 10)), f"{100 * value:.1f}", fill="#555")
    for way, curve in curves.items():
        points = [
            (left + width * (n + 1) / len(curve), top + height * min(1, (high - a) / (high - low)))
            for n, a in enumerate(curve)
        ]
        if len(points) > 1:
            pen.line(points, fill=COLOURS[way], width=2)


def _mean_curve(runs: list[Line]) -> list[float]:
    """Return the mean accuracy at each mark that all runs came to."""
    lengths = min(len(run["curve"]) for run in runs)
    return [statistics.mean(run["curve"][n]["accuracy"] for run in runs) for n in range(lengths)]
