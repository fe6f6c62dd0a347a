"""Reading HDF5 datasets chunk by chunk, decoded outside of HDF5's lock.

HDF5 lets one thread in at a time, and undoes compression in there. Chunks with the common filters
(deflate, shuffle) are taken out as they are stored, and decoded here, where threads work side by
side. Everything else is left to HDF5, and so is whatever goes wrong.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import imagecodecs
import numcodecs
import numpy as np
import numpy.typing as npt

from napari_axonem.volumes.lazy import Read

_KNOWN = ((h5py.h5z.FILTER_DEFLATE,), (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE))
"""Filters, in the order in which HDF5 applies them."""

_SMALL = 4
"""A box of less than this part of a chunk is left to HDF5, which keeps small chunks in memory."""

Slices = tuple[slice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Chunks:
    dataset: h5py.Dataset
    is_shuffled: bool
    otherwise: Read

    def __call__(self, box: Slices) -> npt.NDArray[Any]:
        """Read a box."""
        extent = tuple(s.stop - s.start for s in box)
        if math.prod(extent) * _SMALL < math.prod(self.dataset.chunks):
            return self.otherwise(box)
        voxels = np.empty(extent, self.dataset.dtype)
        try:
            for start in self._starts(box):
                into, within = _overlap(box, start, self.dataset.chunks)
                voxels[into] = self._chunk(start)[within]
        except Exception:  # a chunk that was never written or is damaged: HDF5 knows
            return self.otherwise(box)
        return voxels

    def _starts(self, box: Slices) -> Iterator[tuple[int, ...]]:
        """Return the first voxel of each chunk that a box touches."""
        return itertools.product(
            *(
                range(s.start // n * n, s.stop, n)
                for s, n in zip(box, self.dataset.chunks, strict=True)
            )
        )

    def _chunk(self, start: tuple[int, ...]) -> npt.NDArray[Any]:
        skipped, encoded = self.dataset.id.read_direct_chunk(start)
        if skipped:
            raise ValueError("not all filters were applied to this chunk")
        dtype, extent = self.dataset.dtype, self.dataset.chunks
        decoded = imagecodecs.deflate_decode(encoded, out=math.prod(extent) * dtype.itemsize)
        if self.is_shuffled:
            decoded = numcodecs.Shuffle(dtype.itemsize).decode(decoded)
        return np.frombuffer(decoded, dtype).reshape(extent)


def chunk_reader(dataset: h5py.Dataset, otherwise: Read) -> Read:
    """Return what reads boxes of a dataset: `otherwise`, unless chunks can be decoded here.

    Parameters
    ----------
    dataset
        Any dataset.
    otherwise
        Reads any box of it.
    """
    created = dataset.id.get_create_plist()
    filters = tuple(created.get_filter(i)[0] for i in range(created.get_nfilters()))
    if not dataset.chunks or filters not in _KNOWN or dataset.dtype.kind not in "biuf":
        return otherwise
    return _Chunks(dataset, h5py.h5z.FILTER_SHUFFLE in filters, otherwise)


def _overlap(box: Slices, start: tuple[int, ...], extent: tuple[int, ...]) -> tuple[Slices, Slices]:
    """Return where a chunk and a box overlap: in the box, and in the chunk."""
    first = [max(s.start, a) for s, a in zip(box, start, strict=True)]
    last = [min(s.stop, a + n) for s, a, n in zip(box, start, extent, strict=True)]
    into = (slice(f - s.start, e - s.start) for f, e, s in zip(first, last, box, strict=True))
    within = (slice(f - a, e - a) for f, e, a in zip(first, last, start, strict=True))
    return tuple(into), tuple(within)
