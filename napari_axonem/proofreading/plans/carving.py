"""A refinement of voxels that somebody chose, rather than a cut that was worked out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.cells import GAP_VOXELS
from napari_axonem.evaluation.renewal import tabulate_fragments
from napari_axonem.evaluation.replacement import shifted
from napari_axonem.geometry import Box, zyx
from napari_axonem.proofreading.plans.fragmentcut import Surroundings, read_affinities
from napari_axonem.proofreading.tables.refinement import Refinement, write_child

Mask = npt.NDArray[np.bool_]


def carved(
    fragment: int,
    child: int,
    voxels: tuple[Box, Mask],
    surroundings: Surroundings,
    earlier: Sequence[Refinement] = (),
) -> Refinement:
    """Return the refinement that makes chosen voxels of a fragment one of their own.

    Parameters
    ----------
    fragment
        The fragment that they are taken from, 0 for background.
    child
        The id of the new one.
    voxels
        A box and which of its voxels are meant, at least one; all of them are of `fragment`.
    earlier
        Refinements that are planned together with this one and not written yet.
    """
    chosen, mask = voxels
    extent = chosen
    if fragment:
        rows = surroundings.cells.fragment == fragment
        start, stop = surroundings.cells.start[rows], surroundings.cells.stop[rows]
        extent = Box(zyx(start.min(axis=0)), zyx(stop.max(axis=0)))
    box = extent.grow(1 + GAP_VOXELS).intersect(surroundings.fragments.box)
    labels = surroundings.fragments.read(box).copy()
    for refinement in earlier:
        write_child(labels, box, refinement)
    labels[chosen.relative_to(box.start).slices][mask] = child
    grid = surroundings.fragments.grid

    parts = (fragment, child) if fragment else (child,)
    truth = None if surroundings.truth is None else surroundings.truth.read(box)
    affinities = read_affinities(surroundings.affinities, box)
    table = tabulate_fragments(labels, truth, affinities, parts, grid.voxel_size)
    return Refinement(
        parent=fragment,
        child=child,
        corner=chosen.start,
        mask=np.ascontiguousarray(mask),
        table=shifted(table, box.start),
    )
