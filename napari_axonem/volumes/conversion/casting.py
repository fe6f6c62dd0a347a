"""Other types for the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Zyx

Voxels = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


def cast_exactly(voxels: Voxels, dtype: np.dtype[Any], start: Zyx, where: object) -> Voxels:
    """Return voxels as another type, no value changed.

    Parameters
    ----------
    voxels
        Booleans, integers or floating numbers, shape (z, y, x).
    dtype
        An integer or floating type. NaN and infinity are values of floating types.
    start
        Voxel (z, y, x) of the volume at which `voxels` begin, for errors.
    where
        What to call the volume in errors.

    Raises
    ------
    VolumeError
        A value cannot be had in `dtype`; the first such is named, with its voxel.
    """
    if voxels.dtype == dtype:
        return voxels
    # numpy calls 64-bit integers to float64 safe as well, which they are not.
    rounds = voxels.dtype.kind in "iu" and dtype.kind == "f" and voxels.dtype.itemsize == 8
    if rounds or not np.can_cast(voxels.dtype, dtype, "safe"):
        wrong = _changed(voxels, dtype)
        if wrong.any():
            index = np.unravel_index(int(wrong.argmax()), voxels.shape)
            voxel = tuple(int(i) + s for i, s in zip(index, start, strict=True))
            raise VolumeError(
                f"value {voxels[index].item()!r} at voxel {voxel} cannot be kept in {dtype}",
                where=where,
                remedy="choose a type that holds every value",
            )
    return voxels.astype(dtype)


def _changed(voxels: Voxels, dtype: np.dtype[Any]) -> Mask:
    """Tell for each voxel whether it has no equal in `dtype`."""
    if dtype.kind == "f":
        if voxels.dtype.kind == "f":
            with np.errstate(over="ignore"):
                kept = voxels.astype(dtype)
            other: Mask = (kept != voxels) & ~np.isnan(voxels)
            return other
        return _needs_more_bits(voxels, np.finfo(dtype).nmant + 1)
    limits = np.iinfo(dtype)
    if voxels.dtype.kind == "f":
        # In float64, where the upper limit of 64 bits rounds up to the first number beyond it.
        exact = voxels.astype(np.float64)
        inside = (exact >= float(limits.min)) & (exact < float(limits.max) + 1.0)
        outside: Mask = ~inside | (np.floor(exact) != exact)
        return outside
    own = np.iinfo(voxels.dtype)
    low = voxels.dtype.type(max(limits.min, own.min))
    high = voxels.dtype.type(min(limits.max, own.max))
    beyond: Mask = (voxels < low) | (voxels > high)
    return beyond


def _needs_more_bits(voxels: Voxels, bits: int) -> Mask:
    """Tell whether an integer has more significant bits than a mantissa of `bits`."""
    magnitude = np.where(voxels < 0, np.negative(voxels), voxels).astype(np.uint64)
    lowest = magnitude & (~magnitude + np.uint64(1))
    odd = magnitude // np.maximum(lowest, np.uint64(1))
    more: Mask = odd >= np.uint64(2**bits)
    return more
