"""Edits in the making, as values: what was pointed at, and what stands out of it."""

from __future__ import annotations

from dataclasses import dataclass

from napari_axonem.geometry import Nm, Zyx
from napari_axonem.proofreading.plans.splitting import SplitPlan
from napari_axonem.proofreading.record.operation import Point


@dataclass(frozen=True, slots=True)
class Hit:
    """A click on an object."""

    position_nm: Nm
    """The click (z, y, x) in nm."""

    fragment: int
    """The fragment hit."""

    segment: int
    """The object hit."""

    voxel: Zyx
    """A voxel (z, y, x) of it, at the click or next to it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an edit in the making lets stand out in the picture."""

    objects: tuple[int, ...] = ()
    """Segments with a line round them."""

    fragments: tuple[int, ...] = ()
    """Fragments with a line round them."""

    plan: SplitPlan | None = None
    """A cut whose sides are filled with their colours."""

    points: tuple[Point, ...] = ()
    """Points of a cut, with their colours."""

    @property
    def stands_out(self) -> bool:
        """Whether it takes the place of what else would stand out."""
        return bool(self.objects or self.fragments or self.plan is not None)
