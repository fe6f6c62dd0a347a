"""A stroke of the brush while it is drawn, before any voxel is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx

Mask = npt.NDArray[np.bool_]

Ball = tuple[Box, Mask]
"""A box of voxels of the finest level, and which of them one place of the brush covers."""


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """What is under the brush."""

    balls: tuple[Ball, ...]
    """One for each place of the brush."""

    touched: Mask
    """Whether the stroke changes voxels of each fragment, shape (fragments + 1,)."""

    code: int
    """How the voxels are shown."""

    def grown(self, balls: Iterable[Ball]) -> Stroke:
        """Return the stroke with more places."""
        return replace(self, balls=(*self.balls, *balls))

    def changed(self, ids: npt.NDArray[np.uint32], box: Box, factor: Zyx) -> Mask:
        """Tell which voxels of a coarser level the stroke changes.

        Parameters
        ----------
        ids
            Fragments of `box`.
        box
            Where they lie, in voxels of the coarser level.
        factor
            By how much the level is reduced along z, y, x.
        """
        covered = np.zeros(ids.shape, np.bool_)
        for ball, mask in self.balls:
            places = sampled(mask.shape, ball.start, box, factor)
            if places is not None:
                target, source = places
                covered[target] |= mask[source]
        return covered & np.take(self.touched, ids, mode="clip") & (ids < len(self.touched))


Places = tuple[npt.NDArray[np.intp], ...]


def sampled(shape: Zyx, corner: Zyx, box: Box, factor: Zyx) -> tuple[Places, Places] | None:
    """Return which voxels of a coarser level lie in an array of the finest, and where in it.

    Parameters
    ----------
    shape
        Shape of the array (z, y, x).
    corner
        Its first voxel, in voxels of the finest level.
    box
        What is looked at, in voxels of the coarser level.
    factor
        By how much the level is reduced along z, y, x. Each of its voxels takes the finest
        voxel at its middle: enough for a preview.

    Returns
    -------
    Indices into an array of `box`, and into the array of `shape`; None where they do not meet.
    """
    middles = [
        np.arange(a, b) * f + f // 2 - c
        for a, b, f, c in zip(box.start, box.stop, factor, corner, strict=True)
    ]
    inside = [(m >= 0) & (m < n) for m, n in zip(middles, shape, strict=True)]
    if not all(i.any() for i in inside):
        return None
    target = np.ix_(*(np.flatnonzero(i) for i in inside))
    return target, np.ix_(*(m[i] for m, i in zip(middles, inside, strict=True)))
