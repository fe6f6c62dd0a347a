"""What is highlighted: the objects of an error, the first object of a merge, a planned split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx
from napari_axonem.proofreading.operation import Colour
from napari_axonem.proofreading.refinement import Refinement
from napari_axonem.proofreading.splitting import SplitPlan
from napari_axonem.widgets.picture.lazy import LazyLevel
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.stroke import Stroke, sampled
from napari_axonem.widgets.picture.tables import level_of

OUTLINE, RED_SIDE, BLUE_SIDE = 1, 2, 3
"""Codes of the layer; the sides of further colours come after these."""

Codes = npt.NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class Focus:
    """A code for each fragment, and cuts inside fragments that are only planned.

    What changes it tells whether the picture is another one then.
    """

    codes: Codes = field(default_factory=lambda: np.zeros(1, np.uint8))
    """The code of each fragment, shape (fragments + 1 + planned,)."""

    planned: tuple[Refinement, ...] = ()
    """Cuts that are shown though no voxel of theirs is written."""

    stroke: Stroke | None = None
    """A stroke of the brush that is being drawn; it is shown alone."""

    def clear(self) -> bool:
        """Highlight nothing."""
        return self._set(np.zeros(1, np.uint8))

    def outline(
        self,
        segment: npt.NDArray[np.uint32],
        objects: Sequence[int],
        fragments: Sequence[int] = (),
    ) -> bool:
        """Highlight whole objects, and single fragments.

        Parameters
        ----------
        segment
            The segment of each fragment, shape (fragments + 1,).
        objects
            Segments; 0 is none.
        fragments
            Fragments.
        """
        chosen = np.isin(segment, [s for s in objects if s])
        chosen[list(fragments)] = True
        return self._set(chosen.astype(np.uint8) * OUTLINE)

    def show_sides(self, plan: SplitPlan, fragments: int) -> bool:
        """Highlight the sides of a planned split of a project with so many fragments."""
        codes = np.zeros(fragments + 1 + len(plan.refinements), np.uint8)
        for code, colour in enumerate(Colour, start=RED_SIDE):
            codes[plan.sides.get(colour, [])] = code
        return self._set(codes, plan.refinements)

    def draw(self, stroke: Stroke) -> bool:
        """Highlight what a stroke would change."""
        return self._set(np.zeros(1, np.uint8), stroke=stroke)

    def levels(self, fragments: Planes) -> list[LazyLevel]:
        """Return the levels of a layer that shows the codes."""
        factors = enumerate(fragments.volume.factors)
        return [self._level(fragments, number, factor) for number, factor in factors]

    def _set(
        self, codes: Codes, planned: tuple[Refinement, ...] = (), stroke: Stroke | None = None
    ) -> bool:
        before, after = np.flatnonzero(self.codes), np.flatnonzero(codes)
        same = np.array_equal(before, after) and np.array_equal(self.codes[before], codes[after])
        passing = bool(planned or self.planned or stroke or self.stroke)
        self.codes, self.planned, self.stroke = codes, planned, stroke
        return passing or not same

    def _level(self, fragments: Planes, number: int, factor: Zyx) -> LazyLevel:
        def read(box: Box) -> Codes:
            ids = fragments.read(box, number)
            if self.stroke is not None:
                return self.stroke.changed(ids, box, factor) * np.uint8(self.stroke.code)
            if self.planned:
                ids = ids.copy()
            for cut in self.planned:
                write_coarse(ids, box, cut, factor)
            # Fragments made since the table was have no entry, and no code.
            known = np.take(self.codes, ids, mode="clip")
            return np.where(ids < len(self.codes), known, np.uint8(0))

        return level_of(fragments, number, np.uint8, read)


def write_coarse(ids: npt.NDArray[np.uint32], box: Box, cut: Refinement, factor: Zyx) -> None:
    """Write the new part of a planned cut into fragment ids of a coarser level.

    Parameters
    ----------
    ids
        Fragments of `box`, changed in place.
    box
        Where they lie, in voxels of the coarser level.
    cut
        The cut, in voxels of the finest level.
    factor
        By how much the level is reduced along z, y, x.
    """
    places = sampled(cut.mask.shape, cut.corner, box, factor)
    if places is None:
        return
    target, source = places
    part = ids[target]
    part[cut.mask[source] & (part == cut.parent)] = cut.child
    ids[target] = part
