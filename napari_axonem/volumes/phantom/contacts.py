"""Where neurites touch: found on the centrelines, proved on single voxels.

Everything here works on tables of centrelines and asks for a few voxels only, so that it takes
no longer for a volume that nobody could render at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_axonem.volumes.phantom.arrays import Array, Bools, Doubles, Ints
from napari_axonem.volumes.phantom.fields import GAP, Field
from napari_axonem.volumes.phantom.neighbours import Balls, touching
from napari_axonem.volumes.phantom.sampling import Sampling

FACES = np.concatenate([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])
"""Steps to the six voxels that share a face."""

BISECTIONS = 6
"""Halvings of the line between two centrelines: of some 300 nm, less than a voxel is left."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """Pairs of pieces of different neurites that share a face of a voxel."""

    pieces: Ints
    """Shape (n, 2), the lower first; unique."""

    found: Ints
    """How many of the tried places hit each contact: a measure of its area. Shape (n,)."""

    voxel: Ints
    """A voxel (z, y, x) of either piece with a face on the contact, near its middle."""


def find_contacts(field: Field, eligible: Bools, most: int, rng: np.random.Generator) -> Contacts:
    """Return contacts of neurites.

    Parameters
    ----------
    eligible
        For each tube whether its contacts are wanted.
    most
        So many pairs of tubes are tried, at most.
    """
    tubes = field.tubes
    members = np.flatnonzero(eligible)
    balls = Balls(tubes.middle[members], tubes.extent[members] + GAP)
    asked = rng.permutation(len(members))[:most]
    some = Balls(balls.centres[asked], balls.radii[asked])
    pairs = [np.stack([members[asked[i]], members[j]]) for i, j in touching(some, balls)]
    tried = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), dtype=np.int64)
    tried = tried[:, tubes.owner[tried[0]] != tubes.owner[tried[1]]]
    tried = tried[:, rng.permutation(tried.shape[1])[:most]]
    voxels, inside = _border_voxels(field, tried[0], tried[1])
    voxels, truth = voxels[inside], tubes.owner[tried[1][inside]]
    fragment, other, other_truth = _around(field, voxels)
    hit = other_truth == truth[:, None]
    rows = np.flatnonzero(hit.any(axis=1))
    partner = other[rows, hit[rows].argmax(axis=1)]
    return _summary(field, voxels[rows], fragment[rows], partner)


def _border_voxels(field: Field, a: Ints, b: Ints) -> tuple[Ints, Bools]:
    """Return the last voxel of the neurite of tube `a` on the way from it to tube `b`.

    Also tells where there is one, that lies inside of the volume.
    """
    sampling, tubes = field.sampling, field.tubes
    low, high = np.zeros(len(a)), np.ones(len(a))
    way = tubes.middle[b] - tubes.middle[a]
    good = np.ones(len(a), dtype=bool)
    for step in range(BISECTIONS + 1):
        at = low if step == 0 else (low + high) / 2
        voxels = sampling.voxels(tubes.middle[a] + way * at[:, None])
        mine = field.at(voxels).truth == tubes.owner[a]
        if step == 0:
            good = mine
        low = np.where(mine, at, low)
        high = np.where(mine, high, at)
    voxels = sampling.voxels(tubes.middle[a] + way * low[:, None])
    return voxels, good & sampling.inside(voxels, margin=1)


def _around(field: Field, voxels: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the fragment of each voxel, and fragment and truth of its six neighbours (n, 6)."""
    own = field.at(voxels)
    near = field.at((voxels[:, None, :] + FACES).reshape(-1, 3))
    return (
        own.fragment.astype(np.int64),
        near.fragment.reshape(-1, 6).astype(np.int64),
        near.truth.reshape(-1, 6).astype(np.int64),
    )


def _summary(field: Field, voxels: Ints, fragment: Ints, partner: Ints) -> Contacts:
    """Group the places found by pair of pieces. Before planting, fragment = piece + 1."""
    pair = np.sort(np.stack([fragment, partner], axis=1) - 1, axis=1)
    pieces, group, found = np.unique(pair, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    places = field.sampling.positions(voxels)
    mean = (
        np.stack(
            [
                np.bincount(group, weights=places[:, axis], minlength=len(found))
                for axis in range(3)
            ],
            axis=1,
        )
        / np.maximum(found, 1)[:, None]
    )
    order = np.lexsort((np.linalg.norm(places - mean[group], axis=1), group))
    head = np.searchsorted(group[order], np.arange(len(found)))
    return Contacts(pieces, found, voxels[order[head]])


def face_between(field: Field, voxels: Ints, first: int, second: int) -> Array | None:
    """Return one of `voxels` that belongs to fragment `first` and faces a voxel of `second`.

    The middle one of all such is taken; None if there is none.
    """
    voxels = voxels[field.sampling.inside(voxels, margin=1)]
    if not len(voxels):
        return None
    own, near, _ = _around(field, voxels)
    good = np.flatnonzero((own == first) & (near == second).any(axis=1))
    return voxels[good[len(good) // 2]] if len(good) else None


def voxels_along(sampling: Sampling, points: Doubles) -> Ints:
    """Return the voxels (n, 3) at `points` of the phantom's own space, each once, in order."""
    voxels = sampling.voxels(points)
    changes = np.any(np.diff(voxels, axis=0, prepend=-1) != 0, axis=1)
    return voxels[changes]
