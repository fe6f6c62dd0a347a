"""Cutting off a branch: what hangs on an object beyond a point."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.proofreading.plans.mincut import Piece, components_after, cut, states_after
from napari_axonem.proofreading.plans.splitting import Pick, SplitPlan
from napari_axonem.proofreading.record.operation import Colour, Kind
from napari_axonem.proofreading.tables.edges import Index
from napari_axonem.proofreading.tables.falling import groups_of
from napari_axonem.proofreading.tables.graph import FragmentGraph


def plan_cut_off(graph: FragmentGraph, pick: Pick) -> SplitPlan:
    """Work out what hangs on an object beyond a point, and how to cut it off.

    Take the fragment pointed at out of its object: the largest piece that is left, in voxels, is
    the object's bulk. The branch is that fragment and every other piece; it is cut off from the
    bulk. Where no other piece is left, because the fragment is an end or the branch touches
    the object at a second place, the branch is what the cheapest cut between that
    fragment and the largest one of the bulk leaves on its side.

    Returns
    -------
    The plan, with the branch red and the bulk blue.

    Raises
    ------
    EditError
        The object has a single fragment.
    """
    segment = int(graph.segment[pick.fragment])
    members = graph.members(segment)
    if len(members) == 1:
        raise EditError(
            f"segment {segment} is a single fragment",
            where=str(Kind.CUT_OFF),
            remedy="to cut through it, split between points of two colours",
        )
    piece = Piece(members, graph.edges.taken(graph.edges_within(members)))
    is_branch = _beyond(piece, graph.rank[members], pick.fragment)
    states = states_after(piece, is_branch)
    components = components_after(piece, states)
    return SplitPlan(
        segment=segment,
        points=(pick.point,),
        fragments=(pick.fragment,),
        refinements=(),
        states=states,
        sides={Colour.RED: members[is_branch], Colour.BLUE: members[~is_branch]},
        components=dict(zip(members.tolist(), components.tolist(), strict=True)),
    )


def _beyond(piece: Piece, rank: Index, fragment: int) -> npt.NDArray[np.bool_]:
    """Tell which fragments of a piece are of the branch at one of them."""
    at = int(piece.rows([fragment])[0])
    u, v = piece.ends
    kept = piece.edges.on & (u != at) & (v != at)
    component = groups_of((u[kept], v[kept]), len(rank))
    voxels = np.bincount(component, weights=rank)
    voxels[component[at]] = -1.0
    bulk = int(voxels.argmax())
    beyond: npt.NDArray[np.bool_] = component != bulk
    if beyond.sum() > 1:
        return beyond
    core = np.where(beyond, -1, rank).argmax()
    branch: npt.NDArray[np.bool_] = cut(piece, [[fragment], [int(piece.fragments[core])]]) == 0
    return branch
