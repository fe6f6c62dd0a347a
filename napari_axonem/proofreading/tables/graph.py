"""The fragment graph: which fragments touch, which edges are on, and the segments that result.

A segment is a connected component of the edges that are on. Its id is that of its fragment
of the highest rank (voxels; ties to the lower id), so that segment ids depend on the state
of the edges alone and not on the order of edits, and a large object keeps its id, and with
it its colour, when a small one joins.

A fragment can be deleted: its segment is 0 then, as that of the background, whatever its edges
say. In edge states a deletion is the row (0, fragment, 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.proofreading.record.operation import EdgeStates, Made, no_made
from napari_axonem.proofreading.tables.columns import Growing
from napari_axonem.proofreading.tables.edges import Edges, Ids, Index
from napari_axonem.proofreading.tables.edgestore import EdgeStore, Incidence
from napari_axonem.proofreading.tables.falling import fallen, groups_of
from napari_axonem.proofreading.tables.members import Members

BACKGROUND = 0
"""The fragment, and the segment, that is no object."""

LARGE = 50_000
"""Segments of more fragments are not looked at whole where an edge goes off, but searched."""

MANY_OF = 8
"""An eighth of a large segment may be searched; then it is looked at whole after all."""


class FragmentGraph:
    """The edges of a project with their states, and the segment of every fragment.

    Parameters
    ----------
    edges
        Edges, unique and sorted by (u, v). Their states are switched in place.
    rank
        Voxels of each fragment, shape (fragments + 1,); row 0 is the background.
    segment
        The segment of each fragment, if known to agree with the edges; else it is computed.
    incidence
        Where the edges of each fragment are, if known.
    deleted
        Whether each fragment is deleted, shape (fragments + 1,); none is where it is left out.
    """

    def __init__(
        self,
        edges: Edges,
        rank: Index,
        segment: Ids | None = None,
        incidence: Incidence | None = None,
        deleted: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self.edges = EdgeStore(edges, len(rank), incidence)
        self._rank = Growing(rank)
        self._deleted = Growing(np.zeros(len(rank), np.bool_) if deleted is None else deleted)
        if segment is None:
            segment = np.zeros(len(rank), dtype=np.uint32)
            alive = np.flatnonzero(~self.deleted)[1:]
            on = self.edges.all_on()
            on = on[~(self.deleted[self.edges.u[on]] | self.deleted[self.edges.v[on]])]
            segment[alive] = self._named(alive, self._components(alive, on))
        self._segment = Growing(segment)
        self._members: Members | None = None
        self._moved: list[Index] = []

    @property
    def n_fragments(self) -> int:
        """Number of fragments; their ids are 1..n."""
        return len(self.rank) - 1

    @property
    def segment(self) -> Ids:
        """The segment of each fragment, uint32, shape (fragments + 1,). The view's table."""
        return self._segment.values

    @property
    def rank(self) -> Index:
        """Voxels of each fragment, shape (fragments + 1,)."""
        return self._rank.values

    @property
    def deleted(self) -> npt.NDArray[np.bool_]:
        """Whether each fragment is deleted, shape (fragments + 1,)."""
        return self._deleted.values

    def members(self, *segments: int) -> Index:
        """Return the fragments of the segments, ascending."""
        if not segments:  # the lists need not be there for that
            return np.zeros(0, np.int64)
        return self._of_segments(np.unique(np.array(segments, np.int64)))

    def count_segments(self) -> int:
        """Return how many segments there are, the background left out."""
        names = self.segment[1:]  # a segment is named after one of its fragments
        return int(np.count_nonzero(names == np.arange(1, len(names) + 1, dtype=names.dtype)))

    def most_members(self, segment: int) -> int:
        """Return how many fragments a segment has at most, without looking at them."""
        return int(self._lists().most(np.array([segment]))[0])

    def edges_at(self, fragments: npt.ArrayLike) -> Index:
        """Return the edges with at least one end in `fragments`, each once, ascending."""
        return self.edges.at(np.asarray(fragments, dtype=np.int64))

    def edges_out_of(self, fragments: Index) -> Index:
        """Return the edges at `fragments` that join different segments, each once, ascending."""
        return self.edges.leading_out(fragments, self.segment)

    def edges_within(self, fragments: Index) -> Index:
        """Return the edges with both ends in `fragments`, which are ascending, ascending."""
        return self.edges.within(fragments)

    def edges_between(self, segment_a: int, segment_b: int) -> Index:
        """Return the edges from one segment to another, ascending."""
        smaller = min(segment_a, segment_b, key=self.most_members)
        candidates = self.edges_out_of(self.members(smaller))
        ends = self.segment[self.edges.u[candidates]], self.segment[self.edges.v[candidates]]
        forth = (ends[0] == segment_a) & (ends[1] == segment_b)
        back = (ends[0] == segment_b) & (ends[1] == segment_a)
        between: Index = candidates[forth | back]
        return between

    def come_off(
        self, segment: int, seeds: Index, without: Index | tuple[()] = ()
    ) -> tuple[Index, Index]:
        """Return what is not connected to the greatest part of a segment, along edges that are on.

        Parameters
        ----------
        seeds
            Fragments of the segment, each once, such that each of the others is connected to one
            of them.
        without
            Fragments, none of the seeds, that are taken to be gone.

        Returns
        -------
        The fragments of the parts that come off, and a number for the part of each, both shape
        (n,).
        """
        length = self.most_members(segment)
        if length > LARGE:
            gone = self.deleted.copy()
            gone[np.asarray(without, np.int64)] = True
            off = fallen(self.edges, seeds, gone, most=length // MANY_OF)
            if off is not None:
                return off
        left = np.setdiff1d(self.members(segment), without)
        component = self._components(left, self._on_within(left))
        comes_off = component != np.bincount(component).argmax()
        return left[comes_off], component[comes_off]

    def find(self, u: npt.ArrayLike, v: npt.ArrayLike) -> Index:
        """Return the edge between each pair of fragments u < v, or -1 where there is none."""
        return self.edges.find(np.asarray(u, np.int64), np.asarray(v, np.int64))

    def add_edges(self, rows: Edges) -> Index:
        """Append edges whose states already agree with the segments; return their indices."""
        return self.edges.append(rows)

    def apply(self, states: EdgeStates, made: Made | None = None) -> EdgeStates:
        """Set edges to states, and update the segments.

        Parameters
        ----------
        states
            Each edge at most once.
        made
            Edges that may have to be added first.

        Returns
        -------
        The rows of `states` that really changed something.
        """
        self._make(no_made() if made is None else made)
        is_deletion = states[:, 0] == BACKGROUND
        changed = np.zeros(len(states), np.bool_)
        changed[is_deletion] = self._delete(states[is_deletion])
        switched = np.flatnonzero(~is_deletion)
        rows = self.find(states[switched, 0], states[switched, 1])
        wanted = states[switched, 2].astype(np.bool_)
        switched, wanted, rows = switched[rows >= 0], wanted[rows >= 0], rows[rows >= 0]
        differs = self.edges.on[rows] != wanted
        changed[switched[differs]] = True
        self.edges.on[rows[differs]] = wanted[differs]
        done: EdgeStates = states[changed]
        self._update_segments(done)
        return done

    def take_moved(self) -> Index:
        """Return the fragments whose segment changed since this was last asked, ascending."""
        moved = np.unique(np.concatenate([np.zeros(0, np.int64), *self._moved]))
        self._moved.clear()
        return moved

    def add_fragment(self, voxels: int, like: int) -> int:
        """Append one fragment in the segment of another; return its id.

        One that was background (`like` is 0) begins as deleted, which is what it was.
        """
        self._rank.append(np.array([voxels], np.int64))
        self._segment.append(self.segment[like : like + 1])
        gone = self.deleted[like] or like == BACKGROUND
        self._deleted.append(np.array([gone], np.bool_))
        if self._members is not None:
            self._members.add(self.n_fragments, self.segment)
        return self.n_fragments

    def bury(self, edges: Index) -> None:
        """Take edges out of the graph for good."""
        self.edges.bury(edges)

    def _make(self, made: Made) -> None:
        """Add edges by hand where there are none yet; they are off."""
        if not len(made):
            return
        _, first = np.unique(made[:, :2], axis=0, return_index=True)
        rows = made[np.sort(first)]
        for row in rows[self.find(rows[:, 0], rows[:, 1]) < 0]:
            ends = {int(row[0]): row[2:5], int(row[1]): row[5:8]}
            self.add_edges(Edges.made_by_hand(ends, on=False))

    def _delete(self, rows: EdgeStates) -> npt.NDArray[np.bool_]:
        """Set whether fragments are deleted; tell which rows changed that."""
        wanted = rows[:, 2].astype(np.bool_)
        differs: npt.NDArray[np.bool_] = self.deleted[rows[:, 1]] != wanted
        self.deleted[rows[:, 1]] = wanted
        return differs

    def _update_segments(self, changed: EdgeStates) -> None:
        """Compute the segments anew where edges have changed."""
        if len(changed) == 0:
            return
        is_deletion, is_on = changed[:, 0] == BACKGROUND, changed[:, 2] == 1
        gone, back = (changed[is_deletion & on, 1] for on in (is_on, ~is_on))
        self._rename(back, back.astype(np.uint32))  # each alone; no other can bear its name
        self._join(np.concatenate([changed[~is_deletion & is_on, :2], self._pairs_at(back)]))
        self._rename(gone, np.zeros(len(gone), np.uint32))
        off = changed[~is_deletion & ~is_on, :2]
        self._divide(np.unique(np.concatenate([off, self._pairs_at(gone)])))

    def _pairs_at(self, fragments: Index) -> Index:
        """Return the ends of edges at fragments that are on, shape (n, 2)."""
        edges = self.edges_at(fragments)
        edges = edges[self.edges.on[edges]]
        return np.stack([self.edges.u[edges], self.edges.v[edges]], axis=1).astype(np.int64)

    def _join(self, pairs: Index) -> None:
        """Follow edges that went on: whole segments become one."""
        ends = self.segment[pairs].astype(np.int64)
        ends = ends[(ends != BACKGROUND).all(axis=1) & (ends[:, 0] != ends[:, 1])]
        if not len(ends):
            return
        names, place = np.unique(ends, return_inverse=True)
        place = place.reshape(-1, 2)
        group = groups_of((place[:, 0], place[:, 1]), len(names))
        new = self._named(names, group)
        losing = new != names
        members = [self.members(int(name)) for name in names[losing]]
        into = np.repeat(new[losing].astype(np.uint32), [len(m) for m in members])
        self._rename(np.concatenate(members), into)

    def _divide(self, seeds: Index) -> None:
        """Follow edges that went off: segments fall into what their seeds are connected to.

        Parameters
        ----------
        seeds
            Fragments, each once, at which edges went off or fragments were deleted.
        """
        seeds = seeds[self.segment[seeds] != BACKGROUND]
        names, whose, count = np.unique(
            self.segment[seeds].astype(np.int64), return_inverse=True, return_counts=True
        )
        length = self._lists().most(names)
        large = (length > LARGE) & (length > count * MANY_OF)
        for place in np.flatnonzero(large):
            name = int(names[place])
            self._take_off(name, *self.come_off(name, seeds[whose == place]))
        if large.all():
            return
        members = self._of_segments(names[~large])
        component = self._components(members, self._on_within(members))
        self._rename(members, self._named(members, component).astype(np.uint32))

    def _take_off(self, segment: int, fragments: Index, part: Index) -> None:
        """Make segments of parts of a segment; the rest keeps the name if it has that fragment."""
        if self.deleted[segment] or segment in fragments:
            rest = np.setdiff1d(self.members(segment), fragments)
            fragments = np.concatenate([fragments, rest])
            part = np.append(part, np.full(len(rest), part.max(initial=-1) + 1))
        self._rename(fragments, self._named(fragments, part).astype(np.uint32))

    def _rename(self, fragments: Index, names: Ids) -> None:
        """Put fragments, each once, into other segments."""
        moved = self.segment[fragments] != names
        fragments, names = fragments[moved], names[moved]
        order = np.argsort(fragments)
        fragments, names = fragments[order], names[order]
        self._lists().move(fragments, names, self.segment)
        self.segment[fragments] = names
        self._moved.append(fragments)

    def _on_within(self, fragments: Index) -> Index:
        within = self.edges_within(fragments)
        on: Index = within[self.edges.on[within]]
        return on

    def _components(self, members: Index, edges: Index) -> Index:
        """Return the connected component of each of some fragments, under edges among them."""
        place = np.empty(self.n_fragments + 1, np.int32)  # all that is read is written first
        place[members] = np.arange(len(members), dtype=np.int32)
        ends = place[self.edges.u[edges]], place[self.edges.v[edges]]
        return groups_of(ends, len(members))

    def _named(self, fragments: Index, group: npt.NDArray[Any]) -> Index:
        """Return for each fragment the name of its group: the fragment of the highest rank."""
        # Ascending by rank, ties descending by id: the last write to a group wins.
        order = np.lexsort((-fragments, self.rank[fragments]))
        name = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
        name[group[order]] = fragments[order]
        named: Index = name[group]
        return named

    def _of_segments(self, segments: Index) -> Index:
        found: Index = np.sort(self._lists().of(segments, self.segment))
        return found

    def _lists(self) -> Members:
        if self._members is None:
            self._members = Members(self.segment)
        return self._members
