"""Affinities as a good network would give them, and wrong where a mistake is planted."""

from __future__ import annotations

import numpy as np

from napari_axonem.volumes.phantom.arrays import Array, Bools, Floats, Ids
from napari_axonem.volumes.phantom.fields import Labels
from napari_axonem.volumes.phantom.planting import Planting

DECEIVED = 0.82
"""Mean affinity over the contact of a planted false merge or inside of a fused fragment."""

DOUBTFUL = 0.5
"""Mean affinity over the face of a planted false split."""

MEMBRANE = 15.0
"""Depth in nm within which a membrane lowers the affinity of its own side."""


def partners(planting: Planting) -> Ids:
    """Return for each fragment id the one that it is wrongly joined to or parted from, or 0."""
    partner = np.zeros(len(planting.truth_of_fragment), dtype=np.uint32)
    for mistake in planting.mistakes:
        if len(mistake.fragments) == 2:
            a, b = mistake.fragments
            partner[a], partner[b] = b, a
    return partner


def affinities(labels: Labels, noise: Floats, partner: Ids, missing: Bools) -> Floats:
    """Return affinities (3, z, y, x) to the neighbour one lower along each axis.

    Parameters
    ----------
    labels
        Of a box that is one voxel larger on the low side of each axis.
    noise
        In [-1, 1], of the box itself.
    partner
        From `partners`.
    missing
        For each section of the larger box whether it is missing.
    """
    out = np.empty((3, *noise.shape), dtype=np.float32)
    near = np.exp(-np.square(labels.depth * np.float32(1 / MEMBRANE)))
    own: tuple[slice, ...] = (slice(1, None),) * 3
    own_fragment = labels.fragment[own]
    wrong = partner[own_fragment]
    for axis in range(3):
        other = tuple(slice(0, -1) if a == axis else slice(1, None) for a in range(3))
        same = labels.truth[own] == labels.truth[other]
        fragment = labels.fragment[other]
        inside = 0.96 + 0.03 * noise - 0.5 * np.maximum(near[own], near[other])
        if axis == 0:
            inside[missing[1:] | missing[:-1]] *= np.float32(0.85)
        out[axis] = np.where(same, inside, 0.05 + 0.045 * noise)
        fused = ~same & (own_fragment == fragment)
        joined = (wrong == fragment) & (wrong > 0)
        _set(out[axis], fused | (joined & ~same), DECEIVED, noise)
        _set(out[axis], joined & same, DOUBTFUL, noise)
    return np.clip(out, 0.0, 1.0, out=out)


def _set(target: Floats, where: Bools, mean: float, noise: Array) -> None:
    target[where] = mean + np.float32(0.12) * noise[where]
