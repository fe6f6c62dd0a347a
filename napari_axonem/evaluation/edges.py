"""The graph of fragments that touch, on which proofreading works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, group_starts
from napari_axonem.evaluation.tables import U32, CellTable, Points


@dataclass(frozen=True, slots=True, eq=False)
class FragmentEdges:
    """Pairs of fragments that touch, unique and sorted by (u, v)."""

    u: U32
    """Lower fragment id, uint32, shape (m,); never 0."""

    v: U32
    """Upper fragment id, uint32, shape (m,); greater than `u`."""

    area: Ints
    """Number of common voxel faces, int64, shape (m,); 0 where only background lies between."""

    affinity: npt.NDArray[np.float32]
    """Mean affinity over the faces, float32, shape (m,); nan without affinities or faces."""

    point: Points
    """A voxel (z, y, x) of `u` on the contact, int32, shape (m, 3)."""

    facing: Points
    """The voxel (z, y, x) of `v` on the other side, int32, shape (m, 3)."""

    def __len__(self) -> int:
        return len(self.area)


def fragment_edges(table: CellTable) -> FragmentEdges:
    """Return the contacts between fragments, whatever true objects they share.

    Areas are added up, affinities averaged by area, and the points are those of the largest
    contact.
    """
    cells, contacts = table.cells, table.contacts
    u, v = cells.fragment[contacts.cell_a], cells.fragment[contacts.cell_b]
    order = np.lexsort((-contacts.area, v, u))
    order = order[(u != v)[order]]
    u, v = u[order], v[order]
    first = group_starts(u, v)
    if not len(first):
        return FragmentEdges(
            u, v, *(getattr(contacts, n)[:0] for n in ("area", "affinity", "point", "facing"))
        )
    rows = contacts.area[order]
    area = np.add.reduceat(rows, first)
    # a contact across background has no faces and its affinity, nan, must not spread
    weighted = np.where(rows > 0, contacts.affinity[order].astype(np.float64) * rows, 0)
    mean = np.full(len(first), np.nan)
    np.divide(np.add.reduceat(weighted, first), area, out=mean, where=area > 0)
    best = order[first]
    return FragmentEdges(
        u[first],
        v[first],
        area,
        mean.astype(np.float32),
        contacts.point[best],
        contacts.facing[best],
    )
