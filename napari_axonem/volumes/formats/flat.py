"""Voxels that lie in a file one after the other: as they are, or compressed as a whole.

What NRRD and NIfTI have in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError

LARGEST_WHOLE = 2**31
"""Bytes of voxels that are read as a whole, where a file is compressed as a whole."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Voxels that lie in a file as they are; any part of them is read by itself."""

    path: Path
    """The file."""

    offset: int
    """Byte at which the first voxel begins."""

    shape: tuple[int, ...]
    """Extent, slowest axis first."""

    dtype: np.dtype[Any]
    """Type of a voxel as it is stored."""

    def check(self) -> None:
        """Raise `VolumeError` where the file is too short."""
        needed = self.offset + math.prod(self.shape) * self.dtype.itemsize
        size = self.path.stat().st_size
        if size < needed:
            raise VolumeError(
                f"cut short at {size} of {needed} bytes",
                where=self.path,
                remedy="copy it again from where it came",
            )

    def __call__(self, box: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Read a box."""
        self.check()  # to read behind the end of a mapped file would end the process
        voxels = np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        return np.array(voxels[box])


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Voxels that can only be unpacked all at once: the first reading does, and they are kept."""

    unpack: Callable[[], npt.NDArray[Any]]
    """Gives all voxels."""

    _kept: list[npt.NDArray[Any]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(
        cls,
        unpack: Callable[[], npt.NDArray[Any]],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        where: object,
    ) -> Whole:
        """Return voxels of that shape and type.

        Raises
        ------
        VolumeError
            They take too much memory.
        """
        size = math.prod(shape) * dtype.itemsize
        if size > LARGEST_WHOLE:
            raise VolumeError(
                f"compressed as a whole, and {size / 2**30:.1f} GB when it is unpacked; up to "
                f"{LARGEST_WHOLE / 2**30:.0f} GB are read from such a file",
                where=where,
                remedy="save it without compression, then any part of it can be read",
            )
        return cls(unpack)

    def __call__(self, box: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Read a box."""
        with self._lock:
            if not self._kept:
                self._kept.append(self.unpack())
        return self._kept[0][box].copy()


def corner(directions: npt.NDArray[np.float64], centre: npt.NDArray[np.float64]) -> list[float]:
    """Return the corner (z, y, x) of the first voxel, empty where axes are turned or mirrored.

    Parameters
    ----------
    directions
        One row for each of x, y, z: the step in space to the next voxel along it.
    centre
        Where the centre of the first voxel lies.
    """
    steps = np.diag(directions)
    if np.any(steps <= 0) or np.any(directions != np.diag(steps)) or not np.isfinite(centre).all():
        return []
    return [float(v) for v in (centre - steps / 2)[::-1]]
