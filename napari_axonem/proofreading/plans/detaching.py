"""Taking fragments out of their objects: isolated, as a new object, or deleted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.proofreading.plans.merging import as_made, by_hand
from napari_axonem.proofreading.plans.mincut import Piece, components_after, states_after, ties
from napari_axonem.proofreading.plans.splitting import Pick
from napari_axonem.proofreading.record.operation import EdgeStates, Kind, Made, Operation, no_edges
from napari_axonem.proofreading.tables.edges import Index
from napari_axonem.proofreading.tables.edgestore import place_of
from napari_axonem.proofreading.tables.graph import BACKGROUND, FragmentGraph


def isolated(graph: FragmentGraph, picks: Sequence[Pick]) -> Operation:
    """Return what cuts each picked fragment off from everything else.

    What is left of each object stays together as far as its pieces touch.

    Raises
    ------
    EditError
        Every fragment is an object by itself already.
    """
    fragments = _fragments(picks)
    segments = np.unique(graph.segment[fragments])
    if all(len(graph.members(int(s))) == 1 for s in segments):
        raise EditError(
            "it is an object by itself already", where=str(Kind.ISOLATE), remedy=_SPLIT_INSIDE
        )
    off = _turned_off(graph, fragments, keep_among=False)
    return _operation(Kind.ISOLATE, picks, np.concatenate([off, *_rests(graph, fragments)]))


def made_new(graph: FragmentGraph, picks: Sequence[Pick]) -> Operation:
    """Return what makes one object of the picked fragments, whatever they were parts of.

    What is left of each object stays together as far as its pieces touch. Fragments that do
    not touch each other are joined by edges made by hand.

    Raises
    ------
    EditError
        The fragments are one object already.
    """
    fragments = _fragments(picks)
    segments = np.unique(graph.segment[fragments])
    if len(segments) == 1 and len(graph.members(int(segments[0]))) == len(fragments):
        raise EditError("they are one object already", where=str(Kind.NEW), remedy=_SPLIT_INSIDE)
    off = _turned_off(graph, fragments, keep_among=True)
    piece = Piece(fragments, graph.edges.taken(graph.edges_within(fragments)))
    held = states_after(piece, np.zeros(len(fragments), np.bool_))
    component = components_after(piece, held)
    by_fragment = {pick.fragment: pick for pick in picks}
    one_each = [int(fragments[component == c][0]) for c in range(int(component.max()) + 1)]
    made = as_made(
        [by_hand(by_fragment[a], by_fragment[b]) for a, b in itertools.pairwise(one_each)]
    )
    by_hand_on = np.column_stack([made[:, :2], np.ones(len(made), np.int64)])
    states = np.concatenate([off, held, by_hand_on, *_rests(graph, fragments)])
    return _operation(Kind.NEW, picks, states, made)


def deleted(graph: FragmentGraph, picks: Sequence[Pick]) -> Operation:
    """Return what makes background of the picked objects, until undo brings them back."""
    segments = {int(graph.segment[pick.fragment]) for pick in picks}
    return _operation(Kind.DELETE, picks, deletions(graph.members(*segments)))


def deletions(fragments: Index) -> EdgeStates:
    """Return the edge states that delete fragments."""
    ones = np.ones(len(fragments), np.int64)
    return np.column_stack([np.full(len(fragments), BACKGROUND), fragments, ones])


_SPLIT_INSIDE = "to cut through a fragment, split between points of two colours"


def _operation(
    kind: Kind, picks: Sequence[Pick], states: EdgeStates, made: Made | None = None
) -> Operation:
    return Operation(
        kind,
        points=tuple(pick.point for pick in picks),
        fragments=tuple(pick.fragment for pick in picks),
        edges=states,
        made=as_made([]) if made is None else made,
    )


def _fragments(picks: Sequence[Pick]) -> Index:
    return np.unique(np.array([pick.fragment for pick in picks], np.int64))


def _turned_off(graph: FragmentGraph, fragments: Index, *, keep_among: bool) -> EdgeStates:
    """Return the edges at fragments that are on, off; `keep_among` leaves those between them."""
    rows = graph.edges_at(fragments)
    rows = rows[graph.edges.on[rows]]
    u, v = (column[rows].astype(np.int64) for column in (graph.edges.u, graph.edges.v))
    if keep_among:
        across = ~(np.isin(u, fragments) & np.isin(v, fragments))
        u, v = u[across], v[across]
    return np.column_stack([u, v, np.zeros(len(u), np.int64)])


def _rests(graph: FragmentGraph, fragments: Index) -> list[EdgeStates]:
    """Return what keeps each object together once fragments are taken out of it."""
    segments = np.unique(graph.segment[fragments]).tolist()
    return [_rest(graph, segment, fragments) for segment in segments]


def _rest(graph: FragmentGraph, segment: int, fragments: Index) -> EdgeStates:
    """Return what keeps one object together once fragments are taken out of it."""
    next_to = graph.edges_at(fragments)
    next_to = next_to[graph.edges.on[next_to]]
    seeds = np.setdiff1d([graph.edges.u[next_to], graph.edges.v[next_to]], fragments)
    seeds = seeds[graph.segment[seeds] == segment].astype(np.int64)
    if len(seeds) < 2:  # all that is left hangs together on one fragment
        return no_edges()
    off, part = graph.come_off(segment, seeds, without=fragments)
    order = np.argsort(off)
    off, part = off[order], part[order]
    rows = graph.edges_at(off)
    rows = rows[~graph.edges.on[rows]]
    ends = np.stack([graph.edges.u[rows], graph.edges.v[rows]], axis=1).astype(np.int64)
    stays = (graph.segment[ends] == segment) & ~np.isin(ends, fragments)
    rows, ends = rows[stays.all(axis=1)], ends[stays.all(axis=1)]
    place = place_of(ends.ravel(), off)
    of_end = np.where(place < 0, part.max(initial=-1) + 1, part[place]) if len(off) else place
    tied = ties(of_end.reshape(-1, 2), graph.edges.area[rows])
    return np.column_stack([ends[tied], np.ones(len(tied), np.int64)])
