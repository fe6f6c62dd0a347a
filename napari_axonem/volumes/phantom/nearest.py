"""The nearest tube of every voxel of a box, or of single places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_axonem.volumes.phantom.arrays import Array, Doubles, Floats, Indices, Ints
from napari_axonem.volumes.phantom.neighbours import Balls, touching
from napari_axonem.volumes.phantom.tubes import Tubes, measure

CELL = 90.0
"""Edge in nm of the cells of a box that share their candidates.

Smaller cells have fewer candidates each, but there are more cells to find candidates for.
"""

VOXELS_AT_ONCE = 1 << 15
"""So many voxels are worked on together: their arrays stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """For places of any shape: the tube of lowest score, and the best of another owner.

    Where no tube scores below the limit, the score is the limit and the tube -1.
    """

    score: Floats
    tube: Indices
    along: Floats
    """How far along its tube the nearest point of the centreline is, in nm."""

    second: Floats
    second_tube: Indices


@dataclass(frozen=True, slots=True)
class Candidates:
    """Some of the tubes of a phantom, found fast by place."""

    tubes: Tubes
    members: Ints
    """Which tubes, in rising order."""

    balls: Balls
    """For each member a ball that holds every place with a score below the limit."""

    limit: float
    """Scores from here on in nm count as none."""


def candidates_of(tubes: Tubes, members: Ints, limit: float) -> Candidates:
    """Return the tubes `members` as candidates for the nearest."""
    balls = Balls(tubes.middle[members], tubes.extent[members] + limit + 0.1)
    return Candidates(tubes, members, balls, limit)


def _nothing(shape: tuple[int, ...], limit: float) -> Nearest:
    return Nearest(
        score=np.full(shape, limit, dtype=np.float32),
        tube=np.full(shape, -1, dtype=np.int32),
        along=np.zeros(shape, dtype=np.float32),
        second=np.full(shape, limit, dtype=np.float32),
        second_tube=np.full(shape, -1, dtype=np.int32),
    )


def nearest_at(candidates: Candidates, places: Floats) -> Nearest:
    """Return the nearest tubes of single `places` (n, 3) in nm: the same bits as in a box."""
    tubes, limit = candidates.tubes, np.float32(candidates.limit)
    asked = Balls(places.astype(np.float64), np.zeros(len(places)))
    where, which, score, along = _pairs(candidates, asked, places)
    near = score < limit
    where, which, score, along = where[near], which[near], score[near], along[near]
    order = np.lexsort((which, score, where))
    where, which, score, along = where[order], which[order], score[order], along[order]
    answer = _nothing((len(places),), candidates.limit)
    won, head = np.unique(where, return_index=True)
    answer.score[won], answer.tube[won] = score[head], which[head]
    answer.along[won] = along[head]
    foreign = tubes.owner[which] != tubes.owner[answer.tube[where]]
    lost, head = np.unique(where[foreign], return_index=True)
    answer.second[lost] = score[foreign][head]
    answer.second_tube[lost] = which[foreign][head]
    return answer


