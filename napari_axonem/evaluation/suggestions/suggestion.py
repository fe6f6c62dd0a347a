"""A suggestion: a likely error, found without ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_axonem.geometry import Box, Nm, Zyx


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A likely error of a segmentation, why it is thought to be one, and what would repair it."""

    kind: Literal["false_split", "false_merge"]

    segments: tuple[int, ...]
    """The two segments to join, in ascending order; or the one to cut."""

    position_nm: Nm
    """Centre (z, y, x) in nm of a voxel on the contact or at the crossing."""

    score: float
    """How likely it is an error, 0 to 1. It orders suggestions of a kind; it is no calibrated
    probability, which depends on how many errors a segmentation has."""

    reason: str
    """Why, in words."""

    size_voxels: int
    """Voxels of the smaller of the two segments to join, or of the segment to cut."""

    box: Box
    """Voxels that hold the smaller segment and the contact, or what surrounds the crossing."""

    red: tuple[Zyx, ...]
    """Voxels (z, y, x) to click on one side."""

    blue: tuple[Zyx, ...]
    """Voxels (z, y, x) to click on the other side."""
