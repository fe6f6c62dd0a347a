"""The points that repair an error, as a careful person would place them.

The list of errors knows one voxel of each piece. A cut through a fragment wants more: points all
along the object to cut off, and around it in what it is cut from. They are placed here from the
truth and the fragments near the error. Then the cut is tried, and where it leaves the truth
another point is put, as one does with the preview in sight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cc3d
import edt
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.evaluation.tables import Cells
from napari_axonem.evaluation.thickness import THINNEST
from napari_axonem.geometry import Box, Grid, Nm, Zyx, zyx
from napari_axonem.proofreading.plans.fragmentcut import bounding_box, cut_window, window_of
from napari_axonem.proofreading.plans.voxelcut import RED, Mask
from napari_axonem.proofreading.project import Project

FIRST_POINTS = (8, 16)
"""Points placed at first: in the object to cut off, and around it."""

ROUNDS = 6
"""How often the cut is looked at for places to put another point."""

PLACES = 4
"""Points added a round and side, at the largest places that are on the wrong side."""

LEAST_PLACE = 20
"""Voxels of a place on the wrong side that are worth a point."""

AROUND_NM = 60.0
"""How far from the object to cut off its surroundings get points."""

LONGEST_NM = 1000.0
"""Pieces are looked at within so far of the place that the list shows."""

CELL_NM = 40.0
"""Points lie in different cubes of this edge; in each the deepest voxel is the candidate."""

Labels = npt.NDArray[np.uint32]

Landing = Callable[[Sequence[Zyx]], list[Zyx]]
"""Gives the voxels in which points land that are meant for some voxels."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A fragment of two true objects near an error, and what should become of it."""

    window: Box
    """Where the arrays lie in the volume."""

    wanted: Mask
    """Voxels of the fragment that belong to the object to cut off, shape (z, y, x)."""

    rest: Labels
    """True object of its other voxels near those, 0 elsewhere, uint32, shape (z, y, x)."""

    others: Mask
    """All voxels of the fragment in the window that belong to other objects."""

    fragment: Mask
    """The fragment in the window."""


def points_nm(
    project: Project, mistake: Mistake | Suggestion, landing: Landing = list
) -> tuple[list[Nm], list[Nm]]:
    """Return the positions (z, y, x) in nm on either side that repair an error.

    Those of the list; where a cut has to go through a fragment, points all along both sides.

    Parameters
    ----------
    landing
        Where points land; exactly where they are meant when it is left out.

    Raises
    ------
    EditError
        The object to cut off is nothing but thin layers in such fragments, and nothing else is
        left to point at: outlines that differ by a voxel or two are not to be had by pointing.
    """
    red, blue = list(mistake.red), list(mistake.blue)
    grid = project.sources.grid
    inside: tuple[list[Zyx], list[Zyx]] = ([], [])
    if isinstance(mistake, Mistake) and mistake.kind == "false_merge":
        at = project.sources.fragment_at
        hit = [{at(position(grid, voxel)) for voxel in side} for side in (red, blue)]
        thin: list[int] = []
        for fragment in sorted((hit[0] & hit[1]) - {0}):
            # the listed ones lie somewhere in the piece, maybe far away
            listed = [v for v in red if at(position(grid, v)) == fragment]
            red, blue = ([v for v in s if at(position(grid, v)) != fragment] for s in (red, blue))
            placed = place_points(project, mistake, fragment, landing, listed)
            if all(placed):
                inside[0].extend(placed[0])
                inside[1].extend(placed[1])
            else:
                thin.append(fragment)  # stays whole, on the side that it hangs on to
        if thin and not (red + inside[0] and blue + inside[1]):
            raise EditError(
                f"in fragment {thin[0]} the object to cut off is nothing but layers thinner "
                f"than {THINNEST:g} voxels",
                where="split",
                remedy="place points yourself, or leave it: its outline is off a little",
            )
    sides = (landing(red) + inside[0], landing(blue) + inside[1])
    return [position(grid, v) for v in sides[0]], [position(grid, v) for v in sides[1]]


