"""The zarr arrays of a pyramid: how they are laid out, and written chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import numpy.typing as npt
import zarr
import zarr.codecs

from napari_axonem.errors import AxonemError, StorageError
from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.volumes.disk import guarded
from napari_axonem.volumes.formats import ngff

_WRITERS = min(8, os.cpu_count() or 1)
"""Chunks of one block that are compressed and written at the same time."""

_LAYOUT: dict[ngff.Version, dict[str, Any]] = {
    "0.5": {
        "compressors": zarr.codecs.ZstdCodec(level=1, checksum=True),
        "dimension_names": ("z", "y", "x"),
    },
    "0.4": {
        "compressors": numcodecs.Zstd(level=1),
        "chunk_key_encoding": {"name": "v2", "separator": "/"},
    },
}
"""zstd is on ids and EM grey values alike as small as Blosc's shuffles and higher levels, and
faster. With its checksum a damaged chunk is an error, never other ids; readers of zarr 2 other
than zarr-python do not know that option.
"""


def create_arrays(
    path: Path,
    attributes: dict[str, Any],
    shapes: Sequence[Zyx],
    dtype: np.dtype[Any],
    chunk: Zyx,
    version: ngff.Version,
) -> tuple[zarr.Array[Any], ...]:
    """Make a group at `path` with arrays named ``"0"``, ``"1"`` … that read as 0.

    Parameters
    ----------
    attributes
        Of the group.
    shapes
        Extent (z, y, x) of each array.
    dtype, chunk
        Of all arrays.
    version
        OME-NGFF 0.5 is kept in zarr 3, 0.4 in zarr 2.

    Raises
    ------
    StorageError
        The disk cannot be written.
    """
    with guarded(path):
        group = zarr.create_group(
            path, zarr_format=ngff.ZARR_FORMAT[version], attributes=attributes
        )
        return tuple(
            group.create_array(
                str(level), shape=shape, dtype=dtype, chunks=chunk, fill_value=0, **_LAYOUT[version]
            )
            for level, shape in enumerate(shapes)
        )


def write_chunks(
    array: zarr.Array[Any], box: Box, voxels: npt.NDArray[Any], level: int, where: object
) -> None:
    """Write `voxels` (z, y, x) to `box`; when an error is raised, no chunk is still on its way.

    Parameters
    ----------
    level, where
        What to call the array in errors.

    Raises
    ------
    StorageError
        The disk cannot be written, or a chunk of which only a part is written is damaged.
    """

    def write(piece: Box) -> None:
        try:
            with guarded(where):
                array[piece.slices] = voxels[piece.relative_to(box.start).slices]
        except AxonemError:
            raise
        except Exception as error:  # a chunk that is only partly covered is read first
            raise StorageError(
                f"voxels {piece.start}..{piece.stop} of level {level} cannot be written "
                f"({type(error).__name__}: {error})",
                where=where,
                remedy="check that its files are complete",
            ) from error

    # One call for each chunk, and all of them waited for: of one call for many, zarr goes on
    # writing the others in the background after it has raised the error of the first.
    pieces = list(blocks(box, Box.of_shape(array.chunks).shape))
    if len(pieces) == 1:
        write(pieces[0])
        return
    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(write, pieces))
