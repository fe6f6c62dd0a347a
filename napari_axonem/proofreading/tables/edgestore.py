"""All edges of a project: those of its creation, which may lie in files, and later ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import ranges
from napari_axonem.proofreading.tables.columns import Column, LateRows, each_once, is_true, table_of
from napari_axonem.proofreading.tables.edges import COLUMNS, Edges, Ids, Index

MANY = 20
"""Pairs are looked up in one sorted list of all edges where there are more than one for so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Incidence:
    """Where the edges of each fragment are, in edges that are sorted by (u, v)."""

    lower: npt.NDArray[np.int64]
    """First edge of each fragment as `u`, shape (fragments + 2,); its edges follow each other."""

    upper: npt.NDArray[np.int64]
    """Where the edges of each fragment as `v` begin in `order`, shape (fragments + 2,)."""

    order: npt.NDArray[np.uint32]
    """The edges sorted by `v`, shape (edges,)."""

    @classmethod
    def of(cls, edges: Edges, fragments: int) -> Incidence:
        """Return that of edges between fragments 0 to `fragments` - 1."""
        return cls(
            _first(edges.u, fragments),
            _first(edges.v, fragments),
            np.argsort(edges.v, kind="stable").astype(np.uint32),
        )

    def at(self, fragments: Index) -> Index:
        """Return the edges at fragments, those between two of them twice."""
        known = self._known(fragments)
        above = ranges(self.upper[known], self.upper[known + 1] - self.upper[known])
        return np.concatenate([self.below(known), self.order[above].astype(np.int64)])

    def below(self, fragments: Index) -> Index:
        """Return the edges of which fragments are `u`."""
        known = self._known(fragments)
        return ranges(self.lower[known], self.lower[known + 1] - self.lower[known])

    def _known(self, fragments: Index) -> Index:
        known: Index = fragments[fragments < len(self.lower) - 1]
        return known


class EdgeStore:
    """Edges with their states, to which others are appended and of which some are buried.

    Parameters
    ----------
    first
        The edges at first, unique and sorted by (u, v).
    fragments
        Number of fragments, ids 0 to n - 1.
    incidence
        That of `first`, if it is known.
    """

    def __init__(self, first: Edges, fragments: int, incidence: Incidence | None = None) -> None:
        self.u, self.v = Column(first.u), Column(first.v)
        self.area, self.affinity = Column(first.area), Column(first.affinity)
        self.point, self.facing = Column(first.point), Column(first.facing)
        self.on = Column(first.on)
        self._alive = Column(np.ones(len(first), np.bool_))
        self._incidence = incidence or Incidence.of(first, fragments)
        self._n_first = len(first)
        self._late = LateRows()

    def __len__(self) -> int:
        return len(self.u)

    @property
    def alive(self) -> npt.NDArray[np.bool_]:
        """Which edges are not buried, shape (edges,)."""
        return self._alive.whole()

    @property
    def late(self) -> Edges:
        """The edges that were appended, buried ones included."""
        return Edges(*(getattr(self, name).late for name in COLUMNS))

    def taken(self, rows: Index) -> Edges:
        """Return copies of the chosen rows, in their order."""
        return Edges(*(getattr(self, name)[rows] for name in COLUMNS))

    def everything(self) -> Edges:
        """Return all edges that are not buried, sorted by (u, v)."""
        alive = self._everything()
        order = np.argsort(pair_key(self.u[alive], self.v[alive]), kind="stable")
        return self.taken(alive[order])

    def all_on(self) -> Index:
        """Return all edges that are on."""
        return np.flatnonzero(self.on.whole())

    def at(self, fragments: Index) -> Index:
        """Return the edges with at least one end in `fragments`, each once, ascending."""
        return self._living(self._found(fragments))

    def leading_out(self, fragments: Index, segment: Ids) -> Index:
        """Return those of `at` whose ends lie in different segments, each once, ascending.

        Parameters
        ----------
        segment
            The segment of each fragment, shape (fragments + 1,).
        """
        found = self._found(fragments)  # nearly all lie within and need not be put into order
        return self._living(found[segment[self.u[found]] != segment[self.v[found]]])

    def within(self, fragments: Index) -> Index:
        """Return the edges with both ends in `fragments`, which are ascending, ascending."""
        inside = table_of(fragments)
        found = self._incidence.below(fragments)  # ascending, each once
        found = found[is_true(inside, self.v[found])]
        if len(self) > self._n_first:
            late = each_once(self._late.at(fragments))
            both = is_true(inside, self.u[late]) & is_true(inside, self.v[late])
            found = np.concatenate([found, late[both]])
        living: Index = found[self._alive[found]]
        return living

    def _found(self, fragments: Index) -> Index:
        """Return the edges at fragments, some of them twice, buried ones included."""
        found = self._incidence.at(fragments)
        if len(self) > self._n_first:
            found = np.concatenate([found, self._late.at(fragments)])
        return found

    def _living(self, rows: Index) -> Index:
        """Return those of some rows that are not buried, each once, ascending."""
        rows = each_once(rows)
        living: Index = rows[self._alive[rows]]
        return living

    def find(self, u: Index, v: Index) -> Index:
        """Return the edge between each pair of fragments u < v, or -1 where there is none."""
        candidates = self._everything() if len(u) * MANY > len(self) else self.at(each_once(u))
        if not len(candidates) or not len(u):
            return np.full(len(u), -1, dtype=np.int64)
        keys = pair_key(self.u[candidates], self.v[candidates])
        if len(self) > self._n_first:
            order = np.argsort(keys, kind="stable")
            keys, candidates = keys[order], candidates[order]
        wanted = pair_key(u, v)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, candidates[place], -1)

    def append(self, rows: Edges) -> Index:
        """Append edges; return their numbers."""
        first = len(self)
        for name in COLUMNS:
            getattr(self, name).append(getattr(rows, name))
        self._alive.append(np.ones(len(rows), np.bool_))
        self._late.add((rows.u, rows.v), first)
        return np.arange(first, len(self), dtype=np.int64)

    def bury(self, rows: Index) -> None:
        """Take edges out for good; they keep their numbers."""
        self.on[rows] = False
        self._alive[rows] = False

    def _everything(self) -> Index:
        return np.flatnonzero(self.alive)


def place_of(fragments: Index, members: Index) -> Index:
    """Return where fragments are in the ascending `members`, -1 where they are not."""
    if not len(members):
        return np.full(len(fragments), -1)
    if members[-1] - members[0] + 1 == len(members):  # nearly always so when they are all
        place = fragments - members[0]
        return np.where((place >= 0) & (place < len(members)), place, -1)
    place = np.minimum(np.searchsorted(members, fragments), len(members) - 1)
    return np.where(members[place] == fragments, place, -1)


def _first(fragment: npt.NDArray[np.uint32], count: int) -> Index:
    """Return where the rows of each fragment begin, when sorted, shape (count + 1,)."""
    first: Index = np.concatenate([[0], np.cumsum(np.bincount(fragment, minlength=count))])
    return first.astype(np.int64)


def pair_key(u: npt.NDArray[np.integer], v: npt.NDArray[np.integer]) -> Index:
    """Return one integer for each pair of fragments; ids are below 2**32."""
    return (u.astype(np.int64) << 32) | v.astype(np.int64)