def place_points(
    project: Project,
    mistake: Mistake,
    fragment: int,
    landing: Landing = list,
    listed: Sequence[Zyx] = (),
) -> tuple[list[Zyx], list[Zyx]]:
    """Return voxels of both colours that cut the object of an error off inside a fragment.

    Parameters
    ----------
    listed
        Voxels of the object in that fragment, where to look if there is nothing to point at near
        the place of the error.
    """
    grid = project.sources.grid
    places = [mistake.position_nm, *(position(grid, voxel) for voxel in listed)]
    scenes = (scene_of(project, mistake, fragment, place) for place in places)
    scene = next((scene for scene in scenes if scene is not None), None)
    if scene is None:
        return [], []
    size = project.sources.grid.voxel_size
    corner = np.asarray(scene.window.start)
    red = scattered(scene.wanted.astype(np.uint32), scene.rest > 0, size, FIRST_POINTS[0])
    blue = scattered(scene.rest, scene.wanted, size, FIRST_POINTS[1])
    sides = [landing([zyx(v + corner) for v in side]) for side in (red, blue)]
    return corrected(project, scene, sides[0], sides[1], landing)


def corrected(
    project: Project,
    scene: Scene,
    red: Sequence[Zyx],
    blue: Sequence[Zyx],
    landing: Landing = list,
) -> tuple[list[Zyx], list[Zyx]]:
    """Return points and others where the cut between them is not where it should be."""
    sides = list(red), list(blue)
    if not all(sides):
        return sides
    surroundings = project.surroundings()
    size, corner = project.sources.grid.voxel_size, np.asarray(scene.window.start)
    for _ in range(ROUNDS):
        # a point may land beyond what is looked at
        near = [[voxel for voxel in side if scene.window.contains(voxel)] for side in sides]
        found = cut_window(scene.fragment, scene.window, near, surroundings)
        missing = scene.wanted & (found != RED)
        excess = scene.others & (found == RED)
        added = [_middles(wrong, size) for wrong in (missing, excess)]
        fresh = [
            [zyx(v + corner) for v in places if zyx(v + corner) not in sides[0] + sides[1]]
            for places in added
        ]
        if not any(fresh):
            break
        for side, more in zip(sides, fresh, strict=True):
            side += landing(more)
    return sides


def scene_of(project: Project, mistake: Mistake, fragment: int, place: Nm) -> Scene | None:
    """Return what lies around a place (z, y, x) in nm of an error inside one fragment.

    Of an object that is in several pieces there it is about all those near the error that are
    thick enough. None where there is nothing to point at: no truth, or only layers thinner than
    `THINNEST` voxels.
    """
    sources = project.sources
    piece_box = _piece_box(project.surroundings().cells, fragment, mistake.truth[0])
    if sources.truth is None or piece_box is None:
        return None
    size = np.asarray(sources.grid.voxel_size)
    whole = sources.fragments.volume.box
    at = sources.grid.to_voxel(place)
    near = Box(zyx(at), zyx(at + 1)).grow(zyx(np.ceil(LONGEST_NM / 2 / size)))
    near = near.intersect(piece_box).grow(1).intersect(whole)  # so that it shows how thick it is
    true = sources.truth.volume.read(near)
    pieces = _solid_pieces(
        (sources.fragments.volume.read(near) == fragment) & (true == mistake.truth[0]), size
    )
    if not pieces.any():
        return None
    own = bounding_box(pieces)
    box = own.shift(near.start).grow(zyx(np.ceil(AROUND_NM / size))).intersect(whole)
    wanted = np.zeros(box.shape, np.bool_)
    wanted[own.shift(near.start).relative_to(box.start).slices] = pieces[own.slices]
    inside = sources.fragments.volume.read(box) == fragment
    true = sources.truth.volume.read(box)
    close = edt.edt(~wanted, anisotropy=tuple(size), black_border=False) <= AROUND_NM
    others = inside & close & (true != mistake.truth[0])
    rest = np.where(others, true, 0).astype(np.uint32)
    if not rest.any():
        return None
    window = window_of([box.start, zyx(np.subtract(box.stop, 1))], sources.grid).intersect(whole)
    return _in_window(project, Scene(box, wanted, rest, others, inside), window, mistake, fragment)


def _solid_pieces(mask: Mask, size: npt.NDArray[np.float64]) -> Mask:
    """Return the connected pieces of a mask that are thick enough to point at."""
    if not mask.any():
        return mask
    depth = edt.edt(mask, anisotropy=tuple(size), black_border=False)
    piece = cc3d.connected_components(mask, connectivity=6)
    thick = np.zeros(int(piece.max()) + 1, np.bool_)
    thick[piece[depth >= THINNEST / 2 * float(size.min())]] = True
    thick[0] = False
    solid: Mask = thick[piece]
    return solid


