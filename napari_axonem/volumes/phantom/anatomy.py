"""From the layout of neurites to truth and fragments that really have voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_axonem.errors import SettingsError
from napari_axonem.volumes.phantom.arrays import Bools, Doubles, Floats, Ints
from napari_axonem.volumes.phantom.chains import Chains, Kind
from napari_axonem.volumes.phantom.fields import (
    GAP,
    GLIA_LIMIT,
    LIMIT,
    POINTS_AT_ONCE,
    Field,
)
from napari_axonem.volumes.phantom.nearest import Nearest, candidates_of, nearest_at
from napari_axonem.volumes.phantom.neurites import grow
from napari_axonem.volumes.phantom.pieces import Pieces, cut_chains, keep_pieces
from napari_axonem.volumes.phantom.sampling import WARP, Sampling
from napari_axonem.volumes.phantom.settings import PhantomSettings
from napari_axonem.volumes.phantom.tubes import Tubes, tubes_of

FEWEST_POINTS = 4
"""Runs of fewer points of a chain are no neurite."""

LEAD = 50.0
"""By how much in nm a neurite must win at its own centreline: it is never thinner than that."""

HIDDEN = 0.6
"""A centreline that far outside of the volume, in radii, is out of sight."""

STEP = 30.0
"""Distance in nm of the places on the centrelines that are looked at."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What is in a phantom, before errors are planted."""

    chains: Chains
    truth_of_chain: Ints
    """The truth of each chain, from 1: a trunk and its branches have the same."""

    tubes: Tubes
    field: Field

    visible: Doubles
    """Length in nm of the centreline of each piece that is seen in the volume, shape (p,)."""

    voxel: Ints
    """A voxel (z, y, x) of each piece, near the middle of its centreline; shape (p, 3)."""


def build(settings: PhantomSettings, sampling: Sampling) -> Anatomy:
    """Return the anatomy of a phantom: every truth and every piece in it has voxels.

    Raises
    ------
    SettingsError
        The volume is too small to hold anything.
    """
    chains = _trim(grow(settings), settings, sampling)
    _require(len(chains) > 0, settings)
    tubes = tubes_of(chains, chains.neurites() + 1)
    pieces = cut_chains(chains, tubes, settings)
    field = _field(settings, sampling, chains, tubes, pieces)
    visible, _ = _look(field, len(pieces.breaks))
    used = visible > 0
    _require(bool(used.any()), settings)

    kept = np.zeros(len(chains), dtype=bool)
    kept[pieces.chain[used]] = True
    after = chains.cut(kept[chains.chain_of_point], fewest=1)
    truth = after.neurites() + 1
    tubes = tubes_of(after, truth)
    pieces = keep_pieces(pieces, chains, after, tubes, used)
    field = _field(settings, sampling, after, tubes, pieces)
    visible, voxel = _look(field, len(pieces.breaks))
    return Anatomy(after, truth, tubes, field, visible, voxel)


def _require(something: bool, settings: PhantomSettings) -> None:
    if not something:
        raise SettingsError(
            f"no neurite fits into {settings.shape} voxels of {settings.voxel_size} nm",
            where="setting 'shape'",
            remedy="give a larger shape",
        )


def _field(
    settings: PhantomSettings, sampling: Sampling, chains: Chains, tubes: Tubes, pieces: Pieces
) -> Field:
    glia = chains.kind[chains.chain_of_point[tubes.point]] == Kind.GLIA
    return Field(settings, sampling, tubes, glia, pieces)


def _trim(chains: Chains, settings: PhantomSettings, sampling: Sampling) -> Chains:
    """Return the chains without what lies outside of the volume or inside of another neurite.

    A neurite that leaves the volume and comes back is two from then on, as in a volume cut out
    of tissue.
    """
    extent = np.multiply(settings.shape, settings.voxel_size)
    border = chains.radii[:, None] + WARP + 60.0
    near = np.all((chains.points > -border) & (chains.points < extent + border), axis=1)
    chains = chains.cut(near, FEWEST_POINTS)
    if not len(chains):
        return chains
    places = sampling.unwarped(chains.points)
    border = HIDDEN * chains.radii[:, None]
    seen = np.all((places > -border) & (places < extent + border), axis=1)
    chains = chains.cut(~_turning_points(chains, seen), FEWEST_POINTS)
    # What is cut away the first time may have held the place of others.
    for _ in range(2):
        chains = chains.cut(_wins(chains), FEWEST_POINTS) if len(chains) else chains
    return chains


