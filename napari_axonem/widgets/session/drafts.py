"""Edits in the making: the first object of a merge, the points of a split."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_axonem.geometry import Nm
from napari_axonem.proofreading.splitting import SplitPlan
from napari_axonem.widgets.session.planning import Proposal


@dataclass(frozen=True, slots=True)
class MergeDraft:
    """The object clicked first."""

    position_nm: Nm
    """The click (z, y, x) in nm."""

    segment: int
    """The object hit."""


@dataclass(slots=True)
class SplitDraft:
    """Points of two colours, and the split that they give."""

    points: list[tuple[Nm, bool]] = field(default_factory=list)
    """Positions (z, y, x) in nm with True for blue, in the order they were placed."""

    proposal: Proposal = field(default_factory=Proposal)
    """What came of the points, once that is worked out."""

    @property
    def red(self) -> tuple[Nm, ...]:
        """Positions of the red points."""
        return tuple(position for position, blue in self.points if not blue)

    @property
    def blue(self) -> tuple[Nm, ...]:
        """Positions of the blue points."""
        return tuple(position for position, blue in self.points if blue)

    @property
    def plan(self) -> SplitPlan | None:
        """The split that can be taken."""
        return self.proposal.plan