def _in_window(
    project: Project, scene: Scene, window: Box, mistake: Mistake, fragment: int
) -> Scene:
    """Return a scene in the window that the cut will be worked out in."""
    sources = project.sources
    inside = sources.fragments.volume.read(window) == fragment
    wanted = np.zeros(window.shape, np.bool_)
    rest = np.zeros(window.shape, np.uint32)
    place = scene.window.relative_to(window.start).slices
    wanted[place], rest[place] = scene.wanted, scene.rest
    others = inside
    if sources.truth is not None:
        others = inside & (sources.truth.volume.read(window) != mistake.truth[0])
    return Scene(window, wanted, rest, others, inside)


def scattered(
    objects: Labels, others: Mask, voxel_size: Nm, count: int
) -> list[npt.NDArray[np.int64]]:
    """Return voxels deep inside of objects, far from each other (farthest-point sampling).

    Parameters
    ----------
    objects
        The objects that get points, by id; 0 is none, shape (z, y, x).
    others
        The other side: the first point is near to it.
    """
    size = np.asarray(voxel_size)
    depth = edt.edt(objects, anisotropy=tuple(voxel_size), black_border=False)
    voxels, deep = _deepest_of_cubes(depth, size)
    if not len(voxels):
        return []
    good = deep >= min(2 * float(size.min()), 0.6 * float(deep.max()))
    voxels, deep = voxels[good], deep[good]
    away = edt.edt(~others, anisotropy=tuple(voxel_size), black_border=False)
    first = int(np.argmin(away[tuple(voxels.T)] - 2 * np.minimum(deep, 4 * size.min())))
    chosen = [first]
    distance = np.linalg.norm((voxels - voxels[first]) * size, axis=1)
    while len(chosen) < count:
        best = int(np.argmax(distance * np.sqrt(np.minimum(deep, 4 * size.min()))))
        if distance[best] < CELL_NM:
            break
        chosen.append(best)
        distance = np.minimum(distance, np.linalg.norm((voxels - voxels[best]) * size, axis=1))
    return [voxels[n] for n in chosen]


def _deepest_of_cubes(
    depth: npt.NDArray[np.float32], size: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the deepest voxel of each cube that holds some of an object, and how deep."""
    edge = np.maximum(1, np.round(CELL_NM / size)).astype(np.int64)
    places = np.flatnonzero(depth)
    voxels = np.stack(np.unravel_index(places, depth.shape), axis=1)
    deep = depth.ravel()[places]
    cubes = -(-np.asarray(depth.shape) // edge)
    cube = np.ravel_multi_index(tuple((voxels // edge).T), tuple(cubes.tolist()))
    order = np.lexsort((-deep, cube))
    first = np.ones(len(order), np.bool_)
    first[1:] = np.diff(cube[order]) > 0
    return voxels[order[first]], deep[order[first]]


def _middles(wrong: Mask, voxel_size: Nm) -> list[npt.NDArray[np.int64]]:
    """Return the deepest voxel of each of the largest places on the wrong side."""
    if not wrong.any():
        return []
    piece = cc3d.connected_components(wrong, connectivity=6)
    sizes = np.bincount(piece.ravel())
    sizes[0] = 0
    depth = edt.edt(wrong, anisotropy=voxel_size, black_border=False)
    found = []
    for name in np.argsort(-sizes, kind="stable")[:PLACES].tolist():
        if sizes[name] >= LEAST_PLACE:
            deep = np.where(piece == name, depth, 0)
            found.append(np.array(np.unravel_index(int(deep.argmax()), deep.shape)))
    return found


def _piece_box(cells: Cells, fragment: int, truth: int) -> Box | None:
    """Return the box of what a fragment shares with a true object."""
    rows = np.flatnonzero((cells.fragment == fragment) & (cells.truth == truth))
    if not len(rows):
        return None
    return Box(zyx(cells.start[rows[0]]), zyx(cells.stop[rows[0]]))


def position(grid: Grid, voxel: Zyx) -> Nm:
    """Return the centre of a voxel in nm."""
    z, y, x = grid.to_nm(voxel)
    return float(z), float(y), float(x)
