"""Neuroglancer precomputed: images and segmentations of one channel at several scales.

A document ``info`` describes the scales, in the order (x, y, z) and in nm.

Source: the directory ``precomputed`` of Neuroglancer's documentation.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Nm, Zyx
from napari_axonem.volumes.formats.source import Source, one_level
from napari_axonem.volumes.formats.stores import (
    Folder,
    Store,
    StoreFormat,
    Watch,
    document,
    missing,
)
from napari_axonem.volumes.formats.tensors import Tensor, open_tensors
from napari_axonem.volumes.lazy import Level
from napari_axonem.volumes.reduction import Kind

_KINDS: dict[str, Kind] = {"image": "image", "segmentation": "labels"}


@dataclass(frozen=True, slots=True)
class _Scale:
    """One scale, in the order (z, y, x)."""

    index: int
    """Its place in the list of all scales, by which tensorstore opens it."""

    key: str
    resolution: Nm
    offset: Zyx
    is_sharded: bool

    @property
    def start(self) -> Nm:
        """Corner of the first voxel in nm."""
        z, y, x = (o * r for o, r in zip(self.offset, self.resolution, strict=True))
        return z, y, x


def _claim(store: Store) -> str | None:
    info = document(store, "info") or {}
    if "scales" in info and str(info.get("type")) in _KINDS:
        return f"the {store.word} holds info, which describes precomputed scales"
    return None


def _read(store: Store, inner: str) -> Source:
    info = document(store, "info") or {}
    try:
        scales = _of_one_volume([_scale(i, s) for i, s in enumerate(info["scales"])])
        channels = int(info["num_channels"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VolumeError(
            f"precomputed metadata that cannot be understood ({type(error).__name__}: {error})",
            where=f"{store}/info",
            remedy="check that it is complete",
        ) from error
    if channels != 1 or not scales:
        raise VolumeError(
            f"{channels} channels and {len(scales)} scales",
            where=store,
            remedy="give a volume of one channel and at least one scale",
        )
    whole = _source(store, info, scales)
    keys = [scale.key for scale in scales]
    if not inner:
        return whole
    if inner not in keys:
        raise missing(inner, store, keys)
    return one_level(whole, keys.index(inner), str(store.below(inner)))


def _scale(index: int, scale: Mapping[str, Any]) -> _Scale:
    x, y, z = (float(n) for n in scale["resolution"])
    i, j, k = (int(n) for n in scale.get("voxel_offset") or (0, 0, 0))
    if min(x, y, z) <= 0:
        raise ValueError(f"a resolution of {scale['resolution']}")
    return _Scale(index, str(scale["key"]), (z, y, x), (k, j, i), bool(scale.get("sharding")))


def _of_one_volume(scales: list[_Scale]) -> list[_Scale]:
    """Return the scales that begin where the first one does, to less than a voxel of theirs.

    Offsets are whole voxels, so that those of coarser scales are often rounded.
    """
    return [
        scale
        for scale in scales
        if all(
            abs(a - b) < r
            for a, b, r in zip(scale.start, scales[0].start, scale.resolution, strict=True)
        )
    ]


def _source(store: Store, info: Mapping[str, Any], scales: list[_Scale]) -> Source:
    for scale in scales:
        _refuse_packed_files(store, scale)
    driver = "neuroglancer_precomputed"
    specs = [{"driver": driver, "scale_index": scale.index} for scale in scales]
    tensors = open_tensors([store] * len(scales), specs)
    return Source(
        location=str(store),
        format="precomputed",
        levels=tuple(_level(store, t, s) for t, s in zip(tensors, scales, strict=True)),
        factors=tuple(_factor(scales[0], s) for s in scales),
        voxel_size=scales[0].resolution,
        origin=scales[0].start,
        kind=_KINDS[info["type"]],
    )


def _level(store: Store, tensor: Tensor, scale: _Scale) -> Level:
    ordered = Tensor(tensor.array[..., 0], f"{store}/{scale.key}", tensor.is_local).reversed()
    name = None if scale.is_sharded else partial(_file_name, scale, ordered.shape, ordered.chunks)
    return ordered.level((0, 1, 2), Watch.over(store, "info"), name)


def _file_name(
    scale: _Scale, shape: tuple[int, ...], chunks: tuple[int, ...], voxel: tuple[int, ...]
) -> str:
    """Return the name of the file of the chunk that begins at a voxel."""
    edges = [
        f"{o + a}-{o + min(a + c, n)}"
        for o, a, c, n in zip(scale.offset, voxel, chunks, shape, strict=True)
    ]
    return "_".join(reversed(edges))


def _factor(finest: _Scale, scale: _Scale) -> Zyx:
    z, y, x = (
        max(1, round(b / a)) for a, b in zip(finest.resolution, scale.resolution, strict=True)
    )
    return z, y, x


def _refuse_packed_files(store: Store, scale: _Scale) -> None:
    """Raise `VolumeError` where the chunks are files that a web server would have to unpack.

    cloud-volume writes them so; nothing would be found under the names that the format gives.
    """
    folder = store.below(scale.key)
    if not isinstance(folder, Folder) or not folder.path.is_dir():
        return
    with os.scandir(folder.path) as entries:
        first = next((entry.name for entry in entries), "")
    if first.endswith((".gz", ".br", ".zstd")):
        raise VolumeError(
            f"chunks in compressed files such as {first}, which only a web server unpacks",
            where=folder,
            remedy="unpack them (with gunzip -r, say), or write them with compress=None",
        )


PRECOMPUTED = StoreFormat(
    "precomputed", (".precomputed",), ("info",), _claim, _read, lambda _: [""]
)
"""Registered in `napari_axonem.volumes.formats.registry`."""
