"""Sections that are missing: one colour all over.

A network that sees a black section closes every neurite there, and whoever follows axons has to
join them all again. So up to `BRIDGED` such sections in a row are stood in for by the nearest
that is there: axons go on across them. Beyond that nobody can say what went on, and affinities are
0. Where there is nothing else in the whole block, such as outside of the tissue, they are 0 too.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.segmentation.greys import Greys

BRIDGED = 2
"""Missing sections in a row that are stood in for."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is missing of a block."""

    bridged: tuple[tuple[int, int], ...]
    """Sections that are stood in for, each with the one that does, in voxels of the block."""

    empty: tuple[int, ...]
    """Sections where affinities are 0."""


def gaps_of(greys: npt.NDArray[np.generic]) -> Gaps:
    """Return which sections of a block (z, y, x) are missing."""
    flat = greys.reshape(len(greys), -1)
    missing = (flat == flat[:, :1]).all(axis=1)
    bridged: list[tuple[int, int]] = []
    empty: list[int] = []
    for is_missing, run in itertools.groupby(range(len(missing)), key=missing.__getitem__):
        sections = list(run)
        if not is_missing:
            continue
        if len(sections) > BRIDGED or missing.all():
            empty += sections
            continue
        before, after = sections[0] - 1, sections[-1] + 1
        for z in sections:
            near_before = before >= 0 and (after >= len(missing) or z - before <= after - z)
            bridged.append((z, before if near_before else after))
    return Gaps(tuple(bridged), tuple(empty))


def bridge(greys: Greys, gaps: Gaps) -> None:
    """Put stand-ins in place of single missing sections, in place."""
    for missing, stand_in in gaps.bridged:
        greys[missing] = greys[stand_in]
