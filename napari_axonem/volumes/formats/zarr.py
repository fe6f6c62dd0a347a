"""zarr 2 and 3: single arrays, groups, and OME-Zarr 0.1 to 0.5 images and labels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Nm, Zyx
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.formats.attributes import axis_names, spacing
from napari_axonem.volumes.formats.source import (
    Format,
    Location,
    Source,
    checked_dtype,
    spatial_axes,
)
from napari_axonem.volumes.lazy import Level

_METADATA: dict[str, Literal[2, 3]] = {"zarr.json": 3, ".zarray": 2, ".zgroup": 2}

_LISTED = 12
"""So many arrays are named in an error."""


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


def zarr_level(array: zarr.Array[Any], where: str, axes: Zyx = (0, 1, 2)) -> Level:
    """Return a zarr array as a level whose stored `axes` are z, y and x."""
    return Level(
        stored=partial(_voxels, array),
        stored_shape=array.shape,
        dtype=checked_dtype(array.dtype, where),
        where=where,
        axes=axes,
        stored_chunks=array.chunks,
    )


def _voxels(array: zarr.Array[Any], box: tuple[slice, ...]) -> npt.NDArray[Any]:
    return np.asarray(array[box])


def _claim(path: Path) -> str | None:
    for name, version in _METADATA.items():
        if (path / name).is_file():
            return f"the folder holds {name}, the metadata of zarr {version}"
    return None


def _read(location: Location) -> Source:
    path = location.path / location.inner
    if zarr_version(path) is None:
        there = _listed(list(_volumes(location.path, levels=True)))
        raise VolumeError(
            f"nothing named {location.inner!r}",
            where=location.path,
            remedy=f"name one of those there: {there}",
        )
    node = open_node(path)
    if isinstance(node, zarr.Array):
        return _array_source(node, path)
    found = ngff.parse(node.attrs.asdict(), str(path))
    if found is not None:
        return _multiscale_source(node, found, path)
    names = list(_volumes(path))
    if len(names) == 1:
        return _read(Location(path, names[0]))
    raise VolumeError(
        f"a zarr group of {len(names)} arrays and images",
        where=path,
        remedy=f"add the name of one of them: {_listed(names)}",
    )


def _volumes(path: Path, *, levels: bool = False, depth: int = 8) -> Iterator[str]:
    """Yield the names of the arrays and multiscale images in a group, sorted.

    The labels of an image are named, its levels only where `levels` is true.
    """
    node = open_node(path)
    if isinstance(node, zarr.Array) or depth == 0:
        return
    image = None if levels else ngff.parse(node.attrs.asdict(), str(path))
    hidden = {PurePosixPath(d.path).parts[0] for d in image.datasets} if image else set()
    for child in sorted(p for p in path.iterdir() if zarr_version(p) and p.name not in hidden):
        below = open_node(child)
        if isinstance(below, zarr.Array) or ngff.parse(below.attrs.asdict(), str(child)):
            yield child.name
        yield from (f"{child.name}/{name}" for name in _volumes(child, depth=depth - 1))


def _names(path: Path) -> list[str]:
    node = open_node(path)
    itself = isinstance(node, zarr.Array) or ngff.parse(node.attrs.asdict(), str(path)) is not None
    return [""] * itself + list(_volumes(path))


def _listed(names: list[str]) -> str:
    few = names[:_LISTED] + ["..."] * (len(names) > _LISTED)
    return ", ".join(few) or "there are none"


def _array_source(array: zarr.Array[Any], path: Path) -> Source:
    level = _level_of_image(array, path)
    if level is not None:
        return level
    attributes = array.attrs.asdict()
    version = array.metadata.zarr_format
    names = axis_names(attributes) or _dimension_names(array)
    found = spacing(attributes)
    return Source(
        location=str(path),
        format=f"zarr {version}",
        levels=(zarr_level(array, str(path), spatial_axes(array.shape, names, path)),),
        voxel_size=found.voxel_size,
        origin=found.origin,
        note=found.note,
    )


def _dimension_names(array: zarr.Array[Any]) -> list[str] | None:
    """Return zarr 3's names of the axes where they all have one and are those of space."""
    names = getattr(array.metadata, "dimension_names", None) or ()
    known = [str(n).lower() for n in names if n]
    return known if len(known) == array.ndim and set("zyx") <= set(known) else None


def _multiscale_source(group: zarr.Group, found: ngff.Multiscale, path: Path) -> Source:
    arrays = [array_in(group, d.path, path) for d in found.datasets]
    names = [a.name for a in found.axes]
    levels = tuple(
        zarr_level(a, f"{path}/{d.path}", spatial_axes(a.shape, names, f"{path}/{d.path}"))
        for a, d in zip(arrays, found.datasets, strict=True)
    )
    grid = ngff.grid_of(found, str(path))
    return Source(
        location=str(path),
        format=f"OME-Zarr {found.version}",
        levels=levels,
        factors=ngff.factors_of(found, [a.shape for a in arrays], str(path)),
        voxel_size=grid.voxel_size if grid else None,
        origin=grid.origin if grid else None,
        note="" if grid else _why_no_grid(found),
    )


def _why_no_grid(found: ngff.Multiscale) -> str:
    scale = found.datasets[0].scale
    if scale is None:
        return "its OME-Zarr metadata have no scale"
    return f"its OME-Zarr scale {list(scale)} has no unit of length"


def _level_of_image(array: zarr.Array[Any], path: Path) -> Source | None:
    """Return the array as one level of a multiscale image in a group above it, if it is one."""
    for group in list(path.parents)[:3]:
        if zarr_version(group) is None:
            return None
        node = open_node(group)
        image = ngff.parse(node.attrs.asdict(), str(group))
        name = path.relative_to(group).as_posix()
        if image and isinstance(node, zarr.Group) and name in [d.path for d in image.datasets]:
            return _one_level(_multiscale_source(node, image, group), name, image, path)
    return None


def _one_level(whole: Source, name: str, image: ngff.Multiscale, path: Path) -> Source:
    index = [d.path for d in image.datasets].index(name)
    factor = whole.factors[index]
    size: Nm | None = None
    if whole.voxel_size:
        z, y, x = (s * f for s, f in zip(whole.voxel_size, factor, strict=True))
        size = (z, y, x)
    return Source(
        location=str(path),
        format=f"{whole.format}, level {index}",
        levels=(whole.levels[index],),
        voxel_size=size,
        origin=whole.origin,
        note=whole.note,
    )


ZARR = Format("zarr", (".zarr", ".ome.zarr"), _claim, _read, _names)
"""Registered in `napari_axonem.volumes.formats.registry`."""
