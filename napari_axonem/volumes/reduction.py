"""Halving: how a level of a pyramid is made from the next finer one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Nm, Zyx

Kind: TypeAlias = Literal["image", "labels"]
"""What the voxels are: grey values, which may be averaged, or ids, which may not."""

Voxels: TypeAlias = npt.NDArray[Any]

_COARSEST = 128
"""Levels are added until the coarsest has at most this many voxels along every axis."""


def level_factors(
    shape: Sequence[int], voxel_size: Nm, coarsest: int = _COARSEST
) -> tuple[Zyx, ...]:
    """Return by how much each level of a pyramid is reduced, finest first.

    The finer axes are halved first until voxels are about isotropic (within a factor of the
    square root of 2), then all axes. An axis of one voxel is never reduced.

    Parameters
    ----------
    shape
        Extent (z, y, x) of the finest level in voxels.
    voxel_size
        Edges (z, y, x) of its voxels; only their ratios matter.
    coarsest
        Largest extent in voxels that the last level may have.
    """
    factors: list[Zyx] = [(1, 1, 1)]
    extent, size = list(shape), list(voxel_size)
    while max(extent) > coarsest:
        finest = min(s for s, n in zip(size, extent, strict=True) if n > 1)
        halve = [n > 1 and s <= finest * math.sqrt(2) for s, n in zip(size, extent, strict=True)]
        extent = [-(-n // 2) if h else n for n, h in zip(extent, halve, strict=True)]
        size = [s * 2 if h else s for s, h in zip(size, halve, strict=True)]
        z, y, x = (f * 2 if h else f for f, h in zip(factors[-1], halve, strict=True))
        factors.append((z, y, x))
    return tuple(factors)


def reduced_shape(shape: Sequence[int], factor: Sequence[int]) -> Zyx:
    """Return the extent (z, y, x) of an array of `shape` after reduction by `factor`.

    A window that the edge of the array cuts off still makes a voxel: extents are rounded up.
    """
    z, y, x = (-(-n // f) for n, f in zip(shape, factor, strict=True))
    return z, y, x


def reduce_block(array: Voxels, factor: Sequence[int], kind: Kind) -> Voxels:
    """Reduce an array by whole windows.

    Parameters
    ----------
    array
        Voxels (z, y, x) of any integer or floating type.
    factor
        Window (z, y, x) in voxels. At the upper edge of the array a window that is cut off
        uses the voxels that are there.
    kind
        ``"image"``: the mean of the window, for integers rounded to the nearest, halves up
        (64-bit integers are averaged in float64). ``"labels"``: the id that occurs most often
        in the window; of several, the smallest that is not 0.

    Returns
    -------
    Voxels of the type of `array` and of shape `reduced_shape`.
    """
    for axis, (extent, step) in enumerate(zip(array.shape, factor, strict=True)):
        whole = extent - extent % step
        if whole != extent:
            smaller = list(factor)
            smaller[axis] = extent - whole
            inner, edge = np.split(array, [whole], axis)
            parts = [(inner, factor), (edge, smaller)] if whole else [(edge, smaller)]
            return np.concatenate([reduce_block(a, f, kind) for a, f in parts], axis)
    if math.prod(factor) == 1:
        return array.copy()
    windows = [
        array[tuple(slice(start, None, step) for start, step in zip(corner, factor, strict=True))]
        for corner in itertools.product(*(range(step) for step in factor))
    ]
    return _mode(windows) if kind == "labels" else _mean(windows)


def _mode(windows: list[Voxels]) -> Voxels:
    """Return the most frequent id of each window; element k of it lies in ``windows[k]``."""
    result = windows[0].copy()
    mixed = np.zeros(result.shape, dtype=bool)
    for other in windows[1:]:
        mixed |= other != result
    # Nearly all windows of a segmentation lie inside one object: only the others are counted.
    ids = np.sort(np.stack([w[mixed] for w in windows]), axis=0)
    best = np.zeros(ids.shape[1], dtype=np.intp)
    chosen = ids[0] if len(ids) else ids
    for candidate in ids:  # ascending, so that of equal votes the smallest id is taken
        votes = 2 * np.count_nonzero(ids == candidate, axis=0) + (candidate != 0)
        chosen = np.where(votes > best, candidate, chosen)
        best = np.maximum(best, votes)
    result[mixed] = chosen
    return result


def _mean(windows: list[Voxels]) -> Voxels:
    """Return the mean of each window; element k of it lies in ``windows[k]``."""
    dtype = windows[0].dtype
    if dtype.kind == "f" or dtype.itemsize == 8:
        total = np.add.reduce(
            windows, axis=0, dtype=np.float32 if dtype.itemsize < 8 else np.float64
        )
        return _cast(total / len(windows), dtype)
    mean = windows[0].astype(_wide_enough(dtype, len(windows)))
    for other in windows[1:]:
        mean += other
    mean += len(windows) // 2
    if len(windows) & (len(windows) - 1):
        mean //= len(windows)
    else:  # a shift rounds down as well, and takes a fraction of the time
        mean >>= len(windows).bit_length() - 1
    return mean.astype(dtype)


def _wide_enough(dtype: np.dtype[Any], count: int) -> type[np.signedinteger[Any]]:
    """Return the type that holds the sum of so many integers of at most 32 bits, and count / 2."""
    if dtype.itemsize == 1 and count <= 128:
        return np.int16
    return np.int64 if dtype.itemsize == 4 or count > 2**15 else np.int32


def _cast(mean: Voxels, dtype: np.dtype[Any]) -> Voxels:
    """Return floating means as `dtype`, integers rounded and kept inside their range."""
    if dtype.kind == "f":
        return mean.astype(dtype)
    limits = np.iinfo(dtype)
    rounded = np.floor(mean + 0.5)
    # float64 cannot hold 2**64 - 1: the next float up would wrap around to 0.
    top = np.nextafter(np.float64(limits.max), 0.0)
    return np.clip(rounded, limits.min, top).astype(dtype)
