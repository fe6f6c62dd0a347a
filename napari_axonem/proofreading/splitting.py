"""What a split would do: worked out without changing anything, to be shown before it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.geometry import Zyx
from napari_axonem.proofreading.edges import Edges, Index
from napari_axonem.proofreading.fragmentcut import Surroundings, cut_fragment
from napari_axonem.proofreading.graph import FragmentGraph
from napari_axonem.proofreading.mincut import Piece, components_after, cut, states_after
from napari_axonem.proofreading.operation import Colour, EdgeStates, Point
from napari_axonem.proofreading.refinement import Refinement, refined_edges


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
    """Cuts inside fragments."""

    states: EdgeStates
    """Edges to switch, named as they are after the refinements."""

    red: Index
    """Fragments of the red side after the refinements, ascending."""

    blue: Index
    """Fragments of the blue side after the refinements, ascending."""

    components: dict[int, int]
    """The object, counted from 0, that each fragment of the segment will be in: two of them,
    and more where a side consists of pieces that do not touch."""


def plan_split(
    graph: FragmentGraph, picks: Sequence[Pick], surroundings: Surroundings
) -> SplitPlan:
    """Work out the split of a segment between the picks of two colours.

    Raises
    ------
    EditError
        A colour has no point, the points lie in several segments, or two points of either
        colour lie in one voxel.
    """
    segment = _common_segment(graph, picks)
    members = graph.members(segment)
    edges = graph.edges.taken(graph.edges_within(members))
    refinements: list[Refinement] = []
    for fragment in _fragments_of_both(picks):
        child = graph.n_fragments + 1 + len(refinements)
        red, blue = (_voxels(picks, fragment, colour) for colour in Colour)
        refinement = cut_fragment(fragment, child, red, blue, surroundings, refinements)
        refinements.append(refinement)
        members = np.append(members, child)
        edges = _refined_within(edges, refinement, members)
    fragments = [_fragment_after(pick, refinements) for pick in picks]
    piece = Piece(members, edges)
    by_colour = {
        colour: [f for f, p in zip(fragments, picks, strict=True) if p.point.colour == colour]
        for colour in Colour
    }
    is_red = cut(piece, by_colour[Colour.RED], by_colour[Colour.BLUE])
    states = states_after(piece, is_red)
    components = components_after(piece, states)
    return SplitPlan(
        segment=segment,
        points=tuple(pick.point for pick in picks),
        fragments=tuple(fragments),
        refinements=tuple(refinements),
        states=states,
        red=members[is_red],
        blue=members[~is_red],
        components=dict(zip(members.tolist(), components.tolist(), strict=True)),
    )


def _common_segment(graph: FragmentGraph, picks: Sequence[Pick]) -> int:
    for colour in Colour:
        if not any(pick.point.colour == colour for pick in picks):
            raise EditError(f"no {colour} point", where="split", remedy="place at least one")
    segments = [int(graph.segment[pick.fragment]) for pick in picks]
    for number, segment in enumerate(segments[1:], start=2):
        if segment != segments[0]:
            raise EditError(
                f"point 1 lies in segment {segments[0]} but point {number} in {segment}",
                where="split",
                remedy="place all points in the one object to split",
            )
    return segments[0]


def _fragments_of_both(picks: Iterable[Pick]) -> list[int]:
    """Return the fragments that have picks of both colours, ascending."""
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
