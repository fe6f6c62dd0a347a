"""Affinities: how strongly each voxel belongs together with its lower neighbours."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import h5py

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.formats import n5, zarr_store
from napari_axonem.volumes.formats.hdf5 import HDF5, node_in, open_file
from napari_axonem.volumes.formats.registry import Found, find
from napari_axonem.volumes.formats.source import Location
from napari_axonem.volumes.formats.stores import Folder, Store
from napari_axonem.volumes.volume import LazyArray


def open_affinities(location: str | Path) -> LazyArray:
    """Open affinities lazily.

    Parameters
    ----------
    location
        ``file.h5:dataset``, ``store.zarr/path``, ``store.n5/path``, or the address of such a
        store.

    Returns
    -------
    An array (3, z, y, x), float in 0..1 or uint8 in 0..255; channel c holds the affinity of a
    voxel to its neighbour one lower along axis c. In N5 the channels are the last axis.

    Raises
    ------
    VolumeError
        There is no array of four axes with three channels first, or it cannot be opened.
    """
    array = _array(find(location))
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
            remedy="name an array (3, z, y, x) of float in 0..1 or uint8 in HDF5, zarr or N5",
        )
    affinities: LazyArray = array
    return affinities


def _array(found: Found) -> Any:  # noqa: ANN401 - h5py says no types
    if found.format == HDF5.name and isinstance(found.place, Location):
        with contextlib.ExitStack() as held:
            node = node_in(held.enter_context(open_file(found.place.path)), found.place)
            if isinstance(node, h5py.Dataset):
                held.pop_all()  # the dataset keeps its file open
                return node
        return None
    store = _store(found)
    if found.format == zarr_store.ZARR.name:
        at = zarr_store.node_at(store)
        return zarr_store.open_arrays([at])[0] if at and at.is_array else None
    return n5.open_arrays([store])[0] if found.format == n5.N5.name else None


def _store(found: Found) -> Store:
    if isinstance(found.place, Location):
        return Folder(found.place.path / found.inner)
    return found.place.below(found.inner)
