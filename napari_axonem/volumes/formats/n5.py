"""N5: single arrays, groups, and multiscale groups of several conventions.

A group is multiscale where its ``multiscales`` name arrays (COSEM, OME), or where it holds
arrays ``s0``, ``s1`` and so on (n5-viewer, BigDataViewer, Neuroglancer). Arrays are stored x
first, which tensorstore reads; here they are (z, y, x).

Source: https://github.com/saalfeldlab/n5 and https://github.com/saalfeldlab/n5-viewer
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from napari_axonem.errors import VolumeError, VolumeLostError
from napari_axonem.geometry import Nm, Zyx
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.formats.attributes import Spacing
from napari_axonem.volumes.formats.n5_spacing import axes_of, n5_spacing, transformed
from napari_axonem.volumes.formats.source import Source, one_level, spatial_axes
from napari_axonem.volumes.formats.stores import (
    Store,
    StoreFormat,
    Watch,
    document,
    missing,
    only,
)
from napari_axonem.volumes.formats.tensors import Tensor, open_tensors
from napari_axonem.volumes.lazy import Level

_KEY = "attributes.json"
_OF_ARRAYS = {"dimensions", "blockSize", "dataType"}
_OF_GROUPS = {"n5", "multiScale", "multiscales", "downsamplingFactors", "pixelResolution"}
_MOST_LEVELS = 32
_LOOKED_AT = 200
"""Folders that are looked into for an array before a folder counts as something else."""


@dataclass(frozen=True, slots=True)
class _Pyramid:
    """What a multiscale group says of its arrays."""

    paths: list[str]
    spacing: Spacing
    """Of the finest level."""

    factors: tuple[Zyx, ...] | None
    """By how much (z, y, x) each level is reduced, None where the group does not say."""


def _attributes(store: Store) -> Mapping[str, Any]:
    return document(store, _KEY) or {}


def _is_array(attributes: Mapping[str, Any]) -> bool:
    return attributes.keys() >= _OF_ARRAYS


def _claim(store: Store) -> str | None:
    attributes = _attributes(store)
    if _is_array(attributes):
        return f"the {store.word} holds {_KEY}, the metadata of an N5 array"
    if attributes.keys() & _OF_GROUPS:
        return f"the {store.word} holds {_KEY}, the metadata of an N5 group"
    return None


def _holds(store: Store) -> str | None:
    """Say which array lies in a folder: a group of N5 need not have metadata."""
    inside = next((n for n in islice(_walk(store), _LOOKED_AT) if n[1]), None)
    return f"the {store.word} holds an N5 array, {inside[0]}" if inside else None


def _walk(store: Store, depth: int = 3) -> Iterator[tuple[str, bool]]:
    """Yield the names of all that lies below, and whether each is an array."""
    for name in store.folders() or ():
        below = store.below(name)
        is_array = _is_array(_attributes(below))
        yield name, is_array
        if depth and not is_array:
            yield from ((f"{name}/{n}", found) for n, found in _walk(below, depth - 1))


def _read(store: Store, inner: str) -> Source:
    place = store.below(inner) if inner else store
    attributes = _attributes(place)
    if _is_array(attributes):
        return _array_source(place, attributes)
    pyramid = _pyramid(place)
    if pyramid is not None:
        return _pyramid_source(place, pyramid)
    if inner and not attributes and not place.folders():
        raise missing(inner, store, list(_volumes(store)))
    return _read(place, only(list(_volumes(place)), place, "N5"))


def _names(store: Store) -> list[str]:
    itself = _is_array(_attributes(store)) or _pyramid(store) is not None
    return [""] * itself + list(_volumes(store))


def _volumes(store: Store, depth: int = 8) -> Iterator[str]:
    """Yield the names of the arrays and multiscale groups in a group, sorted."""
    attributes = _attributes(store)
    if _is_array(attributes) or depth == 0:
        return
    pyramid = _pyramid(store)
    hidden = {path.partition("/")[0] for path in pyramid.paths} if pyramid else set()
    for name in (n for n in store.folders() or () if n not in hidden):
        below = store.below(name)
        if _is_array(_attributes(below)) or _pyramid(below):
            yield name
        yield from (f"{name}/{n}" for n in _volumes(below, depth - 1))


def _pyramid(store: Store) -> _Pyramid | None:
    """Return what a group says of its levels, None where it is not multiscale.

    Raises
    ------
    VolumeError
        It is, but what it says cannot be understood.
    """
    attributes = _attributes(store)
    try:
        if attributes.get("multiscales"):
            return _named_levels(store, attributes)
        return _numbered_levels(store, attributes)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise VolumeError(
            f"N5 metadata that cannot be understood ({type(error).__name__}: {error})",
            where=f"{store}/{_KEY}",
            remedy="name one array of the group instead, such as STORE.n5/s0",
        ) from error


def _named_levels(store: Store, attributes: Mapping[str, Any]) -> _Pyramid:
    datasets = attributes["multiscales"][0]["datasets"]
    paths = [str(d["path"]) for d in datasets]
    if "coordinateTransformations" in datasets[0]:
        image = ngff.parse(attributes, str(store))
        grid = ngff.grid_of(image, str(store)) if image else None
        found = Spacing(grid.voxel_size, grid.origin) if grid else n5_spacing(attributes)
        has_scales = image and None not in [d.scale for d in image.datasets]
        shapes = [(1,) * len(image.axes) if image else ()] * len(paths)
        factors = ngff.factors_of(image, shapes, str(store)) if image and has_scales else None
        return _Pyramid(paths, found, factors)
    if "transform" not in datasets[0]:
        return _Pyramid(paths, n5_spacing(attributes), _listed_factors(attributes, len(paths)))
    levels = [transformed(d["transform"]) for d in datasets]
    sizes = [s.voxel_size for s in levels if s.voxel_size]
    ratios = [[b / a for a, b in zip(sizes[0], size, strict=True)] for size in sizes]
    whole = len(sizes) == len(levels)
    return _Pyramid(paths, levels[0], tuple(_factor(r) for r in ratios) if whole else None)


def _numbered_levels(store: Store, attributes: Mapping[str, Any]) -> _Pyramid | None:
    arrays: list[Mapping[str, Any]] = []
    while len(arrays) < _MOST_LEVELS:
        found = _attributes(store.below(f"s{len(arrays)}"))
        if not _is_array(found):
            break
        arrays.append(found)
    if not arrays:
        return None
    stated = n5_spacing(attributes)
    own = n5_spacing(arrays[0]) if stated == Spacing() else stated
    factors = _listed_factors(attributes, len(arrays))
    if factors is None and all("downsamplingFactors" in a for a in arrays[1:]):
        own_factors = [a.get("downsamplingFactors", (1, 1, 1)) for a in arrays]
        factors = tuple(_factor(f[2::-1]) for f in own_factors)
    return _Pyramid([f"s{i}" for i in range(len(arrays))], own, factors)


def _listed_factors(attributes: Mapping[str, Any], count: int) -> tuple[Zyx, ...] | None:
    """Return what a group says of the factors (x, y, z) of all its levels."""
    for name in ("downsamplingFactors", "scales"):
        listed = attributes.get(name)
        if isinstance(listed, list) and len(listed) >= count:
            return tuple(_factor(f[2::-1]) for f in listed[:count])
    return None


def _factor(ratios: list[float]) -> Zyx:
    z, y, x = (max(1, round(float(r))) for r in ratios)
    return z, y, x


def _ratio(extent: int, reduced: int) -> float:
    """Return by how much an extent was reduced: a power of two where one fits."""
    power = 2 ** round(math.log2(extent / reduced))
    return power if reduced in (extent // power, -(-extent // power)) else extent / reduced


def open_arrays(stores: list[Store]) -> list[Tensor]:
    """Open N5 arrays for reading, with their axes from last to first: (z, y, x), (c, z, y, x).

    Raises
    ------
    VolumeError
        One of them cannot be opened, or tensorstore is not installed.
    """
    for store in stores:
        if not _is_array(_attributes(store)):
            raise VolumeError("no N5 array", where=store, remedy="check that it is complete")
    return [t.reversed() for t in open_tensors(stores, [{"driver": "n5"}] * len(stores))]


def _level(store: Store, tensor: Tensor) -> Level:
    attributes = _attributes(store)
    names = axes_of(attributes, len(tensor.shape))
    axes = spatial_axes(tensor.shape, names[::-1], store)
    return tensor.level(axes, Watch.over(store, _KEY), partial(_block_key, tensor.chunks))


def _block_key(chunks: tuple[int, ...], voxel: tuple[int, ...]) -> str:
    index = [str(i // n) for i, n in zip(voxel, chunks, strict=True)]
    return "/".join(reversed(index))


def _array_source(store: Store, attributes: Mapping[str, Any]) -> Source:
    above = _level_above(store)
    if above is not None:
        return above
    [tensor] = open_arrays([store])
    found = n5_spacing(attributes)
    return Source(
        location=str(store),
        format="N5",
        levels=(_level(store, tensor),),
        voxel_size=_times(found.voxel_size, attributes.get("downsamplingFactors")),
        origin=found.origin,
        note=found.note,
    )


def _times(size: Nm | None, factor: object) -> Nm | None:
    """Return a size that stands for the finest level at a level's own factor (x, y, z)."""
    if size is None or not isinstance(factor, list) or len(factor) < 3:
        return size
    z, y, x = (s * float(f) for s, f in zip(size, factor[2::-1], strict=True))
    return z, y, x


