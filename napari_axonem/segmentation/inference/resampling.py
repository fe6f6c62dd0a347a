"""Volumes at another voxel size, lazily: images for a network, labels on their way back."""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Grid, Nm, Zyx, zyx
from napari_axonem.networks.registry import CLOSE
from napari_axonem.volumes.lazy import Level
from napari_axonem.volumes.reduction import Kind
from napari_axonem.volumes.volume import LazyArray, Volume

_SEEN = 4
"""Points of each new voxel along an axis along which it is coarser than the old: a mean over
them keeps what lies between the middles of new voxels from being passed over."""


def at_voxel_size(volume: Volume, voxel_size: Nm) -> Volume:
    """Return an image at another voxel size, over the same place; no voxels are read.

    A level of its pyramid whose voxels are within `CLOSE` of those wanted is taken as it is.
    Otherwise the coarsest level that is not coarser than wanted is interpolated linearly.

    Parameters
    ----------
    volume
        An image.
    voxel_size
        Wanted edges (z, y, x) in nm.
    """
    sizes = [volume.grid.coarser(factor).voxel_size for factor in volume.factors]
    fine = [i for i, s in enumerate(sizes) if _within(s, voxel_size, CLOSE)]
    level = max(fine, default=0, key=lambda i: math.prod(sizes[i]))
    array = volume.levels[level]
    if all(max(a / b, b / a) <= CLOSE for a, b in zip(sizes[level], voxel_size, strict=True)):
        return _of_level(volume, array, sizes[level])
    ratios = _nm(np.divide(voxel_size, sizes[level]))
    shape = zyx([max(1, round(n / r)) for n, r in zip(array.shape, ratios, strict=True)])
    return _of_level(volume, _lazy(volume, array, ratios, shape, "image"), voxel_size)


def labels_on(labels: Volume, grid: Grid, shape: Zyx) -> Volume:
    """Return labels on another grid that begins at the same place; no voxels are read.

    Each voxel gets the label at its middle.

    Parameters
    ----------
    labels
        On the grid of a model, say.
    grid, shape
        Of the image that they belong to.
    """
    ratios = _nm(np.divide(grid.voxel_size, labels.grid.voxel_size))
    array = _lazy(labels, labels.levels[0], ratios, shape, "labels")
    return _of_level(labels, array, grid.voxel_size)


def _lazy(volume: Volume, array: LazyArray, ratios: Nm, shape: Zyx, kind: Kind) -> Level:
    return Level(
        stored=partial(_nearest if kind == "labels" else _linear, array, ratios),
        stored_shape=shape,
        dtype=np.dtype(array.dtype),
        where=volume.location,
    )


def _of_level(volume: Volume, array: LazyArray, voxel_size: Nm) -> Volume:
    return dataclasses.replace(
        volume,
        levels=(array,),
        factors=((1, 1, 1),),
        grid=Grid(voxel_size, volume.grid.origin),
    )


def _nearest(array: LazyArray, ratios: Nm, box: tuple[slice, ...]) -> npt.NDArray[Any]:
    """Read labels at the middles of the voxels of a box."""
    at = [
        np.clip(np.floor((np.arange(s.start, s.stop) + 0.5) * r).astype(np.intp), 0, n - 1)
        for s, r, n in zip(box, ratios, array.shape, strict=True)
    ]
    z, y, x = (slice(int(i[0]), int(i[-1]) + 1) for i in at)
    voxels = np.asarray(array[z, y, x])
    return voxels[np.ix_(*(i - i[0] for i in at))]


def _linear(array: LazyArray, ratios: Nm, box: tuple[slice, ...]) -> npt.NDArray[Any]:
    """Interpolate an image at the voxels of a box, axis after axis."""
    spans, weights = zip(
        *(_weights(s, r, n) for s, r, n in zip(box, ratios, array.shape, strict=True)), strict=True
    )
    z, y, x = spans
    voxels = np.asarray(array[z, y, x])
    values = voxels.astype(np.float32)
    for axis, matrix in enumerate(weights):
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    if voxels.dtype.kind == "f":
        return values.astype(voxels.dtype)
    limits = np.iinfo(voxels.dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(voxels.dtype)


def _weights(span: slice, ratio: float, extent: int) -> tuple[slice, npt.NDArray[np.float32]]:
    """Return which old voxels along an axis make the new ones of a span, and with which weights.

    Parameters
    ----------
    span
        New voxels.
    ratio
        Length of a new voxel in old ones.
    extent
        Old voxels that there are.

    Returns
    -------
    The span of old voxels, and weights (new, old) whose rows sum to 1.
    """
    points = 1 if ratio <= 1 else _SEEN * math.ceil(ratio)
    within = (np.arange(points) + 0.5) / points
    new = np.arange(span.start, span.stop)
    at = np.clip((new[:, None] + within) * ratio - 0.5, 0, extent - 1)
    below = np.minimum(np.floor(at).astype(np.intp), max(0, extent - 2))
    part = at - below
    first, last = int(below.min()), min(int(below.max()) + 2, extent)
    matrix = np.zeros((len(new), last - first), np.float64)
    rows = np.broadcast_to(np.arange(len(new))[:, None], below.shape)
    np.add.at(matrix, (rows, below - first), (1 - part) / points)
    above = np.minimum(below + 1, extent - 1)
    np.add.at(matrix, (rows, above - first), part / points)
    return slice(first, last), matrix.astype(np.float32)


def _within(size: Nm, wanted: Nm, factor: float) -> bool:
    return all(a <= b * factor for a, b in zip(size, wanted, strict=True))


def _nm(values: npt.ArrayLike) -> Nm:
    z, y, x = (float(v) for v in np.asarray(values))
    return z, y, x
