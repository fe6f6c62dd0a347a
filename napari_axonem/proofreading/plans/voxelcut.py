"""The cut through a single fragment: every voxel goes to the colour that it is nearest to."""

from __future__ import annotations

from collections.abc import Sequence

import cc3d
import dijkstra3d
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm

Mask = npt.NDArray[np.bool_]
Field = npt.NDArray[np.float32]
Voxels = npt.NDArray[np.int64]
Sides = npt.NDArray[np.uint8]
"""The colour that each voxel goes to, counted from 1 in the order of the colours."""

UNDECIDED, RED, BLUE = 0, 1, 2

MEMBRANE_COST = 10.0
"""How much longer a way is where the image shows a membrane for certain."""

MOST_REPEATS = 5
"""A voxel counts as at most so many times longer along one axis than along another."""


def cut_voxels(
    mask: Mask,
    seeds: Sequence[Voxels],
    voxel_size: Nm,
    boundary: Field | None = None,
    membrane_cost: float = MEMBRANE_COST,
) -> Sides:
    """Divide the voxels of a fragment among points of two colours or more.

    A voxel goes to the colour from which the way inside of the fragment is shorter, where ways
    through membranes are longer than they look (a geodesic Voronoi partition, as in Criminisi,
    Sharp and Blake, *GeoS*, 2008). A watershed, which asks for the lowest pass only, runs out
    wherever a membrane has a hole; and false merges are where membranes have holes.

    Parameters
    ----------
    mask
        The fragment, shape (z, y, x).
    seeds
        Voxels of each colour inside of the mask, shapes (n, 3); some may have none.
    voxel_size
        Edge lengths (z, y, x) in nm.
    boundary
        How likely a voxel is to lie on a membrane, 0..1, of the shape of `mask`.
    membrane_cost
        What crossing a certain membrane costs, in lengths of the same way without it.

    Returns
    -------
    The number of the colour, from 1, for each voxel that can be reached, else `UNDECIDED`; the
    shape of `mask`.

    Raises
    ------
    EditError
        A voxel has two colours.
    """
    _require_apart(seeds)
    cost = np.ones(mask.shape, np.float32)
    if boundary is not None:
        cost += np.float32(membrane_cost) * np.square(boundary, dtype=np.float32)
    cost[~mask] = np.inf
    # ways are counted in voxels, all steps alike: thick ones are walked in several
    times = np.array(_repeats(voxel_size))
    for axis in np.flatnonzero(times > 1).tolist():
        cost = np.repeat(cost, times[axis], axis=axis)
    middle = tuple(slice(int(n) // 2, None, int(n)) for n in times)
    sides = np.zeros(mask.shape, np.uint8)
    shortest = np.full(mask.shape, np.inf, np.float32)
    for number, points in enumerate(seeds, start=1):
        way = _way(cost, points * times + times // 2)[middle]
        nearest = mask & (way <= shortest) & np.isfinite(way)
        sides[nearest] = number
        shortest[nearest] = way[nearest]
    for number, points in enumerate(seeds, start=1):
        sides[tuple(points.T)] = number
    return sides


def _require_apart(seeds: Sequence[Voxels]) -> None:
    """Raise `EditError` where a voxel has points of two colours."""
    taken: set[tuple[int, ...]] = set()
    for points in seeds:
        own = {tuple(point) for point in points.tolist()}
        if own & taken:
            raise EditError(
                "points of two colours lie in one voxel", where="split", remedy="move one of them"
            )
        taken |= own


def spread(mask: Mask, sides: Sides) -> Sides:
    """Give each undecided piece of a mask the colour that it touches most.

    Returns
    -------
    The sides of all of the mask; `UNDECIDED` where a piece touches no colour.
    """
    rest = mask & (sides == UNDECIDED)
    if not rest.any():
        return sides
    piece = cc3d.connected_components(rest, connectivity=6)
    count, colours = int(piece.max()) + 1, int(sides.max()) + 1
    touch = np.zeros((colours, count), np.int64)
    for axis in range(3):
        low = [slice(None)] * 3
        high = [slice(None)] * 3
        low[axis], high[axis] = slice(0, -1), slice(1, None)
        for mine, theirs in ((tuple(low), tuple(high)), (tuple(high), tuple(low))):
            met = (piece[mine] > 0) & (sides[theirs] > 0)
            met_pieces, met_sides = piece[mine][met], sides[theirs][met]
            pairs = met_sides.astype(np.int64) * count + met_pieces
            touch += np.bincount(pairs, minlength=colours * count).reshape(colours, count)
    last = colours - 1
    colour = (last - touch[::-1].argmax(axis=0)).astype(np.uint8)  # the last of equal ones
    colour[touch.sum(axis=0) == 0] = UNDECIDED
    filled = sides.copy()
    filled[rest] = colour[piece[rest]]
    return filled


def _way(cost: Field, points: Voxels) -> Field:
    """Return the length of the cheapest way from any of the points to each voxel."""
    if not len(points):
        return np.full(cost.shape, np.inf, np.float32)
    way: Field = dijkstra3d.distance_field(
        cost, source=np.unique(points, axis=0).astype(np.uint32), connectivity=18
    )
    return way


def _repeats(voxel_size: Nm) -> tuple[int, int, int]:
    """Return how often voxels are repeated along each axis so that steps are about equal."""
    z, y, x = (min(MOST_REPEATS, max(1, round(s / min(voxel_size)))) for s in voxel_size)
    return z, y, x
