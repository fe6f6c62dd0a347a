"""Leave out of stitched skeletons what is there only because they were traced in blocks.

Blocks choose their paths without knowing those of the others: an object that runs along a border
may have a line on both sides of it, and one that meets itself across several borders has loops.
So paths are chosen once more as TEASAR chooses them, now on the joined graph in place of the
voxels: from a root a path goes to the farthest node; lines inside of the balls that fit into the
object around its nodes are known from then on; and so on to the farthest node that is not known.

TEASAR's own reach around a path is wider than these balls, but there it has an effect only
inside of the voxels of the object, which are not at hand here. Skeletons of one block stay what
they are under this rule, but for ends in the middle of thick processes.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from napari_axonem.evaluation.grouping import Ints, group_starts
from napari_axonem.evaluation.skeletons.skeletons import Floats
from napari_axonem.evaluation.skeletons.stitching import Graph
from napari_axonem.geometry import Nm

BATCH = 512
"""Nodes of a path around which others are sought at once."""


def retrace(graph: Graph, voxel_size: Nm) -> Graph:
    """Return the graph with only the paths that are needed, without loops.

    Parts that lie in one block stay as they are.
    """
    points = graph.voxels * np.asarray(voxel_size)
    # An edge across a border may come from both sides.
    edges = np.unique(np.sort(graph.edges, axis=1), axis=0)
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    n = len(points)
    links = coo_array((lengths, tuple(edges.T)), shape=(n, n)).tocsr()
    links = (links + links.T).tocsr()
    bounds = [*group_starts(graph.part).tolist(), n] if n else []
    kept = [graph.edges[~graph.is_stitched[graph.part[graph.edges[:, 0]]]]]
    for start, stop in itertools.pairwise(bounds):
        if graph.is_stitched[graph.part[start]]:
            part = slice(start, stop)
            paths = _paths(points[part], graph.radii[part], links[part, part])
            kept.append(start + paths)
    return _compact(dataclasses.replace(graph, edges=np.concatenate(kept)))


def _paths(points: Floats, radii: Floats, links: csr_array) -> Ints:
    """Return the edges of the chosen paths of one connected part, shape (e, 2).

    Parameters
    ----------
    points, radii
        Position in nm of each node, and its distance in nm to the surface of the object.
    links
        Lengths of edges, both ways.
    """
    root = int(np.argmax(dijkstra(links, directed=False, indices=0)))
    unknown, before = dijkstra(links, directed=False, indices=root, return_predecessors=True)
    near = cKDTree(points)
    chosen = np.zeros(len(points), dtype=np.bool_)
    chosen[root] = True
    while unknown.max() >= 0:
        path = _path_to(int(np.argmax(unknown)), before, chosen)
        for i in range(0, len(path), BATCH):
            some = path[i : i + BATCH]
            around = near.query_ball_point(points[some], radii[some])
            unknown[np.concatenate([some, *around]).astype(np.int64)] = -1.0
    chosen[root] = False
    ends = np.flatnonzero(chosen)
    return np.stack([before[ends], ends], axis=1).astype(np.int64)


def _path_to(tip: int, before: Ints, chosen: npt.NDArray[np.bool_]) -> list[int]:
    """Choose the nodes from a tip to the nearest one that is chosen, and return them with it."""
    path, node = [tip], tip
    while not chosen[node]:
        chosen[node] = True
        node = int(before[node])
        path.append(node)
    return path


def _compact(graph: Graph) -> Graph:
    """Return the graph without nodes that have no edge."""
    used = np.zeros(len(graph.ids), dtype=np.bool_)
    used[graph.edges] = True
    number = np.cumsum(used) - 1
    return dataclasses.replace(
        graph,
        ids=graph.ids[used],
        voxels=graph.voxels[used],
        radii=graph.radii[used],
        part=graph.part[used],
        edges=number[graph.edges],
    )
