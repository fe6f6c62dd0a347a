"""Boxes of voxels, and the way between voxels and nanometres.

Axis order is (z, y, x) throughout. Voxel ``i`` along an axis covers the half-open range
``[origin + i * size, origin + (i + 1) * size)`` in nm.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Zyx: TypeAlias = tuple[int, int, int]
"""Three integers in the order (z, y, x): an index or a shape, in voxels."""

Nm: TypeAlias = tuple[float, float, float]
"""Three lengths or coordinates in the order (z, y, x), in nm."""

SNAP = 2.0**-21
"""Relative distance to a voxel boundary within which a position counts as lying on it.

Positions are often stored as float32 (24 bits of mantissa). A voxel size that float32 cannot
hold, such as 33.3 nm, would otherwise put a boundary just below the voxel it opens.
"""

FEW_ROWS = 1 << 15
"""Positions that are worked on at once: what lies between steps stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Box:
    """A half-open box of voxels: ``start`` is inside, ``stop`` is not."""

    start: Zyx
    stop: Zyx

    @classmethod
    def of_shape(cls, shape: Sequence[int]) -> Box:
        """Return the box from the origin to `shape` (z, y, x)."""
        z, y, x = (int(n) for n in shape)
        return cls((0, 0, 0), (z, y, x))

    @property
    def shape(self) -> Zyx:
        """Extent in voxels (z, y, x); 0 along an axis where the box is empty."""
        z, y, x = (max(0, b - a) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as an index into an array (z, y, x)."""
        z, y, x = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    def contains(self, index: Sequence[int]) -> bool:
        """Tell whether the voxel `index` (z, y, x) lies inside."""
        return all(a <= i < b for a, i, b in zip(self.start, index, self.stop, strict=True))

    def intersect(self, other: Box) -> Box:
        """Return the common part; its `size` is 0 where there is none."""
        start = zyx(np.maximum(self.start, other.start))
        stop = zyx(np.maximum(start, np.minimum(self.stop, other.stop)))
        return Box(start, stop)

    def union(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(zyx(np.minimum(self.start, other.start)), zyx(np.maximum(self.stop, other.stop)))

    def grow(self, margin: Sequence[int] | int) -> Box:
        """Return the box enlarged on every side by `margin` voxels; it may go below zero."""
        margins = np.broadcast_to(np.asarray(margin, dtype=np.int64), (3,))
        return Box(zyx(np.subtract(self.start, margins)), zyx(np.add(self.stop, margins)))

    def shift(self, offset: Sequence[int]) -> Box:
        """Return the box moved by `offset` voxels (z, y, x)."""
        return Box(zyx(np.add(self.start, offset)), zyx(np.add(self.stop, offset)))

    def relative_to(self, corner: Sequence[int]) -> Box:
        """Return the box in the coordinates of an array whose first voxel is `corner`."""
        return self.shift([-int(c) for c in corner])


@dataclass(frozen=True, slots=True)
class Grid:
    """A lattice of voxels in space.

    Two volumes on an equal grid can be compared voxel by voxel.
    """

    voxel_size: Nm
    """Edge lengths of a voxel (z, y, x) in nm."""

    origin: Nm = (0.0, 0.0, 0.0)
    """Corner of voxel (0, 0, 0) in nm."""

    def to_voxel(self, points_nm: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the voxels that hold the points.

        Parameters
        ----------
        points_nm
            Positions (z, y, x) in nm, shape (..., 3).

        Returns
        -------
        Voxel indices, shape (..., 3). A position within float32's error of a voxel boundary
        counts as on it (`SNAP`).
        """
        points = np.asarray(points_nm)
        voxels = np.empty(points.shape, np.int64)
        rows, into = points.reshape(-1, 3), voxels.reshape(-1, 3)
        for start in range(0, len(rows), FEW_ROWS):
            part = slice(start, start + FEW_ROWS)
            into[part] = self._voxels_of(rows[part].astype(np.float64))
        return voxels

    def _voxels_of(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        size = np.asarray(self.voxel_size)
        index = (points - np.asarray(self.origin)) / size
        nearest = np.rint(index)
        # The error is relative to the position, not to its distance from the origin.
        reach = SNAP * np.maximum(1.0, np.abs(points) / size)
        snapped: npt.NDArray[np.float64] = np.where(
            np.abs(index - nearest) <= reach, nearest, np.floor(index)
        )
        return snapped

    def to_nm(self, voxels: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the centres in nm of the voxels (z, y, x), shape (..., 3)."""
        index = np.asarray(voxels, dtype=np.float64)
        centres: npt.NDArray[np.float64] = (index + 0.5) * self.voxel_size + self.origin
        return centres

    def coarser(self, factor: Sequence[int]) -> Grid:
        """Return the grid of the pyramid level reduced by `factor` (z, y, x)."""
        return Grid(_nm(np.multiply(self.voxel_size, factor)), self.origin)

    def ranges_nm(self, box: Box) -> str:
        """Return where a box lies, as ``--box`` takes it: ``z0:z1,y0:y1,x0:x1`` in nm."""
        edges = zip(box.start, box.stop, self.voxel_size, self.origin, strict=True)
        return ",".join(f"{o + a * s:.12g}:{o + b * s:.12g}" for a, b, s, o in edges)

    def beginning_at(self, voxel: Sequence[int]) -> Grid:
        """Return the grid of a part whose first voxel is `voxel` (z, y, x) of this one."""
        corner = [o + i * s for o, i, s in zip(self.origin, voxel, self.voxel_size, strict=True)]
        return Grid(self.voxel_size, _nm(corner))


def blocks(box: Box, block_shape: Sequence[int]) -> Iterator[Box]:
    """Cut `box` into blocks of at most `block_shape` voxels, in raster order.

    Blocks lie on the lattice that starts at voxel 0, so that they fall together with chunks
    of the same shape whatever the box.
    """
    edges = [
        [a, *range((a // n + 1) * n, b, n), b] if b > a else [a]
        for a, b, n in zip(box.start, box.stop, block_shape, strict=True)
    ]
    for z, y, x in itertools.product(*(itertools.pairwise(e) for e in edges)):
        yield Box((z[0], y[0], x[0]), (z[1], y[1], x[1]))


def zyx(values: npt.ArrayLike) -> Zyx:
    """Return three numbers as a tuple of integers, truncated."""
    z, y, x = (int(v) for v in np.asarray(values))
    return z, y, x


def _nm(values: npt.ArrayLike) -> Nm:
    z, y, x = (float(v) for v in np.asarray(values))
    return z, y, x
