"""A small picture of an error: the image around it, with the two sides in colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from napari.utils.colormaps.standardize_color import transform_color

from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Box, Nm, zyx
from napari_axonem.widgets.parts import colours
from napari_axonem.widgets.picture.planes import Planes

SIDE = 64
"""Pixels along each side."""

NEAREST_NM, FURTHEST_NM = 500.0, 2000.0
"""Least and most of the tissue that a picture shows along each side."""

AROUND = 1.3
"""How much larger a picture is than what it shows."""

OPACITY = 0.5

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Portrayed:
    """What pictures of errors are made of; reading it waits, so that it is done in a thread."""

    image: Planes | None
    fragments: Planes
    truth: Planes | None
    segment: npt.NDArray[np.uint32]
    """The segment of each fragment, shape (fragments + 1,)."""


def portrait(
    of: Portrayed, error: Mistake | Suggestion, main: Rgb, side: int = SIDE
) -> npt.NDArray[np.uint8]:
    """Return a picture (y, x, rgb) of the section in which an error lies.

    The object has its own colour, and the part that is wrong the colour of the kind of error:
    the second object of a false split, the foreign part of a false merge.

    Parameters
    ----------
    main
        Colour (red, green, blue; 0..1) of the first object.
    """
    extent = _extent(of.fragments, error)
    centre = error.position_nm
    grey = np.full((side, side), 64.0)
    if of.image is not None:
        grey = _stretched(_sampled(of.image, centre, extent, side))
    fragments = _sampled(of.fragments, centre, extent, side)
    objects = np.take(of.segment, fragments, mode="clip")
    wrong = objects == error.segments[-1]
    if error.kind == "false_merge" and of.truth is not None and isinstance(error, Mistake):
        wrong &= _sampled(of.truth, centre, extent, side) == error.truth[0]
    picture = np.repeat(grey[..., np.newaxis], 3, axis=2)
    kind = tuple(transform_color(colours.OF_KIND[error.kind])[0][:3])
    for where, colour in ((np.isin(objects, error.segments) & ~wrong, main), (wrong, kind)):
        picture[where] = (1 - OPACITY) * picture[where] + OPACITY * 255 * np.array(colour)
    return picture.astype(np.uint8)


def _extent(planes: Planes, error: Mistake | Suggestion) -> float:
    """Return how much to show along each side in nm: most of what is wrong."""
    size = np.array(planes.volume.grid.voxel_size)
    largest = float((np.array(error.box.shape) * size)[1:].max())
    return min(max(AROUND * largest, NEAREST_NM), FURTHEST_NM)


def _sampled(planes: Planes, centre: Nm, extent: float, side: int) -> npt.NDArray[np.int64]:
    """Return the voxels (y, x) of a section at the middles of pixels; 0 beyond the volume."""
    volume = planes.volume
    fine = [
        level
        for level, factor in enumerate(volume.factors)
        if max(volume.grid.coarser(factor).voxel_size[1:]) <= extent / side
    ]
    level = fine[-1] if fine else 0
    grid, shape = volume.grid.coarser(volume.factors[level]), planes.shape(level)
    steps = ((np.arange(side) + 0.5) / side - 0.5) * extent
    z, y, x = (
        np.floor((centre[axis] + (steps if axis else 0) - grid.origin[axis]) / size).astype(int)
        for axis, size in enumerate(grid.voxel_size)
    )
    inside = [(index >= 0) & (index < n) for index, n in zip((y, x), shape[1:], strict=True)]
    sampled = np.zeros((side, side), np.int64)
    if not all(part.any() for part in inside):
        return sampled
    section = min(max(int(z), 0), shape[0] - 1)
    start = (section, *(i[part].min() for i, part in zip((y, x), inside, strict=True)))
    stop = (section + 1, *(i[part].max() + 1 for i, part in zip((y, x), inside, strict=True)))
    voxels = planes.read_all(Box(zyx(start), zyx(stop)), level)[0]
    rows, columns = y[inside[0]] - start[1], x[inside[1]] - start[2]
    sampled[np.ix_(*inside)] = voxels[np.ix_(rows, columns)]
    return sampled


def _stretched(grey: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return grey values from 0 to 255, the darkest black and the brightest white; 0 stays."""
    seen = grey[grey != 0]
    low, high = np.percentile(seen if seen.size else grey, (1, 99))
    stretched: npt.NDArray[np.float64] = np.clip((grey - low) / max(1.0, high - low), 0, 1) * 255
    return stretched
