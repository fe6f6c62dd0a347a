"""The cheapest cut of a segment between the points of two colours or more.

The points of one colour are first connected along cheapest paths, so that the cut cannot
shave off single points; then the edges of least total capacity that separate the colours
are cut (minimum s-t cut, as PyChunkedGraph and others do it). More than
two colours are each cut off from all others, but for the one that this would cost most, which
keeps the rest: at most 2 - 2/k times the cost of the best cut between k colours (Dahlhaus et al.,
"The complexity of multiterminal cuts", SIAM Journal on Computing 23, 1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from napari_axonem.errors import EditError
from napari_axonem.proofreading.plans.network import Network
from napari_axonem.proofreading.plans.shrinking import shrunk
from napari_axonem.proofreading.record.operation import EdgeStates, no_edges
from napari_axonem.proofreading.tables.edges import Edges, Index
from napari_axonem.proofreading.tables.edgestore import pair_key, place_of
from napari_axonem.proofreading.tables.falling import groups_of

OFF_WEIGHT = 0.1
"""How much an edge that is off counts, against one that is on, where its affinity is known."""

MANY = 0.1
"""Where a piece has more edges than this share of the highest id, ids are looked up in a table."""

NEAR = 10
"""Paths are looked for within so many typical edges, then so many times as far, and so on."""

CAPACITY_UNIT = 64
"""Capacity of one voxel face of affinity 1: flows are integers, affinities are not."""


@dataclass(frozen=True)
class Piece:
    """A segment as a small graph of its own: fragments and the edges among them."""

    fragments: Index
    """Ids of the fragments, ascending."""

    edges: Edges
    """All edges with both ends in `fragments`, on or off."""

    def rows(self, fragments: npt.ArrayLike) -> Index:
        """Return the positions of fragments within `fragments`."""
        rows: Index = np.searchsorted(self.fragments, np.asarray(fragments, dtype=np.int64))
        return rows

    @cached_property
    def ends(self) -> tuple[Index, Index]:
        """The positions of both ends of each edge, u and v."""
        highest = int(self.fragments.max(initial=0))
        if len(self.edges.u) < MANY * highest:
            return self.rows(self.edges.u), self.rows(self.edges.v)
        place = np.zeros(highest + 1, np.int64)
        place[self.fragments] = np.arange(len(self.fragments))
        return place[self.edges.u], place[self.edges.v]


def cut(piece: Piece, ends: Sequence[npt.ArrayLike]) -> Index:
    """Tell on whose side each fragment of a piece ends up.

    Parameters
    ----------
    ends
        Fragments of each colour, two colours or more, without a common fragment.

    Returns
    -------
    The number of the colour, from 0, int64, shape (fragments of the piece,).

    Raises
    ------
    EditError
        A fragment has two colours.
    """
    rows = [np.unique(piece.rows(fragments)) for fragments in ends]
    owned = np.concatenate(rows)
    if len(np.unique(owned)) < len(owned):
        raise EditError("a fragment has points of two colours", where="split")
    capacity = _capacities(piece.edges)
    paths: list[Index] = []
    for number, own in enumerate(rows):  # each keeps off what the others have
        others = [*paths, *rows[number + 1 :]]
        paths.append(_connect(piece, capacity, own, avoid=np.concatenate(others)))
    return _divided(piece, capacity, paths)


def states_after(piece: Piece, side: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> EdgeStates:
    """Return the edges to switch so that each side is separate and, by itself, one object.

    Edges that are on across the sides go off. A side that would fall apart without the others
    is held together by its largest contacts that were off.

    Parameters
    ----------
    side
        What says for each fragment of the piece on which side it is, equal on one side.
    """
    u, v = piece.ends
    across = side[u] != side[v]
    off = np.flatnonzero(across & piece.edges.on)
    kept_on = piece.edges.on & ~across
    component = groups_of((u[kept_on], v[kept_on]), len(side))
    candidates = np.flatnonzero(~across & ~piece.edges.on)
    ends = np.stack([component[u[candidates]], component[v[candidates]]], axis=1)
    tied = candidates[ties(ends, piece.edges.area[candidates])]
    if len(off) + len(tied) == 0:
        return no_edges()
    chosen = np.concatenate([off, tied])
    state = np.concatenate([np.zeros(len(off), np.int64), np.ones(len(tied), np.int64)])
    columns = [piece.edges.u[chosen].astype(np.int64), piece.edges.v[chosen].astype(np.int64)]
    return np.stack([*columns, state], axis=1)


def components_after(piece: Piece, states: EdgeStates) -> Index:
    """Return the object, counted from 0, that each fragment is in once `states` are set."""
    on = piece.edges.on.copy()
    switched = pair_key(states[:, 0], states[:, 1])
    order = np.argsort(switched)
    place = place_of(pair_key(piece.edges.u, piece.edges.v), switched[order])
    on[place >= 0] = states[order, 2][place[place >= 0]]
    u, v = piece.ends
    return groups_of((u[on], v[on]), len(piece.fragments))


def ties(ends: Index, area: Index) -> Index:
    """Return the edges that join components which are to be one object, largest contacts first.

    Parameters
    ----------
    ends
        The components, from 0, at both ends of each edge that may go on, shape (n, 2).
    area
        The contact area of each, shape (n,).

    Returns
    -------
    Which of the edges, as their numbers.
    """
    apart = np.flatnonzero(ends[:, 0] != ends[:, 1])
    by_area = apart[np.argsort(-area[apart], kind="stable")]
    ordered = np.sort(ends[by_area], axis=1)
    _, first = np.unique(ordered, axis=0, return_index=True)  # of each pair the largest
    n, pairs = int(ends.max(initial=-1)) + 1, ordered[first]
    tree = minimum_spanning_tree(_matrix(n, pairs[:, 0], pairs[:, 1], first + 1.0))
    chosen: Index = by_area[np.sort(tree.data).astype(np.int64) - 1]
    return chosen


def _capacities(edges: Edges) -> Index:
    """Return what cutting each edge costs, as integers.

    An edge that is off counts little: the agglomeration or the user did not believe in it.
    Without affinities the contact area is all there is, and it says nothing of an edge that
    is off, so that such edges cost nothing; all others cost at least 1.
    """
    known = np.isfinite(edges.affinity)
    weight = np.where(known, edges.affinity, 1.0) * np.where(edges.on, 1.0, OFF_WEIGHT)
    cost = np.maximum(1.0, weight * np.maximum(edges.area, 1) * CAPACITY_UNIT)
    capacity: Index = np.where(known | edges.on, np.rint(cost), 0.0).astype(np.int64)
    return capacity


def _connect(piece: Piece, capacity: Index, ends: Index, avoid: Index) -> Index:
    """Return `ends` with the fragments of the cheapest paths from the first to the others.

    Paths run along edges that are on and keep off `avoid`; an end that cannot be reached so
    stays alone.
    """
    if len(ends) < 2:
        return ends
    u, v = piece.ends
    barred = np.zeros(len(piece.fragments), dtype=np.bool_)
    barred[avoid] = True
    usable = piece.edges.on & ~barred[u] & ~barred[v]
    length = 1.0 / capacity[usable]
    matrix = _matrix(len(piece.fragments), u[usable], v[usable], length)
    before = _ways(matrix, ends, float(np.median(length)) if len(length) else 1.0)
    on_path = set(ends.tolist())
    for end in ends[1:]:
        node = int(before[end])
        while node >= 0:
            on_path.add(node)
            node = int(before[node])
    return np.array(sorted(on_path), dtype=np.int64)


def _ways(matrix: csr_array, ends: Index, step: float) -> Index:
    """Return the node before each on the cheapest path from the first of some nodes.

    Nodes that are farther away than all of `ends` need not be looked at; `step` is the length of a
    typical edge.
    """
    for most in (*(step * NEAR**n for n in range(1, 5)), np.inf):
        found, before = dijkstra(
            matrix, directed=False, indices=ends[0], return_predecessors=True, limit=most
        )
        if np.isfinite(found[ends]).all():
            break
    ways: Index = before
    return ways


def _divided(piece: Piece, capacity: Index, ends: Sequence[Index]) -> Index:
    """Return the side of each fragment in a cut between sets of them.

    What the cheapest cuts of two sets from all others leave to them has nothing in common.
    """
    side = np.full(len(piece.fragments), len(ends) - 1, dtype=np.int64)
    if len(ends) == 2:
        side[_source_side(piece, capacity, ends[0], ends[1])[0]] = 0
        return side
    alone = [
        _source_side(piece, capacity, own, np.concatenate([*ends[:n], *ends[n + 1 :]]))
        for n, own in enumerate(ends)
    ]
    dearest = int(np.argmax([cost for _, cost in alone]))
    side[:] = dearest
    for number, (inside, _) in enumerate(alone):
        if number != dearest:
            side[inside] = number
    return side


def _source_side(
    piece: Piece, capacity: Index, own: Index, others: Index
) -> tuple[npt.NDArray[np.bool_], int]:
    """Return the least that stays with a set in a cheapest cut from others, and what that costs."""
    costs = capacity > 0
    ends = piece.ends[0][costs], piece.ends[1][costs]
    count = len(piece.fragments)
    return shrunk(Network.between(own, others, ends, capacity[costs], count)).source_side()


def _matrix(n: int, rows: Index, columns: Index, values: npt.NDArray[np.generic]) -> csr_array:
    return csr_array(coo_array((values, (rows, columns)), shape=(n, n)))
