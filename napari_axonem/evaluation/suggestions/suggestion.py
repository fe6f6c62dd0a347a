"""A suggestion: a likely error, found without ground truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import expit

from napari_axonem.geometry import Box, Nm, Zyx

AGAIN = -1.0
"""Logarithm of one more than the likelier places in the same segment, whose cuts may well settle
this one too."""


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
    """Voxels that hold the contact and the segment that spans less, or what surrounds the crossing
    or the join."""

    red: tuple[Zyx, ...]
    """Voxels (z, y, x) to click on one side."""

    blue: tuple[Zyx, ...]
    """Voxels (z, y, x) to click on the other side."""


Scored: TypeAlias = tuple[float, Suggestion]
"""A suggestion whose score is still to be set, behind its sum of features."""


def ranked(found: Iterable[Scored]) -> list[Suggestion]:
    """Return false merges with scores from their sums of features, likeliest first."""
    order = sorted(found, key=lambda entry: (-entry[0], entry[1].segments, entry[1].position_nm))
    before: Counter[tuple[int, ...]] = Counter()
    scored = []
    for total, one in order:
        score = expit(total + AGAIN * np.log1p(before[one.segments]))
        scored.append(replace(one, score=float(score)))
        before[one.segments] += 1
    return sorted(scored, key=lambda one: (-one.score, one.segments, one.position_nm))
