"""Make a graph smaller before its cheapest cut is looked for, without changing that cut.

Two nodes become one where no cheapest cut between source and sink can part them (Padberg and
Rinaldi, "An efficient algorithm for the minimum capacity cut problem", Mathematical Programming
47, 1990):

- An edge that costs more than all others of one of its ends together: if it were cut, it would be
  cheaper to let that end go to the other side.
- An edge that costs more than some cut that is known. Known are the cuts that a maximum spanning
  tree gives, one for each edge of its path from source to sink; one pass over all edges tells what
  each of them costs.

Objects are thick, and thin where they are falsely joined, so that little is left of millions of
fragments.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from napari_axonem.proofreading.plans.network import Network
from napari_axonem.proofreading.tables.edges import Index
from napari_axonem.proofreading.tables.falling import groups_of

WORTHWHILE = 0.9
"""A graph is made smaller again while this share of its nodes is left at most."""


def shrunk(network: Network) -> Network:
    """Return a smaller network with the same cheapest cuts between source and sink."""
    while True:
        smaller = _without_leaning(network)
        if smaller.count > WORTHWHILE * network.count:
            smaller = _without_heavy(smaller)
            if smaller.count > WORTHWHILE * network.count:
                return smaller
        network = smaller


def _without_leaning(network: Network) -> Network:
    """Join each node with the one that most of its capacity leads to."""
    leans = np.zeros(len(network.u), np.bool_)
    at = np.bincount(network.u, network.capacity, network.count)
    at += np.bincount(network.v, network.capacity, network.count)
    for ends in (network.u, network.v):
        has_choice = (ends != network.source) & (ends != network.sink)
        leans |= has_choice & (2 * network.capacity > at[ends])
    return _joined_along(network, leans)


def _without_heavy(network: Network) -> Network:
    """Join the ends of each edge that costs more than a cut that is known."""
    return _joined_along(network, network.capacity > known_cut(network))


def _joined_along(network: Network, edges: npt.NDArray[np.bool_]) -> Network:
    if not edges.any():
        return network
    return network.joined(groups_of((network.u[edges], network.v[edges]), network.count))


def known_cut(network: Network) -> int:
    """Return what the cheapest of the cuts costs that a maximum spanning tree gives.

    It is 0 where source and sink do not hang together.
    """
    most = int(network.capacity.max(initial=0))
    tree = minimum_spanning_tree(network.matrix(most + 1.0 - network.capacity))
    path = _path(tree, network.source, network.sink)
    if len(path) == 0:
        return 0
    step = _steps(tree, path)
    a, b = step[network.u], step[network.v]
    along = (a >= 0) & (b >= 0)
    first, last = np.minimum(a, b)[along], np.maximum(a, b)[along]
    # an edge between what hangs on two steps of the path is in all cuts between these
    begins = np.bincount(first, network.capacity[along], len(path))
    ends = np.bincount(last, network.capacity[along], len(path))
    return int(np.cumsum(begins - ends)[:-1].min())


def _path(tree: csr_array, source: int, sink: int) -> Index:
    """Return the nodes of the path from source to sink; none where they do not hang together."""
    _, before = breadth_first_order(tree, source, directed=False)
    found = [sink]
    while found[-1] != source:
        found.append(int(before[found[-1]]))
        if found[-1] < 0:
            return np.empty(0, dtype=np.int64)
    return np.array(found[::-1], dtype=np.int64)


def _steps(tree: csr_array, path: Index) -> Index:
    """Return the place on the path that each node hangs on by the tree; -1 where it does not."""
    step = np.full(tree.shape[0], -1, dtype=np.int64)
    step[path] = np.arange(len(path))
    edges = tree.tocoo()
    is_twig = (step[edges.row] < 0) | (step[edges.col] < 0)
    label = groups_of((edges.row[is_twig], edges.col[is_twig]), len(step))
    of_label = np.full(len(step), -1, dtype=np.int64)
    of_label[label[path]] = step[path]
    hanging: Index = of_label[label]
    return hanging
