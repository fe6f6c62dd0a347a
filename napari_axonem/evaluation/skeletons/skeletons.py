"""Skeletons as flat arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.grouping import Ids, Ints, as_ids

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Skeletons:
    """Skeletons of S objects with N nodes and E edges in all.

    The arrays are those of an em_erl graph, with the types of its file: what is computed from
    them does not change when they are written and read again. Edges are sorted by skeleton.
    """

    ids: Ids
    """Id of the object of each skeleton, uint64, shape (S,); an id may occur twice."""

    lengths: Floats
    """Length of each skeleton in nm, float64, shape (S,)."""

    node_skeleton: npt.NDArray[np.uint32]
    """Place in `ids` of the skeleton that each node belongs to, uint32, shape (N,)."""

    positions: npt.NDArray[np.float32]
    """Positions (z, y, x) of the nodes in nm, float32, shape (N, 3)."""

    edges: npt.NDArray[np.uint32]
    """The two nodes of each edge, uint32, shape (E, 2)."""

    edge_lengths: npt.NDArray[np.float32]
    """Length of each edge in nm, float32, shape (E,)."""

    edge_pointer: npt.NDArray[np.uint64]
    """The edges of skeleton i are ``edge_pointer[i]`` up to, without, ``edge_pointer[i + 1]``;
    uint64, shape (S + 1,)."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def edge_counts(self) -> Ints:
        """Number of edges of each skeleton, int64, shape (S,)."""
        pointer = self.edge_pointer.astype(np.int64)
        counts: Ints = pointer[1:] - pointer[:-1]
        return counts

    @property
    def edge_skeleton(self) -> Ints:
        """Place in `ids` of the skeleton that each edge belongs to, int64, shape (E,)."""
        return np.repeat(np.arange(len(self)), self.edge_counts)

    def select(self, chosen: npt.NDArray[np.bool_]) -> Skeletons:
        """Return the skeletons where `chosen`, bool of shape (S,), is true."""
        nodes, edges = chosen[self.node_skeleton], chosen[self.edge_skeleton]
        node_places = np.cumsum(nodes, dtype=np.int64) - 1
        skeleton_places = np.cumsum(chosen, dtype=np.int64) - 1
        return Skeletons(
            ids=self.ids[chosen],
            lengths=self.lengths[chosen],
            node_skeleton=skeleton_places[self.node_skeleton[nodes]].astype(np.uint32),
            positions=self.positions[nodes],
            edges=node_places[self.edges[edges]].astype(np.uint32),
            edge_lengths=self.edge_lengths[edges],
            edge_pointer=np.append(0, np.cumsum(self.edge_counts[chosen])).astype(np.uint64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The skeleton of one object; in spite of the name it may have loops and several parts."""

    id: int
    """Id of the object."""

    positions: npt.NDArray[Any]
    """Positions (z, y, x) of its nodes in nm, shape (n, 3)."""

    edges: npt.NDArray[Any]
    """The two nodes of each edge, integers, shape (e, 2)."""


def checked(skeletons: Skeletons, where: object) -> Skeletons:
    """Return `skeletons` if their arrays fit together.

    Raises
    ------
    SkeletonError
        Naming the first array, skeleton, node or edge that is wrong.
    """
    _check_shapes(skeletons, where)
    _check_numbers(skeletons, where)
    _check_graph(skeletons, where)
    return skeletons


def from_trees(trees: Iterable[Tree], where: object = "skeletons") -> Skeletons:
    """Return the skeletons of single objects together, in the order given.

    Those without an edge are left out: they have no length, and em_erl leaves out their nodes
    when it looks for merging too. Lengths are computed in float64 from positions in float64, as
    em_erl does.

    Raises
    ------
    SkeletonError
        A position is not finite, or an edge ends where there is no node.
    """
    kept = [tree for tree in trees if len(tree.edges)]
    positions = [np.asarray(t.positions, dtype=np.float64).reshape(-1, 3) for t in kept]
    edges = [np.asarray(t.edges, dtype=np.int64).reshape(-1, 2) for t in kept]
    for tree, points, pairs in zip(kept, positions, edges, strict=True):
        if pairs.size and not 0 <= pairs.min() <= pairs.max() < len(points):
            raise SkeletonError(
                f"skeleton {tree.id} has an edge to node "
                f"{pairs.max() if pairs.min() >= 0 else pairs.min()} of {len(points)}",
                where=where,
            )
    lengths = [_edge_lengths(p, e) for p, e in zip(positions, edges, strict=True)]
    node_counts = [len(p) for p in positions]
    starts = np.cumsum([0, *node_counts])
    shifted = [e + start for e, start in zip(edges, starts, strict=False)]
    return checked(
        Skeletons(
            ids=as_ids(np.array([t.id for t in kept], dtype=_id_type(kept)), str(where)),
            lengths=np.array([float(piece.sum()) for piece in lengths], dtype=np.float64),
            node_skeleton=np.repeat(np.arange(len(kept), dtype=np.uint32), node_counts),
            positions=_as_float32(np.concatenate([np.empty((0, 3)), *positions])),
            edges=np.concatenate([np.empty((0, 2), np.int64), *shifted]).astype(np.uint32),
            edge_lengths=_as_float32(np.concatenate([np.empty(0), *lengths])),
            edge_pointer=np.cumsum([0, *map(len, edges)]).astype(np.uint64),
        ),
        where,
    )


def trees(skeletons: Skeletons) -> Iterable[Tree]:
    """Yield the skeletons one by one, nodes numbered from 0 in each."""
    order = np.argsort(skeletons.node_skeleton, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    counts = np.bincount(skeletons.node_skeleton, minlength=len(skeletons))
    ends = np.cumsum(counts)
    place[order] = np.arange(len(order)) - np.repeat(ends - counts, counts)
    pointer = skeletons.edge_pointer.astype(np.int64)
    for i, (end, count) in enumerate(zip(ends, counts, strict=True)):
        yield Tree(
            int(skeletons.ids[i]),
            skeletons.positions[order[end - count : end]],
            place[skeletons.edges[pointer[i] : pointer[i + 1]]],
        )


def _id_type(trees: list[Tree]) -> type[np.integer[Any]]:
    return np.int64 if any(t.id < 0 for t in trees) else np.uint64


def _as_float32(values: Floats) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what does not fit becomes infinite and is refused as such
        return values.astype(np.float32)


def _edge_lengths(positions: Floats, edges: Ints) -> Floats:
    lengths: Floats = np.linalg.norm(positions[edges[:, 0]] - positions[edges[:, 1]], axis=1)
    return lengths


def _check_shapes(skeletons: Skeletons, where: object) -> None:
    s, n, e = len(skeletons.ids), len(skeletons.node_skeleton), len(skeletons.edges)
    expected = {
        "ids": (s,),
        "lengths": (s,),
        "node_skeleton": (n,),
        "positions": (n, 3),
        "edges": (e, 2),
        "edge_lengths": (e,),
        "edge_pointer": (s + 1,),
    }
    for name, shape in expected.items():
        found = getattr(skeletons, name).shape
        if found != shape:
            raise SkeletonError(
                f"{name.replace('_', ' ')} of shape {found} where {shape} is needed for "
                f"{s} skeletons, {n} nodes and {e} edges",
                where=where,
            )


def _check_numbers(skeletons: Skeletons, where: object) -> None:
    for name in ("lengths", "positions", "edge_lengths"):
        numbers = getattr(skeletons, name)
        bad = ~np.isfinite(numbers)
        if name != "positions":
            bad |= numbers < 0
        if bad.any():
            at = tuple(int(i) for i in np.argwhere(bad)[0])
            raise SkeletonError(
                f"{name.replace('_', ' ')} hold {numbers[at]} at {at[0]}",
                where=where,
                remedy="remove that skeleton, or make the file again",
            )


def _check_graph(skeletons: Skeletons, where: object) -> None:
    nodes, pointer = len(skeletons.positions), skeletons.edge_pointer.astype(np.int64)
    if pointer[0] != 0 or pointer[-1] != len(skeletons.edges) or (np.diff(pointer) < 0).any():
        raise SkeletonError(
            f"the edge pointer does not rise from 0 to the {len(skeletons.edges)} edges",
            where=where,
        )
    if nodes and skeletons.node_skeleton.max() >= len(skeletons):
        raise SkeletonError(
            f"a node of skeleton {skeletons.node_skeleton.max()} where there are {len(skeletons)}",
            where=where,
        )
    if not len(skeletons.edges):
        return
    if skeletons.edges.max() >= nodes:
        raise SkeletonError(
            f"an edge to node {skeletons.edges.max()} where there are {nodes}", where=where
        )
    of_edge = skeletons.edge_skeleton
    crossing = (skeletons.node_skeleton[skeletons.edges] != of_edge[:, np.newaxis]).any(axis=1)
    if crossing.any():
        at = int(np.flatnonzero(crossing)[0])
        u, v = (int(node) for node in skeletons.edges[at])
        raise SkeletonError(
            f"edge {at} of skeleton {skeletons.ids[of_edge[at]]} joins nodes {u} and {v}, which "
            "are not both of that skeleton",
            where=where,
        )