def _turning_points(chains: Chains, seen: Bools) -> Bools:
    """Mark the middle of each stretch out of sight that lies between two in sight."""
    chain = chains.chain_of_point
    marked = np.zeros(len(seen), dtype=bool)
    opens = np.flatnonzero(~seen & np.append(True, seen[:-1] | (chain[1:] != chain[:-1])))
    closes = np.flatnonzero(~seen & np.append(seen[1:] | (chain[1:] != chain[:-1]), True))
    starts, stops = chains.start[chain[opens]], chains.start[chain[opens] + 1]
    between = (opens > starts) & (closes + 1 < stops)
    marked[(opens[between] + closes[between]) // 2] = True
    return marked


def _wins(chains: Chains) -> Bools:
    """Tell for each point whether its neurite wins there and half-way to the next."""
    owner = chains.neurites()
    tubes = tubes_of(chains, owner)
    of_tube = chains.chain_of_point[tubes.point]
    wins = np.ones(len(chains.points), dtype=bool)
    point_kind = chains.kind[chains.chain_of_point]
    for index, places in (
        (np.arange(len(chains.points)), chains.points.astype(np.float32)),
        (tubes.point, tubes.middle.astype(np.float32)),
    ):
        of_place = owner[chains.chain_of_point[index]]
        is_glia = point_kind[index] == Kind.GLIA
        neurite = _nearest(tubes, np.flatnonzero(chains.kind[of_tube] != Kind.GLIA), places, LIMIT)
        glia = _nearest(
            tubes, np.flatnonzero(chains.kind[of_tube] == Kind.GLIA), places, GLIA_LIMIT
        )
        held = np.where(is_glia, glia.tube, neurite.tube)
        lead = np.where(is_glia, glia.second - glia.score, neurite.second - neurite.score)
        mine = (held >= 0) & (tubes.owner[held] == of_place) & (lead > LEAD)
        wins[index] &= mine & (~is_glia | (neurite.score > GAP + LEAD / 2))
    return wins


def _nearest(tubes: Tubes, members: Ints, places: Floats, limit: float) -> Nearest:
    """Return the nearest of the tubes `members` at `places`, a few at a time."""
    candidates = candidates_of(tubes, members, limit)
    parts = [
        nearest_at(candidates, places[i : i + POINTS_AT_ONCE])
        for i in range(0, max(1, len(places)), POINTS_AT_ONCE)
    ]
    return Nearest(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Nearest.__slots__)
    )


def _look(field: Field, count: int) -> tuple[Doubles, Ints]:
    """Walk all centrelines: return the length seen of each piece, and a voxel of each."""
    tubes = field.tubes
    seen = np.zeros(count)
    depth = np.full(count, -np.inf)
    voxel = np.full((count, 3), -1, dtype=np.int64)
    per_tube = np.maximum(1, np.rint(tubes.length / STEP).astype(np.int64))
    for first in range(0, len(tubes), POINTS_AT_ONCE // 4):
        some = np.arange(first, min(first + POINTS_AT_ONCE // 4, len(tubes)))
        tube = np.repeat(some, per_tube[some])
        nth = np.arange(len(tube)) - np.repeat(
            np.cumsum(per_tube[some]) - per_tube[some], per_tube[some]
        )
        step = tubes.length[tube] / per_tube[tube]
        place = tubes.start[tube] + tubes.direction[tube] * (step * (nth + 0.5))[:, None]
        voxels = field.sampling.voxels(place.astype(np.float64))
        inside = field.sampling.inside(voxels)
        voxels, step = voxels[inside], step[inside]
        labels = field.at(voxels)
        seen += np.bincount(labels.piece, weights=step, minlength=count)
        # Per piece, the deepest voxel of this chunk stands last and is therefore kept.
        order = np.lexsort((labels.depth, labels.piece))
        last = order[np.append(np.diff(labels.piece[order]) > 0, True)] if len(order) else order
        deeper = last[labels.depth[last] > depth[labels.piece[last]]]
        depth[labels.piece[deeper]] = labels.depth[deeper]
        voxel[labels.piece[deeper]] = voxels[deeper]
    return seen, voxel
