"""The sections about true objects, segments and errors."""

from __future__ import annotations

from napari_axonem.evaluation.mistakes import MIN_VOXELS, Mistake, find_mistakes
from napari_axonem.evaluation.report.cards import CARDS, Card, Cards
from napari_axonem.evaluation.report.findings import Findings, VoxelFindings
from napari_axonem.evaluation.report.markup import Child, Markup, element, join, table
from napari_axonem.evaluation.report.pictures import Focus
from napari_axonem.evaluation.report.wording import (
    bits_words,
    place_words,
    share_words,
)
from napari_axonem.evaluation.report.worst import Worst, worst_objects
from napari_axonem.evaluation.scores import VoiTerms, voi_terms
from napari_axonem.wording import count_words

ROWS = 20
"""Errors in the table."""

NAMED = 3
"""True objects of an error in the table."""

OUTLINED = 8
"""True objects whose outlines show in the picture of a segment."""

MISTAKES = 200
"""Errors in which the place of an object is looked for."""


def object_sections(findings: Findings, found: VoxelFindings, show: Cards) -> list[Markup]:
    """Return what is said of objects and errors."""
    terms, grid = voi_terms(found.overlaps), findings.segmentation.grid
    mistakes: list[Mistake] = []
    if found.cells is not None:
        mistakes = find_mistakes(found.cells, None, grid, limit=MISTAKES)
    return [
        _objects(found, terms, mistakes, show, of_truth=True),
        _objects(found, terms, mistakes, show, of_truth=False),
        _mistakes(found, mistakes, show),
    ]


def _objects(
    found: VoxelFindings, terms: VoiTerms, mistakes: list[Mistake], show: Cards, *, of_truth: bool
) -> Markup:
    one, half = ("true object", "split") if of_truth else ("segment", "merge")
    ids, values = (terms.truth, terms.split) if of_truth else (terms.segment, terms.merge)
    title = element("h2", f"The worst {one}s")
    worst = worst_objects(
        found.overlaps, ids, values, found.cells, mistakes, of_truth=of_truth, limit=CARDS
    )
    if not worst:
        return join(title, element("p", f"None adds to the {half} half of the score."))
    words = f"What each {one} adds to the {half} half of variation of information."
    cards = [_object_card(each, of_truth=of_truth, total=float(values.sum())) for each in worst]
    return join(title, element("p", words), show(cards, f"drawing {one}s"))


def _object_card(one: Worst, *, of_truth: bool, total: float) -> Card:
    name, parts = ("True object", "segment") if of_truth else ("Segment", "true object")
    name = "No segment" if not of_truth and one.id == 0 else f"{name} {one.id}"
    caption = join(
        element("b", name),
        element("span", f"{bits_words(one.term)}, {share_words(one.term / total)} of all"),
        element("span", f"{one.voxels:,} voxels in {count_words(len(one.others), parts)}"),
    )
    if one.place is None:
        return None, caption
    segments, objects = (None, (one.id,)) if of_truth else ((one.id,), one.others[:OUTLINED])
    return Focus(one.place, segments, objects), caption


def _mistakes(found: VoxelFindings, mistakes: list[Mistake], show: Cards) -> Markup:
    title = element("h2", "The worst errors")
    if found.cells is None:
        words = "Errors are not listed: that needs ids below 2³². Renumber the labels to see them."
        return join(title, element("p", words))
    if not mistakes:
        return join(title, element("p", f"There is none of {MIN_VOXELS} voxels or more."))
    words = (
        "What one repair gains: total variation of information falls by so much when the two "
        f"segments are joined, or the part is cut off. Errors of fewer than {MIN_VOXELS} voxels "
        "are left out."
    )
    cards = [_mistake_card(one) for one in mistakes[:CARDS]]
    rows: list[list[Child]] = [
        [
            _kind(one),
            " + ".join(map(str, one.segments)),
            _some(one.truth),
            f"{one.gain_voi:.5f}",
            f"{one.size_voxels:,}",
            place_words(one.position_nm),
        ]
        for one in mistakes[:ROWS]
    ]
    head = ["error", "segments", "true objects", "gain, bits", "size, voxels", "(z, y, x)"]
    parts = [title, element("p", words), show(cards, "drawing errors"), table(head, rows)]
    return join(*parts)


def _mistake_card(one: Mistake) -> Card:
    caption = join(
        element("b", _kind(one)),
        element("span", f"gains {bits_words(one.gain_voi)}"),
        element("span", f"{one.size_voxels:,} voxels on the smaller side"),
    )
    place = one.red[0] if one.red else None
    focus = None if place is None else Focus(place, one.segments, one.truth)
    return focus, caption


def _some(ids: tuple[int, ...]) -> str:
    """Return the first ids, and how many more there are."""
    more = len(ids) - NAMED
    return ", ".join(map(str, ids[:NAMED])) + (f" and {more} more" if more > 0 else "")


def _kind(one: Mistake) -> str:
    return "False split" if one.kind == "false_split" else "False merge"
