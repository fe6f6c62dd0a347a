"""How fragments are made of affinities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_axonem.geometry import Nm, Zyx, zyx

TRUNCATE = 3.0
"""Standard deviations after which a Gaussian is cut off."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule by which each voxel finds the fragment that it belongs to.

    Depths are given in *steps*, the shortest edge of a voxel, so that the defaults suit data of
    any resolution that shows membranes as a few voxels.
    """

    inside: float = 0.5
    """A voxel whose three affinities average to less is membrane."""

    strong: float = 0.5
    """An edge of at least that affinity may be followed inside of an object."""

    weak: float = 0.2
    """An edge of at least that affinity may be followed where there is no strong one."""

    smoothing: float = 1.0
    """Standard deviation in steps of the Gaussian that smooths the depth: larger ones give fewer
    fragments, and more that reach into two objects."""

    cell: float = 16.0
    """Depths are counted up to so many voxels, of mean edge; an object that is deeper falls into
    pieces of about that size."""

    fringe: float = 6.0
    """Membrane up to so many steps from the inside of an object belongs to it; what is farther
    away is background."""

    def deepest(self, voxel_size: Nm) -> float:
        """Return up to which distance in nm depths are counted."""
        return self.cell * math.prod(voxel_size) ** (1 / 3)

    def sigma(self, voxel_size: Nm) -> Nm:
        """Return the standard deviation of the Gaussian in voxels along z, y, x."""
        step = min(voxel_size)
        z, y, x = (self.smoothing * step / size for size in voxel_size)
        return z, y, x

    def halo(self, voxel_size: Nm) -> Zyx:
        """Return how far around a voxel (z, y, x) affinities have a say in its depth."""
        reach = np.ceil(self.deepest(voxel_size) / np.asarray(voxel_size)) + 1
        return zyx(reach + [int(TRUNCATE * s + 0.5) for s in self.sigma(voxel_size)])
