"""Tubes: the straight pieces of centrelines, and which is nearest.

The score of a place and a tube is its distance to the centreline less the radius there, an
additively weighted distance: negative inside. The place belongs to the neurite with the lowest
score; half the lead over the next neurite is the distance to the membrane between them. A
neurite's region is star-shaped around its centreline, hence in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from napari_axonem.volumes.phantom.arrays import Array, Doubles, Floats, Ints
from napari_axonem.volumes.phantom.chains import Chains


@dataclass(frozen=True)
class Tubes:
    """Straight pieces, one for each pair of successive points of a chain."""

    start: Floats
    """Where each begins (z, y, x) in nm, shape (n, 3)."""

    direction: Floats
    """Unit vectors, shape (n, 3)."""

    length: Floats
    """In nm, shape (n,)."""

    radius: Floats
    """At the beginning in nm, shape (n,)."""

    taper: Floats
    """Change of the radius per nm, shape (n,)."""

    owner: Ints
    """What each is part of; only tubes of different owners have a border. Shape (n,)."""

    point: Ints
    """The chains' point where each begins, shape (n,)."""

    @cached_property
    def middle(self) -> Doubles:
        """Centres in nm, shape (n, 3)."""
        return (self.start + self.direction * (self.length / 2)[:, None]).astype(np.float64)

    @cached_property
    def extent(self) -> Doubles:
        """Radius in nm of a ball around the middle that holds the tube, shape (n,)."""
        widest = np.maximum(self.radius, self.radius + self.taper * self.length)
        return (widest + self.length / 2).astype(np.float64)

    def __len__(self) -> int:
        return len(self.length)


def tubes_of(chains: Chains, owner: Ints) -> Tubes:
    """Return the tubes of all chains; `owner` has one number for each chain."""
    first = np.setdiff1d(np.arange(len(chains.points)), chains.start[1:] - 1)
    begin, end = chains.points[first], chains.points[first + 1]
    length = np.maximum(np.linalg.norm(end - begin, axis=1), 1e-3)
    return Tubes(
        start=begin.astype(np.float32),
        direction=((end - begin) / length[:, None]).astype(np.float32),
        length=length.astype(np.float32),
        radius=chains.radii[first].astype(np.float32),
        taper=((chains.radii[first + 1] - chains.radii[first]) / length).astype(np.float32),
        owner=owner[chains.chain_of_point[first]],
        point=first,
    )


def measure(z: Array, y: Array, x: Array, tubes: Tubes, index: Array) -> tuple[Floats, Floats]:
    """Return the score and the place along the tube in nm, of coordinates relative to its start.

    `index` is one tube for all places, or an array with a tube for each. Only single elementwise
    operations are used, which give the same bits for an array of any shape.
    """
    uz, uy, ux = (tubes.direction[index, axis] for axis in range(3))
    projection = z * uz
    projection += y * uy
    projection += x * ux
    along = np.minimum(np.maximum(projection, np.float32(0)), tubes.length[index])
    square = z * z
    square += y * y
    square += x * x
    projection *= np.float32(-2)
    projection += along
    projection *= along
    square += projection
    np.maximum(square, np.float32(0), out=square)
    score = np.sqrt(square, out=square)
    score -= tubes.radius[index]
    score -= along * tubes.taper[index]
    return score, along
