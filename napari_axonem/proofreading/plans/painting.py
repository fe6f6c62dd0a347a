"""Painting and erasing voxels: the last resort, when no merge or split says what is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.geometry import Box, Grid, Nm, Zyx, zyx
from napari_axonem.proofreading.plans.carving import Mask, carved
from napari_axonem.proofreading.plans.detaching import deletions
from napari_axonem.proofreading.plans.fragmentcut import Surroundings
from napari_axonem.proofreading.plans.merging import as_made, as_states
from napari_axonem.proofreading.plans.splitting import Pick
from napari_axonem.proofreading.record.operation import Kind, Operation, Point
from napari_axonem.proofreading.tables.edges import Index
from napari_axonem.proofreading.tables.graph import BACKGROUND, FragmentGraph
from napari_axonem.proofreading.tables.refinement import Finish, Refinement
from napari_axonem.wording import point_words

LARGEST_STROKE = 2**27
"""Voxels of the box that one stroke may span."""


@dataclass(frozen=True, slots=True)
class Brush:
    """Voxels around some positions."""

    positions_nm: tuple[Nm, ...]
    """Centres (z, y, x) in nm."""

    radius_nm: float
    """Radius in nm; the voxel at a centre always belongs to it."""

    def voxels(self, grid: Grid, whole: Box) -> tuple[Box, Mask]:
        """Return the box of the stroke inside of a volume, and which of its voxels it covers.

        Raises
        ------
        EditError
            It lies outside, or spans too large a box.
        """
        size = np.asarray(grid.voxel_size)
        at = grid.to_voxel(np.array(self.positions_nm, float))
        reach = np.ceil(self.radius_nm / size).astype(int)
        box = Box(zyx(at.min(axis=0) - reach), zyx(at.max(axis=0) + reach + 1)).intersect(whole)
        if not box.size:
            raise EditError(
                f"the brush lies outside of the volume, which is {grid.ranges_nm(whole)} nm",
                where=point_words(self.positions_nm[0]),
            )
        if box.size > LARGEST_STROKE:
            raise EditError(
                f"a stroke over {box.size} voxels", where="brush", remedy="paint in shorter strokes"
            )
        mask = np.zeros(box.shape, np.bool_)
        for position, voxel in zip(self.positions_nm, at, strict=True):
            near = Box(zyx(voxel - reach), zyx(voxel + reach + 1)).intersect(box)
            corner = np.array(near.start).reshape(3, 1, 1, 1)
            centres = (np.indices(near.shape) + corner + 0.5) * size.reshape(3, 1, 1, 1)
            away = centres - (np.array(position) - grid.origin).reshape(3, 1, 1, 1)
            ball = (away**2).sum(axis=0) <= self.radius_nm**2
            mask[near.relative_to(box.start).slices] |= ball
            if box.contains(zyx(voxel)):
                mask[tuple(voxel - box.start)] = True
        return box, mask


@dataclass(frozen=True, slots=True)
class Stroke:
    """What a brush touches, as fragments: those it covers wholly, and new ones for parts."""

    refinements: tuple[Refinement, ...]
    pieces: Index
    """Fragments, of which new ones come into being by `refinements`."""


def painted(
    graph: FragmentGraph, pick: Pick, brush: Brush, surroundings: Surroundings, *, over: bool
) -> tuple[Finish, tuple[Refinement, ...]]:
    """Return what makes the voxels under a brush part of the object picked.

    Parameters
    ----------
    over
        Whether other objects lose their voxels to it; else only background is painted.

    Raises
    ------
    EditError
        The brush covers nothing that could be painted.
    """
    box, mask = brush.voxels(surroundings.fragments.grid, surroundings.fragments.box)
    labels = surroundings.fragments.read(box)
    segment = graph.segment[labels]
    mine = int(graph.segment[pick.fragment])
    mask &= (segment != mine) if over else (segment == BACKGROUND)
    if not mask.any():
        raise EditError(
            "there is nothing to paint" if over else "there is no background to paint",
            where=str(Kind.PAINT),
            remedy="" if over else "let it paint over other objects (--over)",
        )
    stroke = _stroke(graph, labels, box, mask, surroundings)

    def finish(now: FragmentGraph) -> Operation:
        return replace(
            _joined(now, stroke.pieces, pick, surroundings, stroke.refinements),
            points=(pick.point, *_points(brush)),
            fragments=(pick.fragment,) * (1 + len(brush.positions_nm)),
        )

    return finish, stroke.refinements


def erased(
    graph: FragmentGraph, pick: Pick | None, brush: Brush, surroundings: Surroundings
) -> tuple[Finish, tuple[Refinement, ...]]:
    """Return what makes background of the voxels under a brush.

    Parameters
    ----------
    pick
        The object that alone loses voxels; every object does where it is None.

    Raises
    ------
    EditError
        The brush covers nothing that could be erased.
    """
    box, mask = brush.voxels(surroundings.fragments.grid, surroundings.fragments.box)
    labels = surroundings.fragments.read(box)
    segment = graph.segment[labels]
    mask &= segment != BACKGROUND if pick is None else segment == int(graph.segment[pick.fragment])
    if not mask.any():
        raise EditError("there is nothing to erase", where=str(Kind.ERASE))
    stroke = _stroke(graph, labels, box, mask, surroundings)

    def finish(_: FragmentGraph) -> Operation:
        under = [int(f) for f in stroke.pieces[:1]] * len(brush.positions_nm)
        return Operation(
            Kind.ERASE,
            points=tuple(_points(brush)),
            fragments=tuple(under),
            edges=deletions(stroke.pieces),
        )

    return finish, stroke.refinements


def _points(brush: Brush) -> list[Point]:
    return [Point(position) for position in brush.positions_nm]


def _stroke(
    graph: FragmentGraph,
    labels: npt.NDArray[np.uint32],
    box: Box,
    mask: Mask,
    surroundings: Surroundings,
) -> Stroke:
    """Cut the masked voxels out of their fragments."""
    refinements: list[Refinement] = []
    pieces: list[int] = []
    cells = surroundings.cells
    for fragment in np.unique(labels[mask]).tolist():
        part = mask & (labels == fragment)
        whole = int(cells.voxels[cells.fragment == fragment].sum())
        if fragment and int(part.sum()) == whole:
            pieces.append(fragment)
            continue
        child = graph.n_fragments + 1 + len(refinements)
        shrunk = _shrunk(box, part)
        refinements.append(carved(fragment, child, shrunk, surroundings, refinements))
        pieces.append(child)
    return Stroke(tuple(refinements), np.array(pieces, np.int64))


def _shrunk(box: Box, mask: Mask) -> tuple[Box, Mask]:
    """Return the smallest box around the voxels of a mask, and the mask in it."""
    voxels = np.argwhere(mask)
    inner = Box(zyx(voxels.min(axis=0)), zyx(voxels.max(axis=0) + 1))
    return inner.shift(box.start), mask[inner.slices]


def _joined(
    graph: FragmentGraph,
    pieces: Index,
    pick: Pick,
    surroundings: Surroundings,
    refinements: Sequence[Refinement],
) -> Operation:
    """Return what makes pieces part of the object picked, and of nothing else."""
    mine = graph.segment[pick.fragment]
    rows: list[tuple[int, int, int]] = []
    made: list[list[int]] = []
    inside = {int(f) for f in graph.members(int(mine))} if len(pieces) else set()
    left = set(pieces.tolist())
    for piece in pieces.tolist():
        if graph.deleted[piece]:
            rows.append((BACKGROUND, piece, 0))
        edges = graph.edges.taken(graph.edges_at([piece]))
        others = np.where(edges.u == piece, edges.v, edges.u).astype(np.int64)
        strange = np.array([o not in inside and o not in left for o in others.tolist()], bool)
        off = edges.on & strange
        rows += [(int(u), int(v), 0) for u, v in zip(edges.u[off], edges.v[off], strict=True)]
        ours = np.flatnonzero(np.array([o in inside for o in others.tolist()], bool))
        if len(ours):
            best = ours[int(edges.area[ours].argmax())]
            rows.append((int(edges.u[best]), int(edges.v[best]), 1))
            continue
        low, high = sorted((piece, pick.fragment))
        voxel = {piece: _voxel_of(piece, surroundings, refinements), pick.fragment: pick.voxel}
        made.append([low, high, *voxel[low], *voxel[high]])
        rows.append((low, high, 1))
    return Operation(Kind.PAINT, edges=as_states(list(dict.fromkeys(rows))), made=as_made(made))


def _voxel_of(piece: int, surroundings: Surroundings, refinements: Sequence[Refinement]) -> Zyx:
    """Return a voxel inside of a fragment that may just have come into being."""
    for refinement in refinements:
        if refinement.child == piece:
            return zyx(np.argwhere(refinement.mask)[0] + refinement.corner)
    cells = surroundings.cells
    return zyx(cells.point[np.flatnonzero(cells.fragment == piece)[0]])
