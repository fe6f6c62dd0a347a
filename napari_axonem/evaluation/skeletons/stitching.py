"""Join the skeletons of blocks where they meet."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from napari_axonem.evaluation.grouping import Ids, Ints, group_starts
from napari_axonem.evaluation.skeletons.skeletons import Floats, Tree
from napari_axonem.evaluation.skeletons.tracing import INVALIDATION_NM, Traced
from napari_axonem.geometry import Box, Grid, Nm


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Skeletons of all objects as one graph of voxels, sorted by connected part."""

    ids: Ids
    """Id of the object of each node, uint64, shape (n,)."""

    voxels: Ints
    """Voxel (z, y, x) of each node, shape (n, 3)."""

    radii: Floats
    """Distance in nm of each node to the surface of its object, shape (n,)."""

    part: Ints
    """Connected part that each node belongs to, ascending, shape (n,)."""

    is_stitched: npt.NDArray[np.bool_]
    """Which parts lie in several blocks, shape (p,)."""

    edges: Ints
    """The two nodes of each edge, shape (e, 2)."""


def stitch(traced: Sequence[Traced], boxes: Sequence[Box], voxel_size: Nm) -> Graph:
    """Join the skeletons of blocks across their borders.

    Both sides of a border have traced what lies around it, and kept what is theirs. An edge that
    was cut is led to the nearest node of the same object on the other side, which is
    its own continuation as the other block has traced it.

    Parameters
    ----------
    traced, boxes
        The skeletons and the voxels of each block, in the order of `napari_axonem.geometry.blocks`.
    """
    counts = [len(t.ids) for t in traced]
    ids = np.concatenate([np.empty(0, np.uint64), *(t.ids for t in traced)])
    voxels = np.concatenate([np.empty((0, 3), np.int64), *(t.voxels for t in traced)])
    radii = np.concatenate([np.empty(0), *(t.radii for t in traced)])
    block = np.repeat(np.arange(len(traced)), counts)
    edges = _shifted([t.edges for t in traced], counts).reshape(-1, 2)
    cut = _shifted([t.cut_nodes for t in traced], counts)
    led_to = np.concatenate([np.empty((0, 3), np.int64), *(t.cut_voxels for t in traced)])
    name = np.unique(ids, return_inverse=True)[1]
    found = _nearest(
        _Points(voxels * np.asarray(voxel_size), name * len(traced) + block),
        _Points(led_to * np.asarray(voxel_size), name[cut] * len(traced) + _owner(led_to, boxes)),
        radii[cut] + INVALIDATION_NM,
    )
    joints = np.stack([cut, found], axis=1)[found >= 0]
    edges = np.concatenate([edges, joints])
    links = coo_array((np.ones(len(edges)), tuple(edges.T)), shape=(len(ids), len(ids)))
    parts, part = connected_components(links, directed=False)
    order = np.argsort(part, kind="stable")
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    is_stitched = np.zeros(parts, dtype=np.bool_)
    is_stitched[part[joints[:, 0]]] = True
    return Graph(
        ids=ids[order],
        voxels=voxels[order],
        radii=radii[order],
        part=part[order].astype(np.int64),
        is_stitched=is_stitched,
        edges=number[edges],
    )


def to_trees(graph: Graph, grid: Grid) -> list[Tree]:
    """Return the skeleton of each object in the order of ids, in nm.

    Nodes lie in the middle of their voxels.
    """
    ids, positions = graph.ids, grid.to_nm(graph.voxels)
    by_id = np.argsort(ids, kind="stable")
    place = np.empty(len(ids), dtype=np.int64)
    place[by_id] = np.arange(len(ids))
    starts = group_starts(ids[by_id]) if len(ids) else np.empty(0, np.int64)
    edges = place[graph.edges]
    edges = edges[np.argsort(edges[:, 0], kind="stable")]
    bounds = np.append(starts, len(ids))
    cuts = np.searchsorted(edges[:, 0], bounds)
    return [
        Tree(
            int(ids[by_id[start]]),
            positions[by_id[start:stop]],
            edges[cuts[i] : cuts[i + 1]] - start,
        )
        for i, (start, stop) in enumerate(itertools.pairwise(bounds))
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """Points, each of a group within which others are sought."""

    positions: Floats
    """Positions (z, y, x) in nm, shape (n, 3)."""

    group: Ints
    """Shape (n,)."""


def _nearest(nodes: _Points, wanted: _Points, limit: Floats) -> Ints:
    """Return the node of its group nearest to each wanted point, -1 beyond `limit` nm."""
    found = np.full(len(wanted.group), -1, dtype=np.int64)
    if not len(found):
        return found
    by_group, by_wish = (np.argsort(p.group, kind="stable") for p in (nodes, wanted))
    wishes = wanted.group[by_wish]
    for start, stop in itertools.pairwise([*group_starts(wishes).tolist(), len(wishes)]):
        low, high = np.searchsorted(
            nodes.group, [wishes[start], wishes[start] + 1], sorter=by_group
        )
        if low == high:
            continue
        there, asking = by_group[low:high], by_wish[start:stop]
        distance, place = cKDTree(nodes.positions[there]).query(wanted.positions[asking])
        found[asking] = np.where(distance <= limit[asking], there[place], -1)
    return found


def _owner(voxels: Ints, boxes: Sequence[Box]) -> Ints:
    """Return which of the boxes, a lattice in raster order, holds each voxel."""
    starts = [np.unique([box.start[axis] for box in boxes]) for axis in range(3)]
    cells = [np.searchsorted(s, v, side="right") - 1 for s, v in zip(starts, voxels.T, strict=True)]
    owner: Ints = np.ravel_multi_index(cells, [len(s) for s in starts]).astype(np.int64)
    return owner


def _shifted(arrays: Sequence[Ints], counts: Sequence[int]) -> Ints:
    """Return arrays of places one after the other, each counted on from the ones before."""
    starts = np.cumsum([0, *counts])
    moved = [a.ravel() + start for a, start in zip(arrays, starts, strict=False)]
    return np.concatenate([np.empty(0, np.int64), *moved])
