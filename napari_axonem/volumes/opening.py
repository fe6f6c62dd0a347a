"""Open a volume of any known format lazily."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_axonem.errors import (
    VolumeError,
    VolumeLostError,
    VoxelSizeUnknownError,
)
from napari_axonem.geometry import Grid, Nm, Zyx
from napari_axonem.volumes.formats.hdf5 import HDF5
from napari_axonem.volumes.formats.registry import Found, find
from napari_axonem.volumes.formats.source import Source
from napari_axonem.volumes.reduction import Kind
from napari_axonem.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class VolumeInfo:
    """What a file says of the volume in it."""

    location: str
    """Where it lies, in the form that `open_volume` takes."""

    format: str
    """The format as a word for people."""

    reason: str
    """Why the file was taken for that format."""

    shape: Zyx
    """Extent (z, y, x) of the finest level in voxels."""

    dtype: np.dtype[Any]
    """Type of a voxel."""

    voxel_size: Nm | None
    """Edges (z, y, x) of a voxel in nm, None where the file does not state them."""

    origin: Nm | None
    """Corner (z, y, x) of the first voxel in nm, None where the file does not state it."""

    chunks: Zyx | None
    """Extent (z, y, x) of what is read from disk at once, None where there are no chunks."""

    levels: tuple[tuple[Zyx, Zyx], ...]
    """Shape and factor (z, y, x) of every level, finest first."""


def open_volume(
    location: str | Path, *, voxel_size: Nm | None = None, origin: Nm | None = None
) -> Volume:
    """Open a volume; no voxels are read.

    Parameters
    ----------
    location
        A file or folder: ``file.tif``, ``file.h5:dataset`` (the dataset may be left out where
        the file has only one of three axes), ``store.zarr/path``; or an address such as
        ``gs://bucket/path``, which `napari_axonem.volumes.formats.addresses` describes. Paths may
        hold spaces and colons.
    voxel_size, origin
        In nm (z, y, x); they take precedence over what the file says.

    Raises
    ------
    VolumeError
        There is no volume there, or it is damaged or of a kind that cannot be used.
    VoxelSizeUnknownError
        Neither the file nor the caller states the voxel size.
    """
    source, _ = _read(find(location))
    size = _checked("voxel size", voxel_size, location) or source.voxel_size
    if size is None or min(size) <= 0:
        note = f" ({source.note})" if source.note else ""
        raise VoxelSizeUnknownError(
            f"the file does not state its voxel size{note}",
            where=source.location,
            remedy="pass --voxel-size Z,Y,X in nm",
        )
    start = _checked("origin", origin, location) or source.origin or (0.0, 0.0, 0.0)
    return Volume(
        levels=source.levels,
        factors=source.factors,
        grid=Grid(size, start),
        location=source.location,
        format=source.format,
        kind=source.kind,
        opened=source.levels,
        reopen=reopened,
    )


def reopened(
    location: str, grid: Grid, kind: Kind | None, shape: Zyx, dtype: np.dtype[Any]
) -> Volume:
    """Open a volume again that another process had open, as it was there.

    Raises
    ------
    VolumeLostError
        Another one is there now.
    VolumeError
        It cannot be opened.
    """
    volume = open_volume(location, voxel_size=grid.voxel_size, origin=grid.origin)
    if (volume.shape, volume.dtype) != (shape, dtype):
        raise VolumeLostError(
            f"{volume.dtype} {volume.shape} now, {dtype} {shape} when it was opened",
            where=location,
            remedy="open it again",
        )
    return dataclasses.replace(volume, kind=kind)


def describe(location: str | Path) -> VolumeInfo:
    """Return what the file at `location` says of its volume; no voxels are read.

    Raises
    ------
    VolumeError
        There is no volume there, or it is damaged or of a kind that cannot be used.
    """
    found = find(location)
    source, more = _read(found)
    finest = source.levels[0]
    return VolumeInfo(
        location=source.location,
        format=source.format,
        reason=found.reason + more,
        shape=finest.shape,
        dtype=finest.dtype,
        voxel_size=source.voxel_size,
        origin=source.origin,
        chunks=finest.chunks,
        levels=tuple((a.shape, f) for a, f in zip(source.levels, source.factors, strict=True)),
    )


def _read(found: Found) -> tuple[Source, str]:
    """Read what was found, and say what else than its content had to be looked at.

    Files of the AxonEM release do not state their voxel size and place; their names do.
    """
    # Here, because training blocks are opened by `open_volume`.
    from napari_axonem.volumes.axonem.placing import grid_by_name

    source = found.read()
    grid = None
    if source.voxel_size is None and source.format == HDF5.name:
        grid = grid_by_name(source.location, source.levels[0].shape)
    if grid is None:
        return source, ""
    placed = dataclasses.replace(source, voxel_size=grid.voxel_size, origin=grid.origin)
    return placed, "; by name and shape it is of the AxonEM release, which says size and origin"


def _checked(what: str, value: Sequence[float] | None, where: object) -> Nm | None:
    """Return three finite lengths as floats, None for None."""
    if value is None:
        return None
    if len(value) != 3 or not all(math.isfinite(v) for v in value):
        raise VolumeError(f"{what} {tuple(value)} is not three numbers", where=where)
    z, y, x = (float(v) for v in value)
    if what == "voxel size" and min(z, y, x) <= 0:
        raise VolumeError(f"voxel size {(z, y, x)} is not positive", where=where)
    return z, y, x
