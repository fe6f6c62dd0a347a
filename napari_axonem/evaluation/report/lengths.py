"""The sections about run lengths and skeletons."""

from __future__ import annotations

from napari_axonem.evaluation.report.cards import CARDS, Card, Cards
from napari_axonem.evaluation.report.charts import histogram_chart, skeleton_bars
from napari_axonem.evaluation.report.findings import Findings, RunFindings
from napari_axonem.evaluation.report.histogram import Runs, histogram, runs_of
from napari_axonem.evaluation.report.markup import Child, Markup, element, join, table
from napari_axonem.evaluation.report.pictures import Focus
from napari_axonem.evaluation.report.wording import length_words, share_words
from napari_axonem.evaluation.report.worst import WorstSkeleton, worst_skeletons

BARS = 20
"""Skeletons whose bars are drawn."""


def length_sections(findings: Findings, found: RunFindings, show: Cards) -> list[Markup]:
    """Return what is said of run lengths."""
    runs = runs_of(found.skeletons, found.node_segment, found.erl)
    return [_run_lengths(found, runs), _skeletons(findings, found, runs, show)]


def _run_lengths(found: RunFindings, runs: Runs) -> Markup:
    shown = histogram(found.skeletons, runs)
    words = (
        "Choose a point on the skeletons at random: how long is the stretch around it that can be "
        "followed without an error? Bars show it in the segmentation, the line in the truth, as "
        "shares of the length of all skeletons. The mean is the expected run length; "
        f"{share_words(shown.lost)} of the length lies on an error and counts as 0."
    )
    parts = [element("h2", "Run lengths"), element("p", words), histogram_chart(shown, found.erl)]
    if found.erl.intervals:
        rows: list[list[Child]] = []
        for one in found.erl.intervals:
            name = f"{length_words(one.start_nm)} to {length_words(one.stop_nm)}"
            if one.erl_nm is None or one.truth_erl_nm is None:
                rows.append([name, one.skeletons, "none", "none", "none"])
                continue
            ends = [length_words(one.erl_nm), length_words(one.truth_erl_nm)]
            rows.append([name, one.skeletons, *ends, f"{one.normalised:.4f}"])
        head = ["skeletons between", "number", "ERL", "of the truth", "normalised (no unit)"]
        parts.append(table(head, rows))
    return join(*parts)


def _skeletons(findings: Findings, found: RunFindings, runs: Runs, show: Cards) -> Markup:
    worst = worst_skeletons(found, runs, findings.segmentation.grid, BARS)
    if not worst:
        return join(element("h2", "Skeletons"), element("p", "All are followed without an error."))
    words = (
        "The skeletons that take most from expected run length, and what became of their length: "
        "correct, on a segment that merges several, split between two, or omitted."
    )
    cards = [_skeleton_card(found, one) for one in worst[:CARDS]]
    return join(
        element("h2", "The worst skeletons"),
        element("p", words),
        skeleton_bars(worst, found.erl),
        show(cards, "drawing skeletons"),
    )


def _skeleton_card(found: RunFindings, one: WorstSkeleton) -> Card:
    id_ = int(found.erl.per_skeleton.ids[one.place])
    caption = join(
        element("b", f"Skeleton {id_}"),
        element("span", f"takes {length_words(one.loss_nm)} of ERL, mostly {one.cause}"),
    )
    return Focus(one.voxel, one.segments, (id_,)), caption
