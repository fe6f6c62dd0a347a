"""The cut of one fragment, from the voxels around it to the refinement that the log holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from napari_axonem.evaluation.cells import GAP_VOXELS, Cells, tabulate
from napari_axonem.evaluation.replacement import part_of, shifted
from napari_axonem.geometry import Box, Grid, Zyx, zyx
from napari_axonem.proofreading.refinement import Refinement, write_child
from napari_axonem.proofreading.voxelcut import Field, Mask, cut_voxels
from napari_axonem.volumes import LazyArray, Volume

SMOOTHING_NM = 12.0
"""Width (sigma) over which an image is smoothed before its membranes are looked for."""

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
    child: int,
    red: Sequence[Zyx],
    blue: Sequence[Zyx],
    surroundings: Surroundings,
    earlier: Sequence[Refinement] = (),
) -> Refinement:
    """Cut one fragment between voxels of two colours; the smaller side becomes `child`.

    Parameters
    ----------
    red, blue
        Voxels (z, y, x) of the fragment, in the volume.
    earlier
        Refinements that are planned together with this one and not written yet.

    Raises
    ------
    EditError
        A voxel has both colours.
    """
    extent = _extent(surroundings.cells, fragment)
    box = extent.grow(1 + GAP_VOXELS).intersect(surroundings.fragments.box)
    labels = surroundings.fragments.read(box).copy()
    for refinement in earlier:
        write_child(labels, box, refinement)
    mask = labels == fragment
    affinities = _affinities(surroundings.affinities, box)
    grid = surroundings.fragments.grid
    is_red = cut_voxels(
        mask,
        np.asarray(red, dtype=np.int64) - np.asarray(box.start),
        np.asarray(blue, dtype=np.int64) - np.asarray(box.start),
        grid.voxel_size,
        _boundary(surroundings.image, affinities, mask, box),
    )
    is_blue = mask & ~is_red
    part = is_red if is_red.sum() <= is_blue.sum() else is_blue
    labels[part] = child
    truth = None if surroundings.truth is None else surroundings.truth.read(box)
    table = tabulate(
        _in_memory(labels, grid),
        None if truth is None else _in_memory(truth, grid),
        affinities,
    )
    return Refinement(
        parent=fragment,
        child=child,
        corner=extent.start,
        mask=np.ascontiguousarray(part[extent.relative_to(box.start).slices]),
        table=shifted(part_of(table, (fragment, child)), box.start),
    )


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
    dark, bright = np.percentile(grey[mask], (DARKEST, BRIGHTEST))
    likely: Field = np.clip((bright - grey) / max(float(bright - dark), 1e-6), 0.0, 1.0)
    return likely


def _affinities(affinities: LazyArray | None, box: Box) -> Field | None:
    if affinities is None:
        return None
    channels: Any = affinities  # four axes; the protocol is written for three
    raw = np.asarray(channels[(slice(None), *box.slices)])
    scaled: Field = raw.astype(np.float32)
    return scaled / np.float32(255) if raw.dtype == np.uint8 else scaled


def _in_memory(array: npt.NDArray[Any], grid: Grid) -> Volume:
    return Volume((array,), ((1, 1, 1),), replace(grid, origin=(0.0, 0.0, 0.0)), "memory", "array")