def _level_above(store: Store) -> Source | None:
    """Return the array as one level of the multiscale group above it, if it is one."""
    above = store.above()
    try:
        pyramid = _pyramid(above) if above else None
    except VolumeLostError:
        raise
    except VolumeError:  # its error says to name the array, as was done here
        return None
    if above is None or pyramid is None or store.name not in pyramid.paths:
        return None
    index, location = pyramid.paths.index(store.name), str(store)
    if pyramid.factors is None:
        return one_level(_pyramid_source(above, pyramid), index, location)
    # The other levels need not be there: of large volumes people copy the coarse ones.
    alone = _Pyramid([store.name], pyramid.spacing, (pyramid.factors[index],))
    return one_level(_pyramid_source(above, alone), 0, location, index)


def _pyramid_source(store: Store, pyramid: _Pyramid) -> Source:
    stores = [store.below(path) for path in pyramid.paths]
    levels = [_level(s, t) for s, t in zip(stores, open_arrays(stores), strict=True)]
    finest = levels[0].shape
    factors = pyramid.factors or tuple(
        _factor([_ratio(a, b) for a, b in zip(finest, level.shape, strict=True)])
        for level in levels
    )
    return Source(
        location=str(store),
        format="N5",
        levels=tuple(levels),
        factors=factors,
        voxel_size=pyramid.spacing.voxel_size,
        origin=pyramid.spacing.origin,
        note=pyramid.spacing.note,
    )


N5 = StoreFormat("N5", (".n5",), (_KEY,), _claim, _read, _names, _holds)
"""Registered in `napari_axonem.volumes.formats.registry`."""
