"""Which cells can be cut out of their fragments.

A false merge is repaired along the borders of fragments where they have it to themselves. Where a
fragment lies mostly in another object it has to be cut, which wants something to point at: outlines
that differ by a voxel or two are not to be had, and not worth having.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, group_lengths, group_starts
from napari_axonem.evaluation.parts import add_up
from napari_axonem.evaluation.tables import Cells
from napari_axonem.geometry import Nm

THINNEST = 6.0
"""Thickness in voxels, by their shortest edge, below which a layer is nothing to point at. Of those
4 to 6 voxels thick, points that lie exactly where they are meant cut off one in eight."""

LEAST_SHARE = 1 / 3
"""A part of which less than so much can be cut off is thin: most of it would stay."""


def solid_cells(cells: Cells, voxel_size: Nm) -> npt.NDArray[np.bool_]:
    """Tell which cells are thick enough to be cut out of their fragment, or most of it.

    Parameters
    ----------
    cells
        All cells of each fragment; ids need not be dense.
    voxel_size
        Edges (z, y, x) of a voxel in nm.

    Returns
    -------
    Shape (n,).
    """
    known = np.where(cells.truth > 0, cells.voxels, 0)
    first = group_starts(cells.fragment)
    whole = np.repeat(add_up(known, first), group_lengths(first, len(cells)))
    thick = cells.depth >= THINNEST / 2 * min(voxel_size)
    solid: npt.NDArray[np.bool_] = thick | (2 * cells.voxels >= whole)
    return solid


def thin_parts(
    of_cell: Ints, voxels: Ints, solid: npt.NDArray[np.bool_], parts: int
) -> npt.NDArray[np.bool_]:
    """Tell which parts of segments are mostly thin layers in fragments of other objects.

    Parameters
    ----------
    of_cell, voxels, solid
        Part and voxels of each cell, and whether it is one of `solid_cells`, each shape (n,).
        Cells are complete for each part that is asked about.
    parts
        Number of parts.

    Returns
    -------
    Shape (parts,).
    """
    whole = np.bincount(of_cell, weights=voxels, minlength=parts)
    firm = np.bincount(of_cell, weights=voxels * solid, minlength=parts)
    thin: npt.NDArray[np.bool_] = firm < LEAST_SHARE * whole
    return thin
