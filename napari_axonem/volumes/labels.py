"""Make sure that what is used as labels is labels."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.lazy import Level, Read
from napari_axonem.volumes.volume import LazyArray, Volume

_REMEDY = "write whole ids from 0 with 'napari-axonem convert SRC DST --kind labels --dtype uint32'"


def require_labels(volume: Volume) -> Volume:
    """Return a volume of ids: the voxels of `volume` as an unsigned type of the same size.

    Signed integers are looked at when they are read: a box with a negative id raises
    `VolumeError` then. Truth values become 0 and 1.

    Raises
    ------
    VolumeError
        The voxels are not integers.
    """
    kind = volume.dtype.kind
    if kind == "u":
        return volume
    if kind not in "bi":
        raise VolumeError(
            f"voxels of type {volume.dtype} are no labels",
            where=volume.location,
            remedy=_REMEDY,
        )
    levels = tuple(_unsigned(array, volume.location) for array in volume.levels)
    return dataclasses.replace(volume, levels=levels)


def _unsigned(array: LazyArray, where: str) -> Level:
    dtype = np.dtype(f"u{array.dtype.itemsize}")
    if isinstance(array, Level):
        return dataclasses.replace(
            array, stored=partial(_ids, array.stored, dtype, array.where), dtype=dtype
        )
    read = partial(_ids, partial(_index, array), dtype, where)
    return Level(stored=read, stored_shape=tuple(array.shape), dtype=dtype, where=where)


def _index(array: Any, box: tuple[slice, ...]) -> npt.NDArray[Any]:  # noqa: ANN401
    return np.asarray(array[box])


def _ids(
    stored: Read, dtype: np.dtype[Any], where: str, box: tuple[slice, ...]
) -> npt.NDArray[Any]:
    """Read a box and check that it holds no negative ids."""
    voxels = stored(box)
    if voxels.dtype.kind == "i" and voxels.size and voxels.min() < 0:
        at = np.unravel_index(int(voxels.argmin()), voxels.shape)
        index = tuple(int(i) + s.start for i, s in zip(at, box, strict=True))
        raise VolumeError(
            f"negative id {voxels.min()} at voxel {index} of the stored array",
            where=where,
            remedy="set what is negative to 0 or another id, and " + _REMEDY,
        )
    return voxels.astype(dtype)
