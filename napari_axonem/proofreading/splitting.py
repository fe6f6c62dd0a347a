"""What a split would do: worked out without changing anything, to be shown before it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.evaluation.cells import GAP_VOXELS, Cells, tabulate
from napari_axonem.evaluation.replacement import part_of, shifted
from napari_axonem.geometry import Box, Grid, Zyx, zyx
from napari_axonem.proofreading.edges import Edges, Index
from napari_axonem.proofreading.graph import FragmentGraph
from napari_axonem.proofreading.mincut import Piece, components_after, cut, states_after
from napari_axonem.proofreading.operation import Colour, EdgeStates, Point
from napari_axonem.proofreading.refinement import Refinement, refined_edges, write_child
from napari_axonem.proofreading.voxelcut import cut_voxels
from napari_axonem.volumes import LazyArray, Volume


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
class Surroundings:
    """The voxels that a cut inside a fragment looks at."""

    fragments: Volume
    """Fragment ids."""

    truth: Volume | None
    """Dense ids of true objects."""

    affinities: LazyArray | None
    """Affinities, shape (3, z, y, x)."""

    cells: Cells
    """Where each fragment lies."""


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
        refinement = _cut_fragment(fragment, child, picks, surroundings, refinements)
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


def _cut_fragment(
    fragment: int,
    child: int,
    picks: Sequence[Pick],
    surroundings: Surroundings,
    earlier: Sequence[Refinement],
) -> Refinement:
    """Cut one fragment between its picks; the smaller side becomes `child`."""
    whole = surroundings.fragments.box
    extent = _extent(surroundings.cells, fragment)
    box = extent.grow(1 + GAP_VOXELS).intersect(whole)
    labels = surroundings.fragments.read(box).copy()
    for refinement in earlier:
        write_child(labels, box, refinement)
    mask = labels == fragment
    seeds = {
        colour: np.array(
            [
                np.subtract(pick.voxel, box.start)
                for pick in picks
                if pick.fragment == fragment and pick.point.colour == colour
            ]
        )
        for colour in Colour
    }
    affinities = _affinities(surroundings.affinities, box)
    is_red = cut_voxels(
        mask,
        seeds[Colour.RED],
        seeds[Colour.BLUE],
        surroundings.fragments.grid.voxel_size,
        None if affinities is None else 1.0 - affinities.mean(axis=0),
    )
    is_blue = mask & ~is_red
    part = is_red if is_red.sum() <= is_blue.sum() else is_blue
    labels[part] = child
    truth = None if surroundings.truth is None else surroundings.truth.read(box)
    grid = surroundings.fragments.grid
    table = tabulate(
        _in_memory(labels, grid),
        None if truth is None else _in_memory(truth, grid),
        affinities,
    )
    inner = extent.relative_to(box.start).slices
    return Refinement(
        parent=fragment,
        child=child,
        corner=extent.start,
        mask=np.ascontiguousarray(part[inner]),
        table=shifted(part_of(table, (fragment, child)), box.start),
    )


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
            if refinement.mask[inside]:
                return refinement.child
    return pick.fragment


def _extent(cells: Cells, fragment: int) -> Box:
    rows = cells.fragment == fragment
    return Box(zyx(cells.start[rows].min(axis=0)), zyx(cells.stop[rows].max(axis=0)))


def _affinities(affinities: LazyArray | None, box: Box) -> npt.NDArray[np.float32] | None:
    if affinities is None:
        return None
    channels: Any = affinities  # four axes; the protocol is written for three
    raw = np.asarray(channels[(slice(None), *box.slices)])
    scaled: npt.NDArray[np.float32] = raw.astype(np.float32)
    return scaled / np.float32(255) if raw.dtype == np.uint8 else scaled


def _in_memory(array: npt.NDArray[Any], grid: Grid) -> Volume:
    return Volume((array,), ((1, 1, 1),), replace(grid, origin=(0.0, 0.0, 0.0)), "memory", "array")
