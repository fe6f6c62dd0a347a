"""What a split would do: worked out without changing anything, to be shown before it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.geometry import Zyx
from napari_axonem.proofreading.plans.fragmentcut import Surroundings, cut_fragment
from napari_axonem.proofreading.plans.mincut import Piece, components_after, cut, states_after
from napari_axonem.proofreading.record.operation import Colour, EdgeStates, Point
from napari_axonem.proofreading.tables.edges import Edges, Index
from napari_axonem.proofreading.tables.graph import FragmentGraph
from napari_axonem.proofreading.tables.refinement import Refinement, refined_edges


@dataclass(frozen=True, slots=True)
class Pick:
    """A click and what it hit."""

    point: Point
    """The click."""

    fragment: int
    """The fragment hit, not background."""

    voxel: Zyx
    """A voxel (z, y, x) of that fragment, at the click or next to it."""


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """A split that can be taken as it is."""

    segment: int
    """The segment to split."""

    points: tuple[Point, ...]
    """The clicks, with their colours."""

    fragments: tuple[int, ...]
    """The fragment at each click, as it will be after the split."""

    refinements: tuple[Refinement, ...]
    """Cuts inside fragments, each to be made after those before it."""

    states: EdgeStates
    """Edges to switch, named as they are after the refinements."""

    sides: dict[Colour, Index]
    """Fragments of each colour's side after the refinements, ascending."""

    components: dict[int, int]
    """The object, counted from 0, that each fragment of the segment will be in: one a colour,
    and more where a side consists of pieces that do not touch."""

    @property
    def members(self) -> Index:
        """All fragments of the segment after the refinements, ascending."""
        return np.sort(np.concatenate(list(self.sides.values())))


def plan_split(
    graph: FragmentGraph, picks: Sequence[Pick], surroundings: Surroundings
) -> SplitPlan:
    """Work out the split of a segment between the picks of two colours or more.

    Raises
    ------
    EditError
        Fewer than two colours have points, the points lie in several segments, or two points of
        different colours lie in one voxel.
    """
    colours = _colours_of(picks)
    segment = _common_segment(graph, picks)
    members = graph.members(segment)
    edges = graph.edges.taken(graph.edges_within(members))
    refinements: list[Refinement] = []
    for fragment in _fragments_of_several(picks):
        child = graph.n_fragments + 1 + len(refinements)
        seeds = [_voxels(picks, fragment, colour) for colour in colours]
        for refinement in cut_fragment(fragment, child, seeds, surroundings, refinements):
            refinements.append(refinement)
            members = np.append(members, refinement.child)
            edges = _refined_within(edges, refinement, members)
    fragments = [_fragment_after(pick, refinements) for pick in picks]
    piece = Piece(members, edges)
    hit = list(zip(fragments, (pick.point.colour for pick in picks), strict=True))
    side = cut(piece, [[f for f, c in hit if c == colour] for colour in colours])
    states = states_after(piece, side)
    components = components_after(piece, states)
    return SplitPlan(
        segment=segment,
        points=tuple(pick.point for pick in picks),
        fragments=tuple(fragments),
        refinements=tuple(refinements),
        states=states,
        sides={colour: members[side == number] for number, colour in enumerate(colours)},
        components=dict(zip(members.tolist(), components.tolist(), strict=True)),
    )


def _colours_of(picks: Sequence[Pick]) -> list[Colour]:
    """Return the colours that have points, in the order of `Colour`."""
    placed = {pick.point.colour for pick in picks}
    colours = [colour for colour in Colour if colour in placed]
    if len(colours) < 2:
        missing = next(colour for colour in Colour if colour not in placed)
        raise EditError(f"no {missing} point", where="split", remedy="place at least one")
    return colours


def _common_segment(graph: FragmentGraph, picks: Sequence[Pick]) -> int:
    segments = [int(graph.segment[pick.fragment]) for pick in picks]
    for number, segment in enumerate(segments[1:], start=2):
        if segment != segments[0]:
            raise EditError(
                f"point 1 lies in segment {segments[0]} but point {number} in {segment}",
                where="split",
                remedy="place all points in the one object to split",
            )
    return segments[0]


def _fragments_of_several(picks: Iterable[Pick]) -> list[int]:
    """Return the fragments that have picks of several colours, ascending."""
    found: dict[int, set[Colour | None]] = {}
    for pick in picks:
        found.setdefault(pick.fragment, set()).add(pick.point.colour)
    return sorted(fragment for fragment, colours in found.items() if len(colours) > 1)


def _voxels(picks: Iterable[Pick], fragment: int, colour: Colour) -> list[Zyx]:
    """Return where the picks of a colour hit a fragment."""
    return [p.voxel for p in picks if p.fragment == fragment and p.point.colour == colour]


def _refined_within(edges: Edges, refinement: Refinement, members: Index) -> Edges:
    """Return the edges among `members` after a refinement of one of them."""
    at_parent = (edges.u == refinement.parent) | (edges.v == refinement.parent)
    rows = refined_edges(edges.taken(at_parent), refinement)
    inside = np.isin(rows.u, members) & np.isin(rows.v, members)
    return edges.taken(~at_parent).appended(rows.taken(inside))


def _fragment_after(pick: Pick, refinements: Iterable[Refinement]) -> int:
    """Return the fragment that holds the pick once the refinements are made."""
    for refinement in refinements:
        if refinement.parent == pick.fragment:
            inside = tuple(int(i) for i in np.subtract(pick.voxel, refinement.corner))
            if refinement.box.contains(pick.voxel) and refinement.mask[inside]:
                return refinement.child
    return pick.fragment
