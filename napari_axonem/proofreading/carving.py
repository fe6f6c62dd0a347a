"""A refinement of voxels that somebody chose, rather than a cut that was worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.cells import GAP_VOXELS, tabulate
from napari_axonem.evaluation.replacement import part_of, shifted
from napari_axonem.geometry import Box, zyx
from napari_axonem.proofreading.fragmentcut import Surroundings
from napari_axonem.proofreading.refinement import Refinement, write_child
from napari_axonem.volumes import Volume

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

    def here(array: npt.NDArray[Any]) -> Volume:
        at_zero = replace(grid, origin=(0.0, 0.0, 0.0))
        return Volume((array,), ((1, 1, 1),), at_zero, "memory", "array")

    truth, affinities = surroundings.truth, None
    if surroundings.affinities is not None:
        channels: Any = surroundings.affinities  # four axes; the protocol is written for three
        affinities = np.asarray(channels[(slice(None), *box.slices)])
    table = tabulate(here(labels), None if truth is None else here(truth.read(box)), affinities)
    parts = (fragment, child) if fragment else (child,)
    return Refinement(
        parent=fragment,
        child=child,
        corner=chosen.start,
        mask=np.ascontiguousarray(mask),
        table=shifted(part_of(table, parts), box.start),
    )
