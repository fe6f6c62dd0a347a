"""Pictures with captions."""

from __future__ import annotations

from napari_axonem.evaluation.report.findings import Findings
from napari_axonem.evaluation.report.markup import Markup, element, join
from napari_axonem.evaluation.report.pictures import Focus, picture
from napari_axonem.evaluation.report.wording import length_words, place_words
from napari_axonem.progress import Progress, tracked

CARDS = 8
"""Pictures of each kind."""

Card = tuple[Focus | None, Markup]
"""What a picture shows, None where no place is known, and its caption."""


class Cards:
    """Makes pictures with captions."""

    def __init__(self, findings: Findings, progress: Progress) -> None:
        self._findings, self._progress = findings, progress

    def __call__(self, cards: list[Card], doing: str) -> Markup:
        """Draw pictures one after the other."""
        figures = [self._figure(*card) for card in tracked(cards, self._progress, doing)]
        return element("div", *figures, class_="cards")

    def _figure(self, focus: Focus | None, caption: Markup) -> Markup:
        drawn = None if focus is None else picture(self._findings, focus)
        if focus is None or drawn is None:
            return element("figure", element("figcaption", caption))
        where = place_words(self._findings.segmentation.grid.to_nm(focus.voxel).tolist())
        size = {"width": drawn.pixels, "height": drawn.pixels}
        image = element("img", src=drawn.uri, alt=f"Section at {where}", **size)
        lines = join(
            caption,
            element("span", where),
            element("span", f"bar {length_words(drawn.bar_nm)}"),
        )
        return element("figure", image, element("figcaption", lines))
