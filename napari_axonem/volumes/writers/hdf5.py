"""HDF5: a file of one dataset, in chunks compressed by gzip."""

from __future__ import annotations

import contextlib
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.progress import Progress
from napari_axonem.volumes.checksum import tiled_block
from napari_axonem.volumes.chunking import natural_chunk
from napari_axonem.volumes.disk import guarded, reserved
from napari_axonem.volumes.formats.hdf5 import dataset_names, open_file
from napari_axonem.volumes.formats.stores import refuse_losing
from napari_axonem.volumes.writers.sink import Content, Writer

_LEVEL = 1
"""Higher levels of gzip take several times as long for a few per cent."""

_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Dataset:
    """A dataset that is being written.

    HDF5 compresses one chunk at a time and holds a lock meanwhile: chunks are compressed here,
    by several threads, and handed over as they are to lie in the file.
    """

    path: Path
    file: h5py.File
    array: h5py.Dataset
    block: Zyx
    pool: ThreadPoolExecutor
    held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def is_parallel(self) -> bool:
        """One process writes a file of HDF5."""
        return False

    def write(self, box: Box, voxels: npt.NDArray[Any]) -> None:
        """Write one block of whole chunks."""
        pieces = list(blocks(box, self.array.chunks))
        parts = (voxels[piece.relative_to(box.start).slices] for piece in pieces)
        with guarded(self.path):
            for piece, packed in zip(pieces, self.pool.map(self._packed, parts), strict=True):
                self.array.id.write_direct_chunk(piece.start, packed)
            self.file.flush()

    def _packed(self, voxels: npt.NDArray[Any]) -> bytes:
        """Return a chunk after HDF5's filters shuffle (bytes of equal rank together) and gzip."""
        chunk = np.zeros(self.array.chunks, self.array.dtype)
        chunk[Box.of_shape(voxels.shape).slices] = voxels
        ranks = chunk.reshape(-1).view(np.uint8).reshape(chunk.size, chunk.itemsize)
        return zlib.compress(ranks.T.tobytes(), _LEVEL)

    def finish(self, progress: Progress) -> None:
        """Close the file."""
        with guarded(self.path):
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.held.close()


def _create(path: Path, content: Content) -> _Dataset:
    chunk = natural_chunk(content.grid.voxel_size)
    with contextlib.ExitStack() as held, guarded(path):
        file = held.enter_context(h5py.File(path, "x"))
        held.enter_context(reserved(path))  # given back before the file is closed
        array = file.create_dataset(
            content.name,
            content.shape,
            content.dtype,
            chunks=tuple(min(c, n) for c, n in zip(chunk, content.shape, strict=True)),
            compression="gzip",
            compression_opts=_LEVEL,
            shuffle=True,
        )
        array.attrs["axes"] = "zyx"
        array.attrs["voxel_size_nm"] = np.asarray(content.grid.voxel_size, dtype=np.float64)
        array.attrs["origin_nm"] = np.asarray(content.grid.origin, dtype=np.float64)
        block = tiled_block(content.shape, chunk, content.dtype.itemsize, content.grid.voxel_size)
        pool = held.enter_context(ThreadPoolExecutor(_THREADS))
        return _Dataset(path, file, array, block, pool, held.pop_all())
    raise AssertionError("unreachable: nothing above is suppressed")


def _check(path: Path, content: Content) -> None:
    """Raise `VolumeError` where replacing an HDF5 file would lose other datasets, or may."""
    if not path.is_file() or not h5py.is_hdf5(path):
        return

    def others() -> list[str]:
        with open_file(path) as file:
            return [name for name in dataset_names(file) if name != content.name]

    refuse_losing(path, "datasets", others)


HDF5 = Writer(
    name="HDF5",
    suffixes=(".h5", ".hdf5", ".hdf", ".he5"),
    create=_create,
    has_datasets=True,
    check=_check,
)
"""Registered in `napari_axonem.volumes.writers.registry`."""
