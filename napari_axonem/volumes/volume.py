"""A volume: a lazy pyramid of arrays (z, y, x) on a grid in nm."""

from __future__ import annotations

import copyreg
import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.geometry import Box, Grid, Zyx
from napari_axonem.volumes.reduction import Kind


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

    kind: Kind | None = None
    """What the file says the voxels are, None where it does not say."""

    opened: tuple[LazyArray, ...] = dataclasses.field(default=(), repr=False, compare=False)
    """The levels as `open_volume` gave them; empty where it did not."""

    reopen: Callable[..., Volume] | None = dataclasses.field(
        default=None, repr=False, compare=False
    )
    """Opens it again in another process; None where it was not opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as a location, to be opened there again.

        Levels that were put in place of those opened are taken along instead, if they can be.
        """
        if self.reopen is None or self.levels is not self.opened:
            bare = dataclasses.replace(self, opened=(), reopen=None)
            state = [getattr(bare, field.name) for field in dataclasses.fields(bare)]
            return copyreg.__newobj__, (Volume,), state  # type: ignore[attr-defined]
        is_path = "://" not in self.location
        location = os.path.abspath(self.location) if is_path else self.location  # noqa: PTH100
        return self.reopen, (location, self.grid, self.kind, self.shape, self.dtype)

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

    def check(self, box: Box, level: int = 0) -> None:
        """Raise `VolumeError` where `box`, in voxels of `level`, is not inside of it."""
        shape = tuple(self.levels[level].shape)
        if box != box.intersect(Box.of_shape(shape)):
            raise VolumeError(
                f"box {box.start}..{box.stop} is not inside the shape {shape}",
                where=self.location,
            )

    def read(self, box: Box, level: int = 0) -> npt.NDArray[Any]:
        """Read the voxels of `box`, a box in voxels of `level` that lies inside of it.

        Raises
        ------
        VolumeError
            The box is not inside, or the file cannot be read there.
        """
        self.check(box, level)
        array = self.levels[level]
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
