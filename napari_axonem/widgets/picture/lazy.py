"""Arrays for napari layers that are read only where, and when, a plane of them is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, zyx

Reader = Callable[[Box], npt.NDArray[Any]]
"""Reads the voxels of a box, in voxels of its own level."""


@dataclass(frozen=True, slots=True, eq=False)
class LazyLevel:
    """One level (z, y, x) of a layer.

    napari first cuts the part in view out of the whole depth and only then takes the plane.
    Indexing with slices alone therefore reads nothing: it gives a smaller `LazyLevel`. An
    integer among the indices, or `numpy.asarray`, reads.
    """

    read: Reader
    """Reads a box in voxels of the whole level."""

    dtype: np.dtype[Any]
    """Type of a voxel."""

    window: Box
    """The part of the level that this array stands for."""

    chunks: Zyx | None = None
    """Extent (z, y, x) of what is read at once; napari then draws whole chunks, and moving the
    view within one costs nothing."""

    sources: tuple[object, ...] = ()
    """What the voxels are made of."""

    ndim: int = field(default=3, init=False)
    """Number of axes: 3."""

    @classmethod
    def whole(
        cls,
        shape: Zyx,
        dtype: npt.DTypeLike,
        read: Reader,
        chunks: Zyx | None = None,
        sources: tuple[object, ...] = (),
    ) -> LazyLevel:
        """Return the level of `shape` (z, y, x)."""
        return cls(read, np.dtype(dtype), Box.of_shape(shape), chunks, sources)

    @property
    def shape(self) -> Zyx:
        """Extent (z, y, x) in voxels."""
        return self.window.shape

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that all voxels would take."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.asarray(self._voxels(self.window), dtype=dtype)

    def __getitem__(self, key: object) -> Any:  # noqa: ANN401
        keys = _three(key)
        spans = [_span(k, n) for k, n in zip(keys, self.shape, strict=True)]
        start, stop = zyx([a for a, _, _ in spans]), zyx([b for _, b, _ in spans])
        box = Box(start, stop).shift(self.window.start)
        picked = tuple(rest for _, _, rest in spans)
        if all(rest == slice(None) for rest in picked):
            return LazyLevel(self.read, self.dtype, box)
        return self._voxels(box)[picked]

    def _voxels(self, box: Box) -> npt.NDArray[Any]:
        if box.size == 0:
            return np.zeros(box.shape, self.dtype)
        return self.read(box)


def _three(key: object) -> list[object]:
    """Return the index with one entry an axis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (4 - len(keys))
    if len(keys) > 3:
        raise IndexError(f"{len(keys)} indices for 3 axes")
    return keys + [slice(None)] * (3 - len(keys))


def _span(key: object, extent: int) -> tuple[int, int, slice | int]:
    """Return what to read along an axis (start, stop), and the index into that."""
    if isinstance(key, slice):
        start, stop, step = key.indices(extent)
        if step < 1:
            raise IndexError("the step of a slice must be positive")
        return start, max(start, stop), slice(None) if step == 1 else slice(None, None, step)
    index = int(key)  # type: ignore[call-overload]
    if not -extent <= index < extent:
        raise IndexError(f"{index} is outside of an axis of {extent} voxels")
    index %= extent
    return index, index + 1, 0
