"""Reading single chunks of plain zarr arrays without zarr's event loop.

zarr reads every chunk through an event loop in one thread, which costs more than decoding it, and
which all threads that read wait for. What is looked at is read chunk by chunk: for arrays on a
local disk whose codecs are the common ones, the file is decoded here, by the same library
(numcodecs). Everything else is left to zarr.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import numpy.typing as npt
import zarr
from zarr.storage import LocalStore

from napari_axonem.volumes.lazy import Read

Decode = Callable[..., Any]
"""Takes what is encoded, and perhaps the array to put the result into."""

_CODECS = ("blosc", "gzip", "zstd")
"""Compressors that zarr 3 and numcodecs know by the same name."""


@dataclass(frozen=True, slots=True, eq=False)
class _Chunks:
    folder: Path
    name: Callable[[tuple[int, ...]], str]
    extent: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: Any
    decode: tuple[Decode, ...]
    otherwise: Read

    def __call__(self, box: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Read a box; one that lies in several chunks is left to zarr."""
        index = [s.start // n for s, n in zip(box, self.extent, strict=True)]
        if any((s.stop - 1) // n != i for s, n, i in zip(box, self.extent, index, strict=True)):
            return self.otherwise(box)
        try:
            voxels = self._decoded(index)
        except Exception:
            return self.otherwise(box)
        inner = [
            slice(s.start - i * n, s.stop - i * n)
            for s, n, i in zip(box, self.extent, index, strict=True)
        ]
        return voxels[tuple(inner)]

    def _decoded(self, index: Sequence[int]) -> npt.NDArray[Any]:
        """Return a whole chunk as an array of its own, which may be written to."""
        try:
            encoded: Any = (self.folder / self.name(tuple(index))).read_bytes()
        except FileNotFoundError:  # a chunk that was never written
            return np.full(self.extent, self.fill, self.dtype)
        *first, last = self.decode
        for decode in first:
            encoded = decode(encoded)
        voxels = np.empty(self.extent, self.dtype)
        last(encoded, voxels)
        return voxels


def chunk_reader(array: zarr.Array[Any], otherwise: Read) -> Read:
    """Return what reads boxes of an array: `otherwise`, unless chunks can be read directly.

    Parameters
    ----------
    array
        Any zarr array.
    otherwise
        Reads any box of it.
    """
    store = array.store
    if not isinstance(store, LocalStore) or not array.chunks or math.prod(array.chunks) == 0:
        return otherwise
    metadata: dict[str, Any] = json.loads(json.dumps(array.metadata.to_dict(), default=str))
    decode = _decoders(metadata)
    if decode is None or np.dtype(array.dtype).kind not in "biuf":
        return otherwise
    return _Chunks(
        folder=Path(store.root) / array.path,
        name=array.metadata.encode_chunk_key,
        extent=tuple(array.chunks),
        dtype=np.dtype(array.dtype),
        fill=0 if array.fill_value is None else array.fill_value,
        decode=decode,
        otherwise=otherwise,
    )


def _decoders(metadata: Mapping[str, Any]) -> tuple[Decode, ...] | None:
    """Return what undoes the codecs, in order; None where one of them is not among ours."""
    if metadata["zarr_format"] == 2:
        if metadata.get("filters") or metadata.get("order", "C") != "C":
            return None
        compressor = metadata.get("compressor")
        return None if compressor is None else (numcodecs.get_codec(dict(compressor)).decode,)
    if metadata["chunk_grid"]["name"] != "regular":
        return None
    first, *others = metadata["codecs"]
    if first["name"] != "bytes" or any(codec["name"] not in _CODECS for codec in others):
        return None
    if first.get("configuration", {}).get("endian", "little") != "little":
        return None
    return tuple(numcodecs.get_codec({"id": c["name"]}).decode for c in reversed(others)) or None
