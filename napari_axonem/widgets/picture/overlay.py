"""What lies over the objects: errors, the outline of what is looked at, a planned split.

All of it is one layer, because each layer is read and drawn over the whole view.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Nm, Zyx, zyx
from napari_axonem.proofreading.plans.splitting import SplitPlan
from napari_axonem.proofreading.record.operation import Colour
from napari_axonem.proofreading.tables.refinement import Refinement
from napari_axonem.widgets.picture.lazy import LazyLevel
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.stroke import Stroke, sampled
from napari_axonem.widgets.picture.tables import Marked, level_of

OUTLINE_VOXELS = 2
"""How wide an outline is, in voxels of the level that is drawn."""

OUTLINE, RED_SIDE, BLUE_SIDE = 1, 2, 3
"""Codes of the layer; the sides of further colours come after these."""

ERRORS = 1 + len(Colour)
"""What the codes of `disagreement` have more in the layer."""

Codes = npt.NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class Overlay:
    """A code for each fragment, cuts inside fragments that are only planned, and below them errors.

    What changes it tells whether the picture is another one then.
    """

    codes: Codes = field(default_factory=lambda: np.zeros(1, np.uint8))
    """The code of each fragment, shape (fragments + 1 + planned,)."""

    planned: tuple[Refinement, ...] = ()
    """Cuts that are shown though no voxel of theirs is written."""

    stroke: Stroke | None = None
    """A stroke of the brush that is being drawn, in the place of codes."""

    errors: Marked = field(default_factory=Marked)
    """What disagrees with the truth."""

    def outline(self, count: int, fragments: npt.ArrayLike) -> bool:
        """Highlight the outline of some fragments, taken together, of `count` there are."""
        codes = np.zeros(count + 1, np.uint8)
        codes[np.asarray(fragments, np.int64)] = OUTLINE
        codes[0] = 0
        return self._set(codes)

    def show_sides(self, plan: SplitPlan, fragments: int) -> bool:
        """Highlight the sides of a planned split of a project with so many fragments."""
        codes = np.zeros(fragments + 1 + len(plan.refinements), np.uint8)
        for code, colour in enumerate(Colour, start=RED_SIDE):
            codes[plan.sides.get(colour, [])] = code
        return self._set(codes, plan.refinements)

    def draw(self, stroke: Stroke) -> bool:
        """Highlight what a stroke would change."""
        return self._set(np.zeros(1, np.uint8), stroke=stroke)

    def mark(self, errors: Marked) -> bool:
        """Mark what disagrees with the truth."""
        return self.errors.set(errors)

    def levels(self, fragments: Planes, truth: Planes | None = None) -> list[LazyLevel]:
        """Return the levels of a layer that shows the codes.

        Both volumes are pyramids of the same shape and factors; without the truth no error shows.
        """
        number = range(len(fragments.volume.factors))
        return [self._level(fragments, truth, at) for at in number]

    def _set(
        self, codes: Codes, planned: tuple[Refinement, ...] = (), stroke: Stroke | None = None
    ) -> bool:
        shared = min(len(self.codes), len(codes))
        same = np.array_equal(self.codes[:shared], codes[:shared])
        same = same and not (self.codes[shared:].any() or codes[shared:].any())
        passing = bool(planned or self.planned or stroke or self.stroke)
        self.codes, self.planned, self.stroke = codes, planned, stroke
        return passing or not same

    def _level(self, fragments: Planes, truth: Planes | None, number: int) -> LazyLevel:
        volume = fragments.volume
        factor = volume.factors[number]
        width = width_at(volume.grid.voxel_size, factor)

        def read(box: Box) -> Codes:
            ids = fragments.read(box, number)
            if self.stroke is not None:
                codes = self.stroke.changed(ids, box, factor) * np.uint8(self.stroke.code)
            else:
                codes = self._highlighted(ids, box, factor, width)
            if truth is None or not len(self.errors.code):
                return codes
            wrong = self.errors.lookup(ids, truth.read(box, number))
            return np.where((codes == 0) & (wrong > 0), wrong + np.uint8(ERRORS), codes)

        return level_of(fragments, number, np.uint8, read, *([] if truth is None else [truth]))

    def _highlighted(self, ids: npt.NDArray[np.uint32], box: Box, factor: Zyx, width: Zyx) -> Codes:
        """Return the codes of the fragments of a box, and of what is planned in them."""
        if self.planned:
            ids = ids.copy()
        for cut in self.planned:
            write_coarse(ids, box, cut, factor)
        # Fragments made since the table was have no entry, and no code.
        known = np.take(self.codes, ids, mode="clip")
        codes = np.where(ids < len(self.codes), known, np.uint8(0))
        return border_of(codes, width) if OUTLINE in self.codes else codes


def width_at(voxel_size: Nm, factor: Zyx) -> Zyx:
    """Return how wide an outline is along each axis in voxels of a level: less where they are long.

    Parameters
    ----------
    voxel_size
        Of the finest level, in nm.
    factor
        By how much the level is reduced along z, y, x.
    """
    size = np.multiply(voxel_size, factor)
    return zyx(np.maximum(1, np.rint(OUTLINE_VOXELS * size.min() / size)).astype(int))


def border_of(codes: Codes, width: Zyx) -> Codes:
    """Return the codes of voxels that are near one without a code, and 0 elsewhere.

    Parameters
    ----------
    codes
        Voxels of a box; what lies beyond it counts as the same as its outermost voxels.
    width
        How near, in voxels along each axis; less across, so that corners are not thicker.
    """
    axes = [np.flatnonzero(codes.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    if not len(axes[0]):
        return codes
    part = tuple(slice(max(0, at[0] - 1), at[-1] + 2) for at in axes)
    inner = codes[part] > 0
    for step in range(max(width)):
        before = inner.copy()
        for axis in (axis for axis, reach in enumerate(width) if step < reach):
            along, along_before = np.moveaxis(inner, axis, 0), np.moveaxis(before, axis, 0)
            along[1:] &= along_before[:-1]
            along[:-1] &= along_before[1:]
    border = np.zeros_like(codes)
    border[part] = np.where(inner, np.uint8(0), codes[part])
    return border


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
