"""Coarser levels, made while one looks, for volumes that were stored without.

Only the sections themselves are halved, never the depth: a plane of a coarser level needs no more
sections than a plane of the finest one. Grey values are averaged as in a stored pyramid; of labels
every second voxel is taken along y and x, which is fast and invents no ids, but loses processes
thinner than a voxel of that level: good for looking, not for anything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.volumes.looking.lattice import Lattice
from napari_axonem.volumes.reduction import Kind, reduce_block, reduced_shape
from napari_axonem.volumes.volume import LazyArray, Volume

LARGEST = 1024
"""Levels are added until a section has at most so many voxels along each side."""

STEP: Zyx = (1, 2, 2)
"""By how much each level is coarser than the one before."""


@dataclass(frozen=True, slots=True, eq=False)
class Halved:
    """A level (z, y, x) made of the next finer one when it is read."""

    finer: LazyArray
    """The level it is made of."""

    kind: Kind
    """What the voxels are."""

    @property
    def shape(self) -> Zyx:
        """Extent (z, y, x) in voxels."""
        return reduced_shape(self.finer.shape, STEP)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return np.dtype(self.finer.dtype)

    @property
    def chunks(self) -> Zyx:
        """Extent (z, y, x) of what is best made at once."""
        return Lattice.of(self.finer).cell

    def __getitem__(self, key: tuple[slice, slice, slice], /) -> npt.NDArray[Any]:
        (z, y, x) = (k.indices(n) for k, n in zip(key, self.shape, strict=True))
        box = Box((z[0], y[0], x[0]), (z[1], y[1], x[1]))
        voxels = np.empty(box.shape, self.dtype)
        for part in blocks(box, self.chunks):
            finer = np.asarray(self.finer[self.below(part).slices])
            voxels[part.relative_to(box.start).slices] = self.halve(finer)
        return voxels

    def below(self, box: Box) -> Box:
        """Return the voxels of the finer level that a box of this one is made of."""
        start, stop = np.multiply(box.start, STEP), np.multiply(box.stop, STEP)
        return Box(*(tuple(map(int, a)) for a in (start, stop))).intersect(  # type: ignore[arg-type]
            Box.of_shape(self.finer.shape)
        )

    def halve(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the voxels of this level made of those `below`."""
        if self.kind == "labels":
            return voxels[:, ::2, ::2]
        return reduce_block(voxels, STEP, "image")


def with_levels(volume: Volume, kind: Kind, largest: int = LARGEST) -> Volume:
    """Return a volume whose coarsest sections are small enough to be looked at as a whole.

    Parameters
    ----------
    volume
        With any number of levels; where they are enough, it is returned as it is.
    kind
        What the voxels are.
    largest
        Most voxels along each side of a section of the coarsest level.
    """
    levels, factors = list(volume.levels), list(volume.factors)
    while max(levels[-1].shape[1:]) > largest:
        levels.append(Halved(levels[-1], kind))
        z, y, x = (f * s for f, s in zip(factors[-1], STEP, strict=True))
        factors.append((z, y, x))
    if len(levels) == len(volume.levels):
        return volume
    return replace(volume, levels=tuple(levels), factors=tuple(factors))
