"""Affinities: how strongly each voxel belongs together with its lower neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.formats.hdf5 import HDF5
from napari_axonem.volumes.formats.registry import find
from napari_axonem.volumes.formats.source import Location
from napari_axonem.volumes.formats.zarr import ZARR, open_node
from napari_axonem.volumes.volume import LazyArray


def open_affinities(location: str | Path) -> LazyArray:
    """Open affinities lazily.

    Parameters
    ----------
    location
        ``file.h5:dataset`` or ``store.zarr/path``.

    Returns
    -------
    An array (3, z, y, x), float in 0..1 or uint8 in 0..255; channel c holds the affinity of a
    voxel to its neighbour one lower along axis c.

    Raises
    ------
    VolumeError
        There is no array of four axes with three channels first.
    """
    found, known, _ = find(location)
    array = _array(found, known)
    if (
        array is None
        or len(array.shape) != 4
        or array.shape[0] != 3
        or array.dtype.kind not in "fu"
    ):
        seen = "no array" if array is None else f"an array {array.dtype} {tuple(array.shape)}"
        raise VolumeError(
            f"{seen} where affinities were wanted",
            where=location,
            remedy="name an array (3, z, y, x) of float in 0..1 or uint8 in HDF5 or zarr",
        )
    affinities: LazyArray = array
    return affinities


def _array(found: Location, known: object) -> Any:  # noqa: ANN401 - h5py says no types
    if known is HDF5:
        node = h5py.File(found.path, "r").get(found.inner)
        return node if isinstance(node, h5py.Dataset) else None
    if known is ZARR:
        node = open_node(found.path / found.inner)
        return node if isinstance(node, zarr.Array) else None
    return None
