"""Arrays and groups of zarr 2 and 3 on this machine, by zarr."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Zyx
from napari_axonem.volumes.formats.source import checked_dtype
from napari_axonem.volumes.formats.zarr_fast import chunk_reader
from napari_axonem.volumes.lazy import Level

_METADATA: dict[str, Literal[2, 3]] = {"zarr.json": 3, ".zarray": 2, ".zgroup": 2}


def zarr_version(path: Path) -> Literal[2, 3] | None:
    """Return the version of the zarr format of the array or group at `path`, None for neither."""
    return next((v for name, v in _METADATA.items() if (path / name).is_file()), None)


def open_node(path: Path, mode: Literal["r", "r+"] = "r") -> zarr.Array[Any] | zarr.Group:
    """Open the array or group at `path`.

    Raises
    ------
    VolumeError
        There is none, or its metadata are damaged.
    """
    version = zarr_version(path)
    if version is None:
        raise VolumeError("no zarr array or group", where=path, remedy="check the path")
    try:
        return zarr.open(path, mode=mode, zarr_format=version)
    except Exception as error:  # whatever zarr and its codecs raise on damaged metadata
        raise VolumeError(
            f"zarr metadata that cannot be read ({type(error).__name__}: {error})",
            where=path,
            remedy="check that the store is complete",
        ) from error


def array_in(group: zarr.Group, name: str, where: Path) -> zarr.Array[Any]:
    """Return the array called `name` in `group`, which lies at `where`.

    Raises
    ------
    VolumeError
        There is none, or its metadata are damaged.
    """
    try:
        node = group[name]
    except Exception as error:  # whatever zarr raises on a missing or damaged array
        raise VolumeError(
            f"level {name!r} cannot be opened ({type(error).__name__}: {error})",
            where=where,
            remedy="check that the store is complete",
        ) from error
    if not isinstance(node, zarr.Array):
        raise VolumeError(f"level {name!r} is a group, not an array", where=where)
    return node


def zarr_level(
    array: zarr.Array[Any],
    where: str,
    axes: Zyx = (0, 1, 2),
    watch: Callable[[npt.NDArray[Any] | None], None] | None = None,
) -> Level:
    """Return a zarr array as a level whose stored `axes` are z, y and x."""
    return Level(
        stored=chunk_reader(array, partial(_voxels, array)),
        stored_shape=array.shape,
        dtype=checked_dtype(array.dtype, where),
        where=where,
        axes=axes,
        stored_chunks=array.chunks,
        chunk_name=partial(_chunk_key, array),
        watch=watch,
    )


def _voxels(array: zarr.Array[Any], box: tuple[slice, ...]) -> npt.NDArray[Any]:
    return np.asarray(array[box])


def _chunk_key(array: zarr.Array[Any], voxel: tuple[int, ...]) -> str:
    return chunk_key(array.metadata.to_dict(), voxel)


def chunk_key(metadata: Mapping[str, Any], voxel: tuple[int, ...]) -> str:
    """Return the key below an array, often a file, of the chunk or shard that holds a voxel.

    Parameters
    ----------
    metadata
        Of the array: ``zarr.json`` or ``.zarray``.
    voxel
        Its index as stored.
    """
    if metadata["zarr_format"] == 2:
        extent, separator, first = metadata["chunks"], metadata.get("dimension_separator"), []
    else:
        extent = metadata["chunk_grid"]["configuration"]["chunk_shape"]
        encoding = metadata["chunk_key_encoding"]
        separator = (encoding.get("configuration") or {}).get("separator")
        is_default = encoding["name"] == "default"
        first, separator = (["c"], separator or "/") if is_default else ([], separator)
    index = [str(i // n) for i, n in zip(voxel, extent, strict=True)]
    return (separator or ".").join(first + index)
