"""The one dataset of a file of the release, as an array that is read piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Grid, Zyx, zyx
from napari_axonem.volumes.axonem.release import DATASET
from napari_axonem.volumes.chunking import BLOCK_BYTES, block_shape, natural_chunk
from napari_axonem.volumes.formats.hdf5 import dataset_names
from napari_axonem.volumes.formats.source import checked_dtype
from napari_axonem.volumes.lazy import Level


def dataset_listing(file: h5py.File, where: object) -> list[str]:
    """Return the names of all datasets of an open file.

    Raises
    ------
    VolumeError
        The file is damaged.
    """
    try:
        return dataset_names(file)
    except Exception as error:  # whatever HDF5 raises on a damaged tree of names
        raise VolumeError(
            f"its datasets cannot be listed ({error})",
            where=where,
            remedy="check that it is complete, and fetch it again",
        ) from error


def main_level(file: h5py.File, where: object) -> Level:
    """Return the dataset ``main`` of an open file; no voxels are read.

    Raises
    ------
    VolumeError
        There is none, or not one of numbers along three axes.
    """
    names = dataset_listing(file, where)
    if DATASET not in names:
        raise VolumeError(
            f"no dataset {DATASET!r}" + (f", but {', '.join(names[:6])}" if names else ""),
            where=where,
        )
    dataset = file[DATASET]
    if len(dataset.shape or ()) != 3:
        raise VolumeError(
            f"dataset {DATASET!r} has the shape {dataset.shape}, not three axes", where=where
        )
    return Level(
        stored=partial(_voxels, dataset),
        stored_shape=dataset.shape,
        dtype=checked_dtype(dataset.dtype, where),
        where=str(where),
        stored_chunks=dataset.chunks,
    )


def _voxels(dataset: h5py.Dataset, box: tuple[slice, ...]) -> npt.NDArray[Any]:
    return np.asarray(dataset[box])


def common_block(levels: Sequence[Level], grid: Grid, limit_bytes: int = BLOCK_BYTES) -> Zyx:
    """Return a shape of block (z, y, x) in which several arrays are read side by side.

    It holds the largest chunk of any of them, so that no chunk is decoded for many blocks.
    """
    chunks = [level.chunks or natural_chunk(grid.voxel_size) for level in levels]
    itemsize = sum(level.dtype.itemsize for level in levels)
    chunk = zyx(np.max(chunks, axis=0))
    return block_shape(levels[0].shape, chunk, itemsize, grid.voxel_size, limit_bytes)
