"""The cut of one fragment, from the voxels around it to the refinement that the log holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_axonem.evaluation.cells import GAP_VOXELS, Cells
from napari_axonem.evaluation.renewal import tabulate_fragments
from napari_axonem.evaluation.replacement import shifted
from napari_axonem.geometry import Box, Grid, Zyx, zyx
from napari_axonem.proofreading.plans.voxelcut import (
    MEMBRANE_COST,
    Field,
    Mask,
    Sides,
    cut_voxels,
    spread,
)
from napari_axonem.proofreading.tables.refinement import Refinement, write_child
from napari_axonem.volumes import LazyArray, Volume

SMOOTHING_NM = 12.0
"""Width (sigma) over which an image is smoothed before its membranes are looked for."""

MARGIN_NM = 200.0
"""How far around the points a cut is worked out."""

AFFINITY_COST = 100.0
"""How much longer a way is where the affinities are 0: they know more than an image shows."""

DARKEST, BRIGHTEST = 5, 75
"""Percentiles of a fragment's grey values that count as surely membrane and surely not."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The voxels that a cut inside a fragment looks at."""

    fragments: Volume
    """Fragment ids."""

    truth: Volume | None
    """Dense ids of true objects."""

    image: Volume | None
    """The EM image, membranes dark."""

    affinities: LazyArray | None
    """Affinities, shape (3, z, y, x)."""

    cells: Cells
    """Where each fragment lies."""


def cut_fragment(
    fragment: int,
    first_child: int,
    seeds: Sequence[Sequence[Zyx]],
    surroundings: Surroundings,
    earlier: Sequence[Refinement] = (),
) -> list[Refinement]:
    """Cut one fragment between voxels of several colours; the largest side stays what it is.

    Each other side becomes a fragment of its own: `first_child` and those after it. The cut is
    worked out in a window around the points; what lies beyond goes with the side of the window
    that it hangs on.

    Parameters
    ----------
    seeds
        Voxels (z, y, x) of the fragment in the volume, for each colour; some may have none.
    earlier
        Refinements that are planned together with this one and not written yet.

    Returns
    -------
    One refinement for each side but the largest, each to be made after the one before.

    Raises
    ------
    EditError
        A voxel has two colours.
    """
    extent = _extent(surroundings.cells, fragment)
    box = extent.grow(1 + GAP_VOXELS).intersect(surroundings.fragments.box)
    labels = surroundings.fragments.read(box).copy()
    for refinement in earlier:
        write_child(labels, box, refinement)
    mask = labels == fragment
    grid = surroundings.fragments.grid
    window = window_of([voxel for side in seeds for voxel in side], grid).intersect(box)
    sides = np.zeros(mask.shape, np.uint8)
    inside = window.relative_to(box.start).slices
    sides[inside] = cut_window(mask[inside], window, seeds, surroundings)
    sides = spread(mask, sides)
    truth = None if surroundings.truth is None else surroundings.truth.read(box)
    affinities = read_affinities(surroundings.affinities, box)
    found = []
    for child, side in enumerate(_smaller_sides(sides, len(seeds)), start=first_child):
        part = sides == side
        labels[part] = child
        table = tabulate_fragments(labels, truth, affinities, (fragment, child), grid.voxel_size)
        own = bounding_box(part)
        found.append(
            Refinement(
                parent=fragment,
                child=child,
                corner=zyx(np.add(own.start, box.start)),
                mask=np.ascontiguousarray(part[own.slices]),
                table=shifted(table, box.start),
            )
        )
    return found


def window_of(voxels: Sequence[Zyx], grid: Grid) -> Box:
    """Return the box in which a cut between some voxels is worked out."""
    points = np.asarray(voxels)
    around = Box(zyx(points.min(axis=0)), zyx(points.max(axis=0) + 1))
    return around.grow(zyx(np.ceil(MARGIN_NM / np.asarray(grid.voxel_size))))


def cut_window(
    mask: Mask,
    window: Box,
    seeds: Sequence[Sequence[Zyx]],
    surroundings: Surroundings,
) -> Sides:
    """Divide the voxels of a fragment in a window between points of several colours.

    Parameters
    ----------
    mask
        The fragment in the window.
    seeds
        Voxels (z, y, x) of the fragment in the window, in the volume, for each colour.

    Raises
    ------
    EditError
        A voxel has two colours.
    """
    corner = np.asarray(window.start)
    affinities = read_affinities(surroundings.affinities, window)
    return cut_voxels(
        mask,
        [np.asarray(side, dtype=np.int64).reshape(-1, 3) - corner for side in seeds],
        surroundings.fragments.grid.voxel_size,
        _boundary(surroundings.image, affinities, mask, window),
        MEMBRANE_COST if affinities is None else AFFINITY_COST,
    )


def _smaller_sides(sides: Sides, count: int) -> list[int]:
    """Return the sides that have voxels, but for the largest one, in their order.

    What no side reaches stays with the largest one.
    """
    voxels = np.bincount(sides.ravel(), minlength=count + 1)[1:]
    largest = count - int(voxels[::-1].argmax())  # the last of equal ones
    return [n for n in range(1, count + 1) if voxels[n - 1] and n != largest]


def bounding_box(mask: Mask) -> Box:
    """Return the smallest box around the voxels of a mask that has some."""
    spans = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        held = np.flatnonzero(mask.any(axis=others))
        spans.append((int(held[0]), int(held[-1]) + 1))
    return Box(zyx([a for a, _ in spans]), zyx([b for _, b in spans]))


def _extent(cells: Cells, fragment: int) -> Box:
    rows = cells.fragment == fragment
    return Box(zyx(cells.start[rows].min(axis=0)), zyx(cells.stop[rows].max(axis=0)))


def _boundary(image: Volume | None, affinities: Field | None, mask: Mask, box: Box) -> Field | None:
    """Return how likely each voxel is to lie on a membrane, from the best there is."""
    if affinities is not None:
        low: Field = 1.0 - affinities.mean(axis=0)
        return low
    if image is None:
        return None
    sigma = [SMOOTHING_NM / size for size in image.grid.voxel_size]
    grey = gaussian_filter(image.read(box).astype(np.float32), sigma)
    if not mask.any():
        return None
    dark, bright = np.percentile(grey[mask], (DARKEST, BRIGHTEST))
    likely: Field = np.clip((bright - grey) / max(float(bright - dark), 1e-6), 0.0, 1.0)
    return likely


def read_affinities(affinities: LazyArray | None, box: Box) -> Field | None:
    """Return the affinities of a box as float32 in 0..1."""
    if affinities is None:
        return None
    channels: Any = affinities  # four axes; the protocol is written for three
    raw = np.asarray(channels[(slice(None), *box.slices)])
    scaled: Field = raw.astype(np.float32)
    return scaled / np.float32(255) if raw.dtype == np.uint8 else scaled
