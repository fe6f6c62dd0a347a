"""A volume: a lazy pyramid of arrays (z, y, x) on a grid in nm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.geometry import Box, Grid, Zyx


class LazyArray(Protocol):
    """What a level of a volume must offer: h5py, zarr and dask arrays all do."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent (z, y, x) in voxels."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""

    def __getitem__(self, key: tuple[slice, slice, slice], /) -> Any:  # noqa: ANN401
        """Read the voxels of a box."""


@dataclass(frozen=True, slots=True)
class Volume:
    """An opened volume. Nothing is read before `read` is called."""

    levels: tuple[LazyArray, ...]
    """The arrays (z, y, x), finest first."""

    factors: tuple[Zyx, ...]
    """By how much each level is reduced along z, y, x; the first is (1, 1, 1)."""

    grid: Grid
    """Voxel size and origin of the finest level in nm."""

    location: str
    """Where it was opened from, in a form that `open_volume` takes."""

    format: str
    """The format as a word for people, such as ``"HDF5"``."""

    @property
    def shape(self) -> Zyx:
        """Extent of the finest level (z, y, x) in voxels."""
        return Box.of_shape(self.levels[0].shape).shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return np.dtype(self.levels[0].dtype)

    @property
    def box(self) -> Box:
        """All voxels of the finest level."""
        return Box.of_shape(self.shape)

    def read(self, box: Box, level: int = 0) -> npt.NDArray[Any]:
        """Read the voxels of `box`, a box in voxels of `level` that lies inside of it.

        Raises
        ------
        VolumeError
            The box is not inside, or the file cannot be read there.
        """
        array = self.levels[level]
        if box != box.intersect(Box.of_shape(array.shape)):
            raise VolumeError(
                f"box {box.start}..{box.stop} is not inside the shape {tuple(array.shape)}",
                where=self.location,
            )
        try:
            return np.asarray(array[box.slices])
        except AxonemError:
            raise
        except Exception as error:  # whatever the format's library raises on damaged data
            raise VolumeError(
                f"voxels {box.start}..{box.stop} cannot be read ({error})",
                where=self.location,
                remedy="check that the file is complete and not being written",
            ) from error
