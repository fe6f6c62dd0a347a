"""What a format of skeletons is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.geometry import Grid

Unit = Literal["nm", "um", "voxel"]
"""What the coordinates of a file count."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the caller knows of the coordinates in a file that may not say so itself."""

    grid: Grid | None = None
    """Voxel size and origin that coordinates in voxels refer to."""

    unit: Unit | None = None
    """Unit of the coordinates, for formats that leave it open."""


@dataclass(frozen=True, slots=True)
class SkeletonFormat:
    """A format of skeletons."""

    name: str
    """What people call it."""

    suffixes: tuple[str, ...]
    """How names of its files or folders end; they decide what is written, not what is read."""

    claim: Callable[[Path], str | None]
    """Looks at a file or folder and says why it is of this format, None where it is not."""

    read: Callable[[Path, Stated], Skeletons]
    """Reads a claimed file or folder."""

    write: Callable[[Path, Skeletons, Stated], None]
    """Writes to a path where nothing is."""


def nm_of(
    coordinates: npt.NDArray[Any], unit: Unit, grid: Grid | None, where: object
) -> npt.NDArray[np.float64]:
    """Return coordinates (z, y, x) of a known unit in nm, shape (n, 3).

    Voxel coordinates count from the corner of the grid: an integer is the corner of a voxel,
    and half a voxel more its middle. Both lie in that voxel.

    Raises
    ------
    SkeletonError
        They count voxels and the voxel size is not known.
    """
    if unit != "voxel":
        return coordinates * {"nm": 1.0, "um": 1e3}[unit]
    if grid is None:
        raise SkeletonError(
            "positions in voxels, and no voxel size is stated",
            where=where,
            remedy="pass --voxel-size Z,Y,X in nm",
        )
    positions: npt.NDArray[np.float64] = coordinates * np.asarray(grid.voxel_size) + grid.origin
    return positions
