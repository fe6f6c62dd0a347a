"""One lazy array (z, y, x) over whatever a library offers, with errors of our own family."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.geometry import Box, Zyx, blocks, zyx

Read = Callable[[tuple[slice, ...]], npt.NDArray[Any]]
"""Reads a box of an array, one slice (start and stop inside, step 1) for each of its axes."""

_SEARCHED = 512
"""So many chunks of a box are read one by one to find the damaged one."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One scale of a volume as a lazy array (z, y, x).

    Indexing takes integers, slices with a positive step and ``...``, as napari and dask use
    them, and reads the voxels then and there.
    """

    stored: Read
    """Reads from the array as it is stored, whatever its axes."""

    stored_shape: tuple[int, ...]
    """Extent of the array as it is stored."""

    dtype: np.dtype[Any]
    """Type of a voxel, in the byte order of this machine."""

    where: str
    """What to call the array in errors."""

    axes: Zyx = (0, 1, 2)
    """Which of the stored axes are z, y and x; every other one has an extent of 1."""

    stored_chunks: tuple[int, ...] | None = None
    """Extent of a chunk as it is stored; None where there are no chunks."""

    chunk_name: Callable[[tuple[int, ...]], str] | None = None
    """Returns what the chunk that begins at a voxel, indexed as stored, is called in errors:
    its file, say. None where its index must do."""

    watch: Callable[[npt.NDArray[Any] | None], None] | None = None
    """Called after each reading with the voxels, or with None when reading failed; raises
    `VolumeLostError` where the array is not the one any more that was opened."""

    @property
    def shape(self) -> Zyx:
        """Extent (z, y, x) in voxels."""
        z, y, x = (self.stored_shape[a] for a in self.axes)
        return z, y, x

    @property
    def chunks(self) -> Zyx | None:
        """Extent (z, y, x) of what is read from disk at once, None where that is unknown."""
        if self.stored_chunks is None:
            return None
        z, y, x = (self.stored_chunks[a] for a in self.axes)
        return z, y, x

    @property
    def ndim(self) -> int:
        """Number of axes: 3."""
        return 3

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)

    def __getitem__(self, key: object) -> Any:  # noqa: ANN401
        boxes, rest = _split(key, self.shape)
        return self._read(boxes)[rest]

    def _read(self, box: Sequence[slice]) -> npt.NDArray[Any]:
        extent = tuple(s.stop - s.start for s in box)
        if 0 in extent:
            return np.empty(extent, self.dtype)
        try:
            voxels = self.stored(self._as_stored(box))
        except AxonemError:
            raise
        except Exception as error:  # whatever the format's library raises on damaged data
            raise self._failure(box, error) from error
        if self.watch:
            self.watch(voxels)
        others = [a for a in range(voxels.ndim) if a not in self.axes]
        ordered = voxels.transpose(*self.axes, *others).reshape(extent)
        return ordered.astype(self.dtype, copy=False)

    def _as_stored(self, box: Sequence[slice]) -> tuple[slice, ...]:
        where = [slice(0, 1)] * len(self.stored_shape)
        for axis, part in zip(self.axes, box, strict=True):
            where[axis] = part
        return tuple(where)

    def _failure(self, box: Sequence[slice], error: Exception) -> VolumeError:
        """Return the error for a box that could not be read; it names the chunk to blame.

        Raises
        ------
        VolumeLostError
            No chunk is to blame, but the whole array is gone or out of reach.
        """
        if self.watch:
            self.watch(None)
        asked = Box(zyx([s.start for s in box]), zyx([s.stop for s in box]))
        what = f"voxels {asked.start}..{asked.stop}"
        found = self._damaged(asked, error)
        if found:
            chunk, error = found
            what = f"{self._named(chunk)}, voxels {chunk.start}..{chunk.stop},"
        return VolumeError(
            f"{what} cannot be read ({type(error).__name__}: {error})",
            where=self.where,
            remedy="check that the file is complete and not being written",
        )

    def _damaged(self, box: Box, error: Exception) -> tuple[Box, Exception] | None:
        """Return the first chunk of a box that cannot be read, and why; None where none is found.

        `error` is why the whole box cannot.
        """
        if self.chunks is None:
            return None
        pieces = list(itertools.islice(blocks(box, self.chunks), _SEARCHED))
        if len(pieces) == 1:
            return self._chunk(pieces[0]), error
        for piece in pieces:
            try:
                self.stored(self._as_stored(piece.slices))
            except AxonemError:
                return None
            except Exception as reason:  # whatever the format's library raises
                return self._chunk(piece), reason
        return None

    def _chunk(self, piece: Box) -> Box:
        """Return the voxels of the chunk that `piece` is a part of."""
        chunks = self.chunks or self.shape
        start = zyx([a // c * c for a, c in zip(piece.start, chunks, strict=True)])
        return Box(start, zyx(np.add(start, chunks))).intersect(Box.of_shape(self.shape))

    def _named(self, chunk: Box) -> str:
        first = tuple(s.start for s in self._as_stored(chunk.slices))
        if self.chunk_name:
            return f"chunk {self.chunk_name(first)}"
        chunks = self.stored_chunks or self.stored_shape
        return f"chunk {tuple(a // c for a, c in zip(first, chunks, strict=True))}"


def _split(key: object, shape: Zyx) -> tuple[list[slice], tuple[Any, ...]]:
    """Cut an index into the box to be read and the index into that box."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(k is Ellipsis for k in keys):
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[at : at + 1] = [slice(None)] * (4 - len(keys))
    if len(keys) > 3:
        raise IndexError(f"{len(keys)} indices for an array of 3 axes")
    keys += [slice(None)] * (3 - len(keys))
    pairs = [_split_axis(k, n, a) for a, (k, n) in enumerate(zip(keys, shape, strict=True))]
    return [box for box, _ in pairs], tuple(rest for _, rest in pairs)


def _split_axis(key: object, extent: int, axis: int) -> tuple[slice, int | slice]:
    if isinstance(key, slice):
        start, stop, step = key.indices(extent)
        if step < 1:
            raise IndexError("slices of a volume must have a positive step")
        return slice(start, max(start, stop)), slice(None, None, step)
    index = int(key)  # type: ignore[call-overload]
    if not -extent <= index < extent:
        raise IndexError(f"index {index} is outside of axis {axis} of extent {extent}")
    index %= extent
    return slice(index, index + 1), 0
