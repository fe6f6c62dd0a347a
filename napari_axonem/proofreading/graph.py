"""The fragment graph: which fragments touch, which edges are on, and the segments that result.

A segment is a connected component of the edges that are on. Its id is that of its fragment
of the highest rank (voxels; ties to the lower id), so that segment ids depend on the state
of the edges alone and not on the order of edits, and a large object keeps its id, and with
it its colour, when a small one joins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from napari_axonem.proofreading.edges import Edges, Ids, Index
from napari_axonem.proofreading.operation import EdgeStates

BACKGROUND = 0
"""The fragment, and the segment, that is no object."""


class FragmentGraph:
    """The edges of a project with their states, and the segment of every fragment.

    Parameters
    ----------
    edges
        All edges. The first ones are indexed; those added later are few and are scanned.
    rank
        Voxels of each fragment, shape (fragments + 1,); row 0 is the background.
    segment
        The segment of each fragment, if known to agree with the edges; else it is computed.
    """

    def __init__(self, edges: Edges, rank: Index, segment: Ids | None = None) -> None:
        self.edges = edges
        self.rank = rank
        self._start, self._incident = _incidence(edges, len(rank))
        self._n_indexed = len(edges)
        if segment is None:
            segment = np.zeros(len(rank), dtype=np.uint32)
            everything = np.arange(1, len(rank), dtype=np.int64)
            segment[1:] = self._components(everything, edges_on_only(edges, self._all_edges()))
        self.segment = segment
        """The segment of each fragment, uint32, shape (fragments + 1,). The view's table."""
        self._moved: list[Index] = []

    @property
    def n_fragments(self) -> int:
        """Number of fragments; their ids are 1..n."""
        return len(self.rank) - 1

    def members(self, *segments: int) -> Index:
        """Return the fragments of the segments, ascending."""
        mask = self.segment == segments[0]
        for segment in segments[1:]:
            mask |= self.segment == segment
        return np.flatnonzero(mask)

    def edges_at(self, fragments: npt.ArrayLike) -> Index:
        """Return the edges with at least one end in `fragments`, each once, ascending."""
        ids = np.asarray(fragments, dtype=np.int64)
        starts, stops = self._start[ids], self._start[ids + 1]
        indexed = self._incident[_ranges(starts, stops)]
        late_u, late_v = self.edges.u[self._n_indexed :], self.edges.v[self._n_indexed :]
        late = np.flatnonzero(np.isin(late_u, ids) | np.isin(late_v, ids)) + self._n_indexed
        found = np.unique(np.concatenate([indexed, late]))
        alive: Index = found[self.edges.u[found] != BACKGROUND]  # the others are buried
        return alive

    def edges_within(self, fragments: Index) -> Index:
        """Return the edges with both ends in `fragments`, ascending."""
        candidates = self.edges_at(fragments)
        inside = np.zeros(len(self.rank), dtype=np.bool_)
        inside[fragments] = True
        both = inside[self.edges.u[candidates]] & inside[self.edges.v[candidates]]
        within: Index = candidates[both]
        return within

    def edges_between(self, segment_a: int, segment_b: int) -> Index:
        """Return the edges from one segment to another, ascending."""
        members_a, members_b = self.members(segment_a), self.members(segment_b)
        candidates = self.edges_at(min(members_a, members_b, key=len))
        ends = self.segment[self.edges.u[candidates]], self.segment[self.edges.v[candidates]]
        forth = (ends[0] == segment_a) & (ends[1] == segment_b)
        back = (ends[0] == segment_b) & (ends[1] == segment_a)
        between: Index = candidates[forth | back]
        return between

    def find(self, u: npt.ArrayLike, v: npt.ArrayLike) -> Index:
        """Return the edge between each pair of fragments u < v, or -1 where there is none."""
        first, second = np.asarray(u, dtype=np.int64), np.asarray(v, dtype=np.int64)
        candidates = self.edges_at(np.unique(first))
        keys = _pair_key(self.edges.u[candidates], self.edges.v[candidates])
        order = np.argsort(keys)
        wanted = _pair_key(first, second)
        place = np.minimum(np.searchsorted(keys, wanted, sorter=order), max(0, len(keys) - 1))
        if len(keys) == 0:
            return np.full(len(wanted), -1, dtype=np.int64)
        hits = order[place]
        found: Index = np.where(keys[hits] == wanted, candidates[hits], -1)
        return found

    def add_edges(self, rows: Edges) -> Index:
        """Append edges whose states already agree with the segments; return their indices."""
        first = len(self.edges)
        self.edges = self.edges.appended(rows)
        return np.arange(first, len(self.edges), dtype=np.int64)

    def states(self, edges: Index) -> EdgeStates:
        """Return edges as rows (u, v, on) for the log."""
        columns = self.edges.u[edges], self.edges.v[edges], self.edges.on[edges]
        return np.stack([column.astype(np.int64) for column in columns], axis=1)

    def apply(self, states: EdgeStates, places: Mapping[int, npt.ArrayLike] | None = None) -> Index:
        """Set edges to states, adding those that do not exist yet, and update the segments.

        Parameters
        ----------
        states
            Each edge at most once.
        places
            A voxel (z, y, x) of each fragment that an edge may have to be added to.

        Returns
        -------
        The edges whose state really changed.
        """
        indices = self.find(states[:, 0], states[:, 1])
        for row in np.flatnonzero(indices < 0):
            ends = {int(f): (places or {}).get(int(f), (-1, -1, -1)) for f in states[row, :2]}
            (indices[row],) = self.add_edges(Edges.made_by_hand(ends, on=False))
        wanted = states[:, 2].astype(np.bool_)
        changed: Index = indices[self.edges.on[indices] != wanted]
        self.edges.on[indices] = wanted
        self.update_segments(changed)
        return changed

    def update_segments(self, changed: Index) -> None:
        """Compute the segments anew at edges whose state was changed."""
        if len(changed) == 0:
            return
        ends = np.concatenate([self.edges.u[changed], self.edges.v[changed]])
        touched = np.zeros(len(self.rank), dtype=np.bool_)
        touched[self.segment[ends]] = True
        touched[BACKGROUND] = False
        members = np.flatnonzero(touched[self.segment])
        within = edges_on_only(self.edges, self.edges_within(members))
        names = self._components(members, within)
        self._moved.append(members[self.segment[members] != names])
        self.segment[members] = names

    def take_moved(self) -> Index:
        """Return the fragments whose segment changed since this was last asked, ascending."""
        moved = np.unique(np.concatenate([np.zeros(0, np.int64), *self._moved]))
        self._moved.clear()
        return moved

    def add_fragment(self, voxels: int, segment: int) -> int:
        """Append one fragment that belongs to `segment`; return its id."""
        self.rank = np.append(self.rank, np.int64(voxels))
        self.segment = np.append(self.segment, np.uint32(segment))
        self._start = np.append(self._start, self._start[-1])
        return self.n_fragments

    def bury(self, edges: Index) -> None:
        """Take edges out of the graph for good, leaving their places empty."""
        self.edges.on[edges] = False
        self.edges.u[edges] = BACKGROUND
        self.edges.v[edges] = BACKGROUND

    def _all_edges(self) -> Index:
        return np.arange(len(self.edges), dtype=np.int64)

    def _components(self, members: Index, edges: Index) -> Ids:
        """Return the segment id of each of `members` under `edges`, all inside of them."""
        rows = np.searchsorted(members, self.edges.u[edges])
        columns = np.searchsorted(members, self.edges.v[edges])
        ones = np.ones(len(edges), dtype=np.int8)
        matrix = csr_array(coo_array((ones, (rows, columns)), shape=(len(members),) * 2))
        count, component = connected_components(matrix, directed=False)
        # Ascending by rank, ties descending by id: the last write to a component wins.
        order = np.lexsort((-members, self.rank[members]))
        name = np.zeros(count, dtype=np.uint32)
        name[component[order]] = members[order]
        names: Ids = name[component]
        return names


def edges_on_only(edges: Edges, indices: Index) -> Index:
    """Return those of `indices` whose edge is on."""
    on: Index = indices[edges.on[indices]]
    return on


def _pair_key(u: npt.NDArray[Any], v: npt.NDArray[Any]) -> Index:
    """Return one integer for each pair of fragments; ids are below 2**32."""
    return (u.astype(np.int64) << 32) | v.astype(np.int64)


def _incidence(edges: Edges, n_fragments: int) -> tuple[Index, Index]:
    """Return the table from a fragment to its edges: where its row starts, and the edges."""
    ends = np.concatenate([edges.u, edges.v]).astype(np.int64)
    incident = np.argsort(ends, kind="stable") % max(1, len(edges))
    start = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n_fragments))])
    return start.astype(np.int64), incident.astype(np.int64)


def _ranges(starts: Index, stops: Index) -> Index:
    """Return the concatenated integers of the half-open ranges."""
    lengths = stops - starts
    offsets = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    ranges: Index = offsets + np.arange(lengths.sum())
    return ranges
