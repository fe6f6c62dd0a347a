"""Which edge a merge turns on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.geometry import Grid
from napari_axonem.proofreading.graph import FragmentGraph
from napari_axonem.proofreading.operation import EdgeStates


def plan_merge(
    graph: FragmentGraph,
    fragments: Sequence[int],
    points_nm: npt.NDArray[np.float64],
    grid: Grid,
) -> EdgeStates:
    """Return the edges to turn on so that the segments of the fragments become one.

    Of the contacts between two segments the one nearest to the middle of the two points is
    taken. Segments that do not touch are joined by a new edge between the fragments named.

    Parameters
    ----------
    fragments
        One fragment a point, none of them background.
    points_nm
        Where the user pointed, (z, y, x) in nm, shape (fragments, 3).

    Raises
    ------
    EditError
        Fewer than two points, or all in one segment already.
    """
    if len(fragments) < 2:
        raise EditError("a merge takes two points or more", where="merge")
    segments = [int(graph.segment[fragment]) for fragment in fragments]
    if len(set(segments)) == 1:
        raise EditError(f"all points lie in segment {segments[0]} already", where="merge")
    joined = [0]
    rows: list[tuple[int, int, int]] = []
    for new, segment in enumerate(segments):
        if segment in {segments[old] for old in joined}:
            continue
        rows.append(_bridge(graph, fragments, points_nm, grid, joined, new))
        joined.append(new)
    return np.array(rows, dtype=np.int64)


def _bridge(
    graph: FragmentGraph,
    fragments: Sequence[int],
    points_nm: npt.NDArray[np.float64],
    grid: Grid,
    joined: Sequence[int],
    new: int,
) -> tuple[int, int, int]:
    """Return the edge that joins the segment of point `new` to one of those of `joined`."""
    best: tuple[float, int] | None = None
    for old in joined:
        ends = int(graph.segment[fragments[old]]), int(graph.segment[fragments[new]])
        between = graph.edges_between(*ends)
        if len(between) == 0:
            continue
        middle = (points_nm[old] + points_nm[new]) / 2
        away = np.linalg.norm(grid.to_nm(graph.edges.point[between]) - middle, axis=1)
        # Of edges at the same distance the one that rests on a real contact is the better.
        order = np.lexsort((-graph.edges.area[between], away))
        candidate = float(away[order[0]]), int(between[order[0]])
        best = candidate if best is None else min(best, candidate)
    if best is not None:
        return int(graph.edges.u[best[1]]), int(graph.edges.v[best[1]]), 1
    by_hand = sorted((int(fragments[joined[0]]), int(fragments[new])))
    return by_hand[0], by_hand[1], 1
