"""The cheapest cut of a graph between a source and a sink (maximum flow, by Dinic's method)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from napari_axonem.proofreading.tables.edges import Index

LARGEST = 2**30
"""Bound on a flow; scipy's are 32-bit integers, of which it adds two."""


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes from 0 that edges with a capacity join, between a source and a sink."""

    count: int
    """Of nodes."""

    u: Index
    """One end of each edge, shape (edges,)."""

    v: Index
    """The other end, never the same; no two edges have the same ends."""

    capacity: Index
    """What it costs to cut each, at least 1."""

    source: int
    sink: int

    node: Index
    """Which node each of the graph is that this one was made of, shape (nodes of that,)."""

    @classmethod
    def between(
        cls, own: Index, others: Index, ends: tuple[Index, Index], capacity: Index, count: int
    ) -> Network:
        """Return a graph with each of two sets of nodes as one.

        Parameters
        ----------
        own, others
            The sets, not empty and without a common node.
        ends, capacity
            Of each edge, shape (edges,); several may have the same ends.
        count
            Of nodes.
        """
        itself = np.arange(count, dtype=np.int64)
        graph = cls(count, *ends, capacity, int(own[0]), int(others[0]), itself)
        node = itself.copy()
        node[own], node[others] = own[0], others[0]
        return graph.joined(np.unique(node, return_inverse=True)[1].reshape(-1))

    def joined(self, label: Index) -> Network:
        """Return the graph of which nodes are one that have the same label.

        Parameters
        ----------
        label
            From 0, without a gap, shape (count,).
        """
        u, v = label[self.u], label[self.v]
        apart = u != v
        ends = np.minimum(u, v)[apart], np.maximum(u, v)[apart]
        count = int(label.max(initial=-1)) + 1
        summed = csr_array(coo_array((self.capacity[apart], ends), shape=(count, count))).tocoo()
        return replace(
            self,
            count=count,
            u=summed.row.astype(np.int64),
            v=summed.col.astype(np.int64),
            capacity=summed.data,
            source=int(label[self.source]),
            sink=int(label[self.sink]),
            node=label[self.node],
        )

    def matrix(self, values: npt.NDArray[np.generic]) -> csr_array:
        """Return a value of each edge as a matrix, in one direction."""
        return csr_array(coo_array((values, (self.u, self.v)), shape=(self.count, self.count)))

    def at(self, node: int) -> int:
        """Return the capacity of all edges at a node."""
        return int(self.capacity[(self.u == node) | (self.v == node)].sum())

    def source_side(self) -> tuple[npt.NDArray[np.bool_], int]:
        """Return the least that stays with the source in a cheapest cut, and what that costs.

        Returns
        -------
        Whether each node of the graph that this one was made of stays, and the capacity cut off.
        """
        too_much = min(self.at(self.source), self.at(self.sink)) + 1  # for a cheapest cut
        scale = min(1.0, LARGEST / too_much)
        limits = np.minimum(self.capacity, too_much) * scale
        limits = np.maximum(1, np.rint(limits)).astype(np.int32)
        forth = self.matrix(limits)
        network = csr_array(forth + forth.T)
        found = maximum_flow(network, self.source, self.sink)
        residual = csr_array(network - found.flow)
        residual.eliminate_zeros()
        inside = np.zeros(self.count, dtype=np.bool_)
        inside[breadth_first_order(residual, self.source, return_predecessors=False)] = True
        across = inside[self.u] != inside[self.v]
        return inside[self.node], int(self.capacity[across].sum())
