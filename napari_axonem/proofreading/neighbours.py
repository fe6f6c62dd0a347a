"""Which objects an object touches, from the tables of the fragment graph alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Grid, Nm
from napari_axonem.proofreading.tables.edges import Ids, Index
from napari_axonem.proofreading.tables.graph import BACKGROUND, FragmentGraph


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The objects that touch one object, a row each, the largest contact first."""

    segment: Ids
    """The other object, shape (n,)."""

    area: Index
    """Voxel faces that the two share, shape (n,); 0 where they meet across a gap only."""

    affinity: npt.NDArray[np.float64]
    """Mean affinity over those faces in 0..1, shape (n,); nan where it is not known."""

    own_nm: npt.NDArray[np.float64]
    """A place (z, y, x) in nm of the object on the largest of its contacts, shape (n, 3)."""

    other_nm: npt.NDArray[np.float64]
    """The place of the other object on the other side, shape (n, 3)."""

    def __len__(self) -> int:
        return len(self.segment)

    def row_of(self, segment: int) -> int | None:
        """Return the row of another object; None where it is no neighbour."""
        rows = np.flatnonzero(self.segment == segment)
        return int(rows[0]) if len(rows) else None

    def place(self, row: int) -> Nm:
        """Return the middle of the contact (z, y, x) in nm: between its two voxels."""
        z, y, x = (self.own_nm[row] + self.other_nm[row]) / 2
        return float(z), float(y), float(x)

    def sides(self, row: int) -> tuple[Nm, Nm]:
        """Return the two voxels (z, y, x) in nm that touch, the own one first."""
        (a, b, c), (d, e, f) = self.own_nm[row].tolist(), self.other_nm[row].tolist()
        return (a, b, c), (d, e, f)


def neighbours_of(graph: FragmentGraph, segment: int, grid: Grid) -> Neighbours:
    """Return what an object touches; nothing for the background.

    Parameters
    ----------
    grid
        Voxel size and origin in nm, for the places.
    """
    edges = graph.edges_at(graph.members(segment)) if segment else np.zeros(0, np.int64)
    u, v = (graph.segment[column[edges]] for column in (graph.edges.u, graph.edges.v))
    other = np.where(u == segment, v, u)
    leaving = (other != segment) & (other != BACKGROUND)
    edges, other, is_u = edges[leaving], other[leaving], (u == segment)[leaving]
    area, affinity = graph.edges.area[edges], graph.edges.affinity[edges].astype(np.float64)
    names, group = np.unique(other, return_inverse=True)
    total = np.bincount(group, area, len(names)).astype(np.int64)
    mean = _weighted(affinity, area, group, len(names))
    largest = np.lexsort((-area, group))[np.searchsorted(np.sort(group), np.arange(len(names)))]
    rows = largest[np.argsort(-total, kind="stable")]
    order = group[rows]
    ends = [grid.to_nm(column[edges[rows]]) for column in (graph.edges.point, graph.edges.facing)]
    side = is_u[rows][:, None]
    own, facing = np.where(side, *ends), np.where(side, *ends[::-1])
    return Neighbours(names[order].astype(np.uint32), total[order], mean[order], own, facing)


def _weighted(
    values: npt.NDArray[np.float64], weight: Index, group: Index, count: int
) -> npt.NDArray[np.float64]:
    """Return the weighted mean of the values that are known in each group; nan without any."""
    known = ~np.isnan(values) & (weight > 0)
    sums = np.bincount(group[known], (values * weight)[known], count)
    weights = np.bincount(group[known], weight[known], count)
    mean: npt.NDArray[np.float64] = np.full(count, np.nan)
    np.divide(sums, weights, out=mean, where=weights > 0)
    return mean
