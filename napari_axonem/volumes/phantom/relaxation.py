"""Packing: discs of a bundle's section, and neurites in space, pushed apart."""

from __future__ import annotations

import numpy as np

from napari_axonem.volumes.phantom.arrays import Doubles, Ints
from napari_axonem.volumes.phantom.chains import Chains
from napari_axonem.volumes.phantom.neighbours import Balls, touching

SOFTNESS = 0.45
"""Share of an overlap that one step removes; more makes crowds of neurites oscillate."""

STIFFNESS = 0.12
"""How strongly a step straightens a chain, against kinks that the pushes would leave."""


def push(centres: Doubles, radii: Doubles, group: Ints) -> Doubles:
    """Return a step for each ball that lessens its overlaps with balls of other groups.

    Heavy balls move less: an axon makes room for a dendrite and not the other way round.

    Parameters
    ----------
    centres
        Shape (n, d), d = 3, in nm. For discs, one coordinate is constant.
    radii
        Shape (n,) in nm.
    group
        Shape (n,); balls of one group do not push each other.

    Returns
    -------
    Displacements, shape (n, d), in nm.
    """
    balls = Balls(centres, radii)
    step = np.zeros_like(centres)
    count = np.zeros(len(centres))
    for i, j in touching(balls, balls):
        other = group[i] != group[j]
        a, b = i[other], j[other]
        apart = centres[a] - centres[b]
        distance = np.maximum(np.linalg.norm(apart, axis=1), 1e-6)
        overlap = radii[a] + radii[b] - distance
        share = radii[b] ** 2 / (radii[a] ** 2 + radii[b] ** 2)
        move = apart * (share * overlap / distance)[:, None]
        for axis in range(3):
            step[:, axis] += np.bincount(a, weights=move[:, axis], minlength=len(centres))
        count += np.bincount(a, minlength=len(centres))
    # A ball pushed from many sides takes about the mean push per pair of opposite neighbours.
    return step * (2 * SOFTNESS / np.maximum(np.sqrt(count), 1.0))[:, None]


def pack_discs(
    radii: Doubles, extent: tuple[float, float], rng: np.random.Generator, steps: int = 120
) -> Doubles:
    """Return centres of discs in a rectangle, with little overlap.

    Parameters
    ----------
    radii
        Shape (n,) in nm.
    extent
        Sides of the rectangle in nm; it is centred at 0. Discs may stand out by half a radius.

    Returns
    -------
    Centres, shape (n, 2), in nm.
    """
    half = np.asarray(extent) / 2
    centres = np.zeros((len(radii), 3))
    centres[:, 1:] = rng.uniform(-half, half, (len(radii), 2))
    limit = np.maximum(half[None, :] - radii[:, None] / 2, 0.0)
    group = np.arange(len(radii))
    for _ in range(steps):
        centres += push(centres, radii, group)
        centres[:, 1:] = np.clip(centres[:, 1:], -limit, limit)
    return centres[:, 1:].copy()


def relax(chains: Chains, steps: int) -> Chains:
    """Return the chains moved apart where different neurites overlap."""
    points = chains.points.copy()
    group = chains.neurites()[chains.chain_of_point]
    inner = np.ones(len(points), dtype=bool)
    inner[chains.start[:-1]] = False
    inner[chains.start[1:] - 1] = False
    middle = np.flatnonzero(inner)
    branches = np.flatnonzero(chains.parent_point >= 0)
    for _ in range(steps):
        points += push(points, chains.radii, group)
        bend = (points[middle - 1] + points[middle + 1]) / 2 - points[middle]
        points[middle] += STIFFNESS * bend
        points[chains.start[branches]] = points[chains.parent_point[branches]]
    return Chains(points, chains.radii, chains.start, chains.kind, chains.parent_point)
