"""Edges of an agglomeration near its threshold: false merges just above, false splits just below.

An agglomeration that went a little too far did so in its last joins. A large piece that hangs on
a join whose score hardly reached the threshold is worth a look; a crumb that does is not.
Weights were chosen on the sections z < 160 of FIB-25, agglomerated from affinities.

What it just did not join is evidence for missing merges (`scores_below`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from napari_axonem.evaluation.edges import FragmentEdges
from napari_axonem.evaluation.grouping import Ints
from napari_axonem.evaluation.parts import part_key
from napari_axonem.evaluation.suggestions.suggestion import Scored, Suggestion
from napari_axonem.evaluation.tables import Points
from napari_axonem.geometry import Box, Grid, zyx

BIAS = -2.0
ABOVE = -20.0
"""Score above the lowest one that joined."""

SIZE = 1.0
"""Logarithm of the smaller side's voxels, when it was joined, over `UNIT`."""

UNIT = 1000.0

AROUND_NM = 300.0
"""How far around the join the box of a suggestion reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class Agglomeration:
    """Which fragments are joined to segments, and how surely."""

    edges: FragmentEdges
    """Contacts of fragments, m of them."""

    on: npt.NDArray[np.bool_]
    """Which of them join their fragments, shape (m,)."""

    score: npt.NDArray[np.float32]
    """What the threshold was compared with, 0 to 1, shape (m,); nan where somebody decided."""

    voxels: Ints
    """Voxels of each fragment, int64, shape (fragments + 1,)."""

    inside: Points
    """A voxel (z, y, x) within each fragment, int32, shape (fragments + 1, 3)."""

    segment: npt.NDArray[np.uint32]
    """Segment of each fragment, shape (fragments + 1,)."""


def weak_joins(found: Agglomeration, grid: Grid, whole: Box, min_voxels: int) -> Iterator[Scored]:
    """Yield the joins that each segment hangs on, with sums of features.

    Parameters
    ----------
    grid, whole
        Grid and extent of the volume of fragments.
    min_voxels
        Joins of fewer voxels are left out.
    """
    row, small, largest = _forest(found)
    score = found.score[row].astype(np.float64)
    wanted = np.isfinite(score) & (small >= min_voxels)
    if not wanted.any():
        return
    above = score - score[np.isfinite(score)].min()
    total = BIAS + ABOVE * above + SIZE * np.log(np.maximum(small, 1) / UNIT)
    reach = zyx(np.ceil(AROUND_NM / np.asarray(grid.voxel_size)))
    for k in np.flatnonzero(wanted).tolist():
        i = int(row[k])
        point, facing = zyx(found.edges.point[i]), zyx(found.edges.facing[i])
        z, y, x = grid.to_nm(point).tolist()
        corners = np.stack([point, facing])
        near = Box(zyx(corners.min(axis=0)), zyx(corners.max(axis=0) + 1)).grow(reach)
        yield (
            float(total[k]),
            Suggestion(
                "false_merge",
                (int(found.segment[found.edges.u[i]]),),
                (z, y, x),
                0.0,  # known once those of all kinds are
                f"a piece of {int(small[k])} voxels was joined with a score of {score[k]:.2f}, "
                f"{above[k]:.2f} above the lowest",
                int(small[k]),
                near.intersect(whole),
                (zyx(found.inside[largest[k, 0]]),),
                (zyx(found.inside[largest[k, 1]]),),
            ),
        )


def scores_below(found: Agglomeration, contacts: FragmentEdges) -> npt.NDArray[np.float64]:
    """Return how far the scores of joins that were not made lie below the lowest that joined.

    Parameters
    ----------
    contacts
        Contacts of segments, k of them.

    Returns
    -------
    Best score between both segments minus the lowest one that joined, shape (k,); nan where there
    is none or somebody decided.
    """
    below = np.full(len(contacts), np.nan)
    known = np.isfinite(found.score)
    u, v = found.segment[found.edges.u], found.segment[found.edges.v]
    row = np.flatnonzero(known & ~found.on & (u != v) & (u > 0) & (v > 0))
    if not len(contacts) or not (known & found.on).any():
        return below
    key, wanted = (
        part_key(np.minimum(a, b), np.maximum(a, b))
        for a, b in ((u[row], v[row]), (contacts.u, contacts.v))
    )
    place = np.minimum(np.searchsorted(wanted, key), len(wanted) - 1)  # contacts are sorted
    met = wanted[place] == key
    score = found.score.astype(np.float64)
    np.fmax.at(below, place[met], score[row[met]] - score[known & found.on].min())
    return below


def _forest(found: Agglomeration) -> tuple[Ints, Ints, Ints]:
    """Return the edges that hold segments together, the surest first.

    Returns
    -------
    Rows of the edges; of the two sides that each joins when those of a higher score have joined
    theirs, the voxels of the smaller, and the largest fragment of both, shape (k, 2).
    """
    rows = np.flatnonzero(found.on)
    sure = np.where(np.isnan(found.score[rows]), np.inf, found.score[rows])
    rows = rows[np.lexsort((rows, -found.edges.area[rows], -sure))]
    u, v = found.edges.u[rows].astype(np.int64), found.edges.v[rows].astype(np.int64)
    count = len(found.voxels)
    rank = np.arange(1.0, len(rows) + 1)  # no two alike, so that the forest is one
    tree = minimum_spanning_tree(coo_array((rank, (u, v)), shape=(count, count)).tocsr())
    chosen = np.sort(tree.data).astype(np.int64) - 1
    root, size, own = list(range(count)), found.voxels.tolist(), found.voxels.tolist()
    largest = list(range(count))
    small, ends = [], []
    for one, other in zip(u[chosen].tolist(), v[chosen].tolist(), strict=True):
        a, b = _root(root, one), _root(root, other)
        small.append(min(size[a], size[b]))
        ends.append((largest[a], largest[b]))
        root[b] = a
        size[a] += size[b]
        largest[a] = max(largest[a], largest[b], key=own.__getitem__)
    return rows[chosen], np.array(small, np.int64), np.array(ends, np.int64).reshape(-1, 2)


def _root(root: list[int], item: int) -> int:
    """Return what stands for the set of an item, and shorten the way there."""
    while root[item] != item:
        root[item] = root[root[item]]
        item = root[item]
    return item
