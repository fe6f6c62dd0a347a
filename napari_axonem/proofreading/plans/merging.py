"""Which edges a merge turns on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.geometry import Box, Grid, zyx
from napari_axonem.proofreading.plans.splitting import Pick
from napari_axonem.proofreading.record.operation import EdgeStates, Kind, Made, Operation, Point
from napari_axonem.proofreading.tables.graph import BACKGROUND, FragmentGraph
from napari_axonem.proofreading.tables.sources import Sources

Floats = npt.NDArray[np.float64]


def merged(graph: FragmentGraph, picks: Sequence[Pick], grid: Grid) -> Operation:
    """Return the merge of the objects at some picks.

    The objects are joined one after the other, each to those that are joined already: at the
    contact nearest to the middle of two points, of equally near ones the largest. An object that
    touches none of them, not across a gap either, is joined by an edge made by hand between
    the fragments picked.

    Raises
    ------
    EditError
        Fewer than two picks, or all in one object already.
    """
    if len(picks) < 2:
        raise EditError(
            "a merge takes two points or more",
            where="merge",
            remedy="point at each object to join, or let one point find the nearest other one",
        )
    segments = [int(graph.segment[pick.fragment]) for pick in picks]
    if len(set(segments)) == 1:
        raise EditError(f"all points lie in segment {segments[0]} already", where="merge")
    points = np.array([pick.point.position_nm for pick in picks], dtype=float)
    bridges = _bridges(graph, segments, points, grid)
    rows: list[tuple[int, int, int]] = []
    made: list[list[int]] = []
    joined = [0]
    for new, segment in enumerate(segments):
        if segment in {segments[old] for old in joined}:
            continue
        best = min((bridges[old, new] for old in joined if (old, new) in bridges), default=None)
        if best is None:
            old = min(joined, key=lambda j: float(np.linalg.norm(points[j] - points[new])))
            made.append(by_hand(picks[old], picks[new]))
            rows.append((made[-1][0], made[-1][1], 1))
        else:
            edge = np.array([best[-1]])
            rows.append((int(graph.edges.u[edge][0]), int(graph.edges.v[edge][0]), 1))
        joined.append(new)
    return Operation(
        Kind.MERGE,
        points=tuple(pick.point for pick in picks),
        fragments=tuple(pick.fragment for pick in picks),
        edges=np.array(rows, dtype=np.int64),
        made=as_made(made),
    )


def by_hand(one: Pick, other: Pick) -> list[int]:
    """Return an edge without a contact between two picks, as a row of `Made`."""
    low, high = sorted((one, other), key=lambda pick: pick.fragment)
    return [low.fragment, high.fragment, *low.voxel, *high.voxel]


def as_made(rows: Sequence[Sequence[int]]) -> Made:
    """Return rows as a table."""
    return np.array(rows, dtype=np.int64).reshape(-1, 8)


def nearest_other(graph: FragmentGraph, sources: Sources, pick: Pick, reach_nm: float) -> Pick:
    """Return the nearest place of another object, at most `reach_nm` away from a pick.

    Raises
    ------
    EditError
        There is no other object so near.
    """
    grid = sources.grid
    size = np.asarray(grid.voxel_size)
    at = zyx(grid.to_voxel(pick.point.position_nm))
    box = Box(at, zyx(np.add(at, 1))).grow(zyx(np.ceil(reach_nm / size)))
    box = box.intersect(sources.fragments.volume.box)
    labels = sources.fragments.volume.read(box)
    segment = graph.segment[labels]
    others = np.argwhere((segment != BACKGROUND) & (segment != graph.segment[pick.fragment]))
    away = np.linalg.norm((others + box.start - np.asarray(at)) * size, axis=1)
    if not len(away) or away.min() > reach_nm:
        raise EditError(
            f"there is no other object within {reach_nm:g} nm",
            where="merge",
            remedy="point at both objects, or reach farther",
        )
    nearest = others[int(away.argmin())]
    voxel = zyx(nearest + box.start)
    z, y, x = (float(v) for v in grid.to_nm(voxel))
    return Pick(Point((z, y, x)), int(labels[tuple(nearest)]), voxel)


def _bridges(
    graph: FragmentGraph, segments: Sequence[int], points: Floats, grid: Grid
) -> dict[tuple[int, int], tuple[float, int, int]]:
    """Return the best contact between each two of the segments that touch.

    Returns
    -------
    For places (i, j) among the segments, both ways: how far from the middle of the two points
    in nm, the area with its sign turned, and the edge.
    """
    names = np.array(segments)
    by_size = sorted(set(segments), key=graph.most_members)
    edges = graph.edges_out_of(graph.members(*by_size[:-1]))  # those of the largest touch others
    ends = [graph.segment[column[edges]] for column in (graph.edges.u, graph.edges.v)]
    between = np.isin(ends[0], names) & np.isin(ends[1], names)
    edges, low, high = edges[between], ends[0][between], ends[1][between]
    key = np.minimum(low, high).astype(np.int64) << 32 | np.maximum(low, high)
    places = grid.to_nm(graph.edges.point[edges])
    area = graph.edges.area[edges]
    order = np.argsort(key, kind="stable")
    starts = {int(key[order[i]]): i for i in np.unique(key[order], return_index=True)[1]}
    bounds = sorted([*starts.values(), len(order)])
    best: dict[tuple[int, int], tuple[float, int, int]] = {}
    for i in range(len(segments)):
        for j in range(i + 1, len(segments)):
            a, b = sorted((segments[i], segments[j]))
            first = starts.get(a << 32 | b)
            if first is None:
                continue
            rows = order[first : bounds[bounds.index(first) + 1]]
            away = np.linalg.norm(places[rows] - (points[i] + points[j]) / 2, axis=1)
            at = np.lexsort((-area[rows], away))[0]
            found = float(away[at]), -int(area[rows[at]]), int(edges[rows[at]])
            best[i, j] = best[j, i] = found
    return best


def as_states(rows: Sequence[tuple[int, int, int]]) -> EdgeStates:
    """Return rows as edge states."""
    return np.array(rows, dtype=np.int64).reshape(-1, 3)