def _pairs(
    candidates: Candidates, asked: Balls, places: Floats
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return places, tubes, scores and places along the tubes of all pairs that may matter."""
    tubes = candidates.tubes
    found = []
    for where, member in touching(asked, candidates.balls):
        which = candidates.members[member]
        z, y, x = (places[where, axis] - tubes.start[which, axis] for axis in range(3))
        found.append((where, which, *measure(z, y, x, tubes, which)))
    if not found:
        none = np.empty(0, dtype=np.int64)
        return none, none, none.astype(np.float32), none.astype(np.float32)
    where, which, score, along = (np.concatenate(column) for column in zip(*found, strict=True))
    return where, which, score, along


def nearest_in_box(
    candidates: Candidates,
    places: tuple[Floats, Floats, Floats],
    voxel_size: Doubles,
) -> Nearest:
    """Return the nearest tubes of every voxel of a box.

    The box is cut into cells. What a tube scores at a cell's centre bounds its scores in the
    cell, so that few candidates are left for the voxels, without any loss.

    Parameters
    ----------
    places
        Coordinates z, y, x of the voxels in nm, each of the box's shape.
    voxel_size
        Edges of a voxel (z, y, x) in nm; only decides how the box is cut.
    """
    shape = places[0].shape
    cell = np.minimum(np.maximum(1, np.rint(CELL / voxel_size).astype(np.int64)), shape)
    cells = tuple(_to_cells(coordinate, cell) for coordinate in places)
    which, count = _shortlist(candidates, cells)
    order = np.argsort(-count, kind="stable")
    first = (np.cumsum(count) - count)[order]
    count = count[order]
    answer = _nothing(cells[0].shape, candidates.limit)
    rows = max(1, VOXELS_AT_ONCE // cells[0].shape[1])
    for start in range(0, len(order), rows):
        chosen = order[start : start + rows]
        part = _compete(
            candidates,
            [coordinate[chosen] for coordinate in cells],
            which,
            first[start : start + rows],
            count[start : start + rows],
        )
        for name in Nearest.__slots__:
            getattr(answer, name)[chosen] = getattr(part, name)
    return Nearest(*(_from_cells(getattr(answer, name), cell, shape) for name in Nearest.__slots__))


def _shortlist(candidates: Candidates, cells: tuple[Floats, ...]) -> tuple[Ints, Ints]:
    """Return the tubes that matter in each cell, cell by cell in rising order, and how many."""
    tubes = candidates.tubes
    low = np.stack([coordinate.min(axis=1) for coordinate in cells], axis=1).astype(np.float64)
    high = np.stack([coordinate.max(axis=1) for coordinate in cells], axis=1).astype(np.float64)
    centres = ((low + high) / 2).astype(np.float32)
    # A hundredth of a nm covers what float32 loses.
    radius = np.linalg.norm(high - low, axis=1) / 2 + 0.01
    asked = Balls(centres.astype(np.float64), radius)
    where, which, score, _ = _pairs(candidates, asked, centres)
    # A score changes by no more than the distance, and by the taper along it.
    slack = radius[where] * (1.0 + np.abs(tubes.taper[which]))
    best, worst = score - slack, score + slack
    ceiling = _second_of_owners(where, tubes.owner[which], worst, len(centres), candidates.limit)
    matters = best <= ceiling[where]
    where, which = where[matters], which[matters]
    order = np.lexsort((which, where))
    return which[order], np.bincount(where, minlength=len(centres))


def _second_of_owners(
    where: Ints, owner: Ints, value: Doubles, count: int, limit: float
) -> Doubles:
    """Return for each cell the second lowest of the lowest values of each owner, or `limit`."""
    answer = np.full(count, limit)
    order = np.lexsort((value, where))
    where, owner, value = where[order], owner[order], value[order]
    cell, head = np.unique(where, return_index=True)
    winner = np.full(count, -1, dtype=np.int64)
    winner[cell] = owner[head]
    foreign = owner != winner[where]
    cell, head = np.unique(where[foreign], return_index=True)
    answer[cell] = np.minimum(value[foreign][head], limit)
    return answer


def _compete(
    candidates: Candidates, places: list[Floats], which: Ints, first: Ints, count: Ints
) -> Nearest:
    """Let the candidates of some cells compete for their voxels.

    Parameters
    ----------
    places
        Coordinates (cells, voxels); the cells stand in falling order of `count`.
    which, first, count
        The candidates of a cell are ``which[first : first + count]``.
    """
    tubes = candidates.tubes
    answer = _nothing(places[0].shape, candidates.limit)
    holder = np.full(places[0].shape, -1, dtype=np.int32)
    owners = tubes.owner.astype(np.int32)
    for nth in range(int(count.max(initial=0))):
        active = int(np.searchsorted(-count, -nth, side="left"))
        tube = which[first[:active] + nth][:, None]
        z, y, x = (
            coordinate[:active] - tubes.start[tube, axis] for axis, coordinate in enumerate(places)
        )
        score, along = measure(z, y, x, tubes, tube)
        _take(answer, holder, active, score, along, tube.astype(np.int32), owners[tube])
    return answer


def _take(
    answer: Nearest,
    holder: Indices,
    active: int,
    score: Floats,
    along: Floats,
    tube: Indices,
    owner: Indices,
) -> None:
    """Let one tube for each of the first `active` cells compete; ties stay with the earlier."""
    best, best_tube = answer.score[:active], answer.tube[:active]
    second, second_tube = answer.second[:active], answer.second_tube[:active]
    holds = holder[:active]
    better, other = score < best, holds != owner
    deposed = better & other
    behind = (score < second) & other
    behind &= ~better
    np.copyto(second, score, where=behind)
    np.copyto(second_tube, tube, where=behind)
    np.copyto(second, best, where=deposed)
    np.copyto(second_tube, best_tube, where=deposed)
    np.copyto(best, score, where=better)
    np.copyto(best_tube, tube, where=better)
    np.copyto(answer.along[:active], along, where=better)
    np.copyto(holds, owner, where=better)


def _to_cells(array: Array, cell: Ints) -> Array:
    """Return an array (cells, voxels of a cell); the box is padded with its last voxels."""
    short = [(0, int(-n % c)) for n, c in zip(array.shape, cell, strict=True)]
    padded = np.pad(array, short, mode="edge")
    z, y, x = (n // c for n, c in zip(padded.shape, cell, strict=True))
    split = padded.reshape(z, cell[0], y, cell[1], x, cell[2]).transpose(0, 2, 4, 1, 3, 5)
    return split.reshape(z * y * x, -1)


def _from_cells(array: Array, cell: Ints, shape: tuple[int, ...]) -> Array:
    """Undo `_to_cells`."""
    z, y, x = (-(-n // c) for n, c in zip(shape, cell, strict=True))
    split = array.reshape(z, y, x, *cell).transpose(0, 3, 1, 4, 2, 5)
    whole = split.reshape(z * cell[0], y * cell[1], x * cell[2])
    return whole[: shape[0], : shape[1], : shape[2]]
