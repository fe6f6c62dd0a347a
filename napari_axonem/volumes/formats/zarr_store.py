"""zarr 2 and 3: single arrays, groups, and OME-Zarr 0.1 to 0.5 images and labels.

What a store holds is read from its metadata alone. Arrays on this machine are read by zarr, those
far away or in a zip file by tensorstore.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import zarr

from napari_axonem.errors import VolumeError, VolumeLostError
from napari_axonem.geometry import Zyx
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.formats.attributes import axis_names, spacing
from napari_axonem.volumes.formats.source import Source, one_level, spatial_axes
from napari_axonem.volumes.formats.stores import (
    Folder,
    Store,
    StoreFormat,
    Watch,
    document,
    missing,
    only,
)
from napari_axonem.volumes.formats.tensors import Tensor, open_tensors
from napari_axonem.volumes.formats.zarr import chunk_key, open_node, zarr_level
from napari_axonem.volumes.lazy import Level

_KEYS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")


@dataclass(frozen=True, slots=True)
class Node:
    """An array or a group as its metadata describe it."""

    store: Store
    """Where it lies."""

    key: str
    """Of its metadata."""

    metadata: Mapping[str, Any]
    """What the format says of it."""

    attributes: Mapping[str, Any]
    """What programs say of it."""

    @property
    def version(self) -> int:
        """Of the format: 2 or 3."""
        return 3 if self.key == "zarr.json" else 2

    @property
    def is_array(self) -> bool:
        """Whether it is an array, not a group."""
        return self.key == ".zarray" or self.metadata.get("node_type") == "array"

    @property
    def image(self) -> ngff.Multiscale | None:
        """The multiscale image that it is, None where it is none.

        Raises
        ------
        VolumeError
            Its metadata cannot be understood.
        """
        return None if self.is_array else ngff.parse(self.attributes, str(self.store))


def node_at(store: Store) -> Node | None:
    """Return the array or group at the top of a store, None where there is none.

    Raises
    ------
    VolumeError
        Its metadata are damaged.
    """
    store.expect(_KEYS)
    key = next((k for k in _KEYS if store.read(k) is not None), None)
    if key is None:
        return None
    metadata = document(store, key)
    extra = store.read(".zattrs") is not None and key != "zarr.json"
    found = document(store, ".zattrs") if extra else (metadata or {}).get("attributes", {})
    if metadata is None or not isinstance(found, Mapping):
        raise VolumeError(
            "zarr metadata that cannot be read, because they are no JSON object",
            where=store,
            remedy="check that the store is complete",
        )
    if key == ".zattrs" and "multiscales" not in found:
        return None
    return Node(store, key, metadata, found)


def open_arrays(nodes: list[Node]) -> list[zarr.Array[Any] | Tensor]:
    """Open arrays for reading.

    Raises
    ------
    VolumeError
        One of them cannot be opened; or tensorstore is needed and not installed.
    """
    if isinstance(nodes[0].store, Folder):
        return [_opened(node) for node in nodes]
    specs = [{"driver": {2: "zarr", 3: "zarr3"}[node.version]} for node in nodes]
    return [*open_tensors([node.store for node in nodes], specs)]


def _opened(node: Node) -> zarr.Array[Any]:
    assert isinstance(node.store, Folder)
    array = open_node(node.store.path)
    if isinstance(array, zarr.Array):
        return array
    raise VolumeError(
        "zarr metadata of an array and of a group at once",
        where=node.store,
        remedy="check that the store is complete",
    )


def _level(node: Node, array: zarr.Array[Any] | Tensor, axes: Zyx) -> Level:
    watch = Watch.over(node.store, node.key)
    if isinstance(array, Tensor):
        return array.level(axes, watch, partial(chunk_key, node.metadata))
    return zarr_level(array, str(node.store), axes, watch)


def _claim(store: Store) -> str | None:
    store.expect(_KEYS)
    for key in _KEYS[:3]:
        if store.read(key) is not None:
            version = 3 if key == "zarr.json" else 2
            return f"the {store.word} holds {key}, the metadata of zarr {version}"
    if "multiscales" in (document(store, ".zattrs") or {}):
        return f"the {store.word} holds .zattrs with an OME-Zarr image"
    return None


def _read(store: Store, inner: str) -> Source:
    place = store.below(inner) if inner else store
    node = node_at(place)
    if node is None:
        raise missing(inner, store, list(_volumes(store, levels=True)))
    if node.is_array:
        return _array_source(node)
    image = node.image
    if image is not None:
        return _image_source(node, image)
    return _read(place, only(list(_volumes(place)), place, "zarr"))


def _volumes(
    store: Store, *, levels: bool = False, known: Iterable[str] = (), depth: int = 8
) -> Iterator[str]:
    """Yield the names of the arrays and multiscale images in a group, sorted.

    The labels of an image are named, its levels only where `levels` is true. `known` are names
    inside that a group above told of.
    """
    node = node_at(store)
    if node is None or node.is_array or depth == 0:
        return
    image = None if levels else node.image
    hidden = {PurePosixPath(d.path).parts[0] for d in image.datasets} if image else set()
    told = {*known, *_told(node)}
    here = store.folders()
    for name in here if here is not None else sorted({t.partition("/")[0] for t in told}):
        if name in hidden:
            continue
        below = node_at(store.below(name))
        if below is None:
            continue
        if below.is_array or below.image:
            yield name
        inside = [t.removeprefix(f"{name}/") for t in told if t.startswith(f"{name}/")]
        further = _volumes(below.store, levels=levels, known=inside, depth=depth - 1)
        yield from (f"{name}/{n}" for n in further)


def _told(node: Node) -> set[str]:
    """Return the names that a group tells itself: a store far away is not listed.

    Its consolidated metadata have them, a group ``labels`` does, and beside an image there may
    be that group.
    """
    if node.store.folders() is not None:
        return set()
    consolidated = node.metadata.get("consolidated_metadata") or {}
    if node.version == 2:
        consolidated = document(node.store, ".zmetadata") or {}
    names = {k.rpartition("/.z")[0] if "/.z" in k else k for k in consolidated.get("metadata", {})}
    names |= set(ngff.listed_labels(node.attributes))
    return names | {"labels"} if node.image else names


def _names(store: Store) -> list[str]:
    node = node_at(store)
    itself = node is not None and (node.is_array or node.image is not None)
    return [""] * itself + list(_volumes(store))


def _array_source(node: Node) -> Source:
    found = _level_of_image(node)
    if found is not None:
        return found
    names = axis_names(node.attributes) or _dimension_names(node)
    [array] = open_arrays([node])
    stated = spacing(node.attributes)
    return Source(
        location=str(node.store),
        format=f"zarr {node.version}",
        levels=(_level(node, array, spatial_axes(array.shape, names, node.store)),),
        voxel_size=stated.voxel_size,
        origin=stated.origin,
        note=stated.note,
    )


def _dimension_names(node: Node) -> list[str] | None:
    """Return zarr 3's names of the axes where they all have one and are those of space."""
    names = node.metadata.get("dimension_names") or ()
    known = [str(n).lower() for n in names if n]
    return known if len(known) == len(names) and set("zyx") <= set(known) else None


def _image_source(node: Node, image: ngff.Multiscale, only: int | None = None) -> Source:
    """Return an image, or `only` one of its levels; the scales of all are stated then."""
    part = slice(None) if only is None else slice(only, only + 1)
    nodes = _level_nodes(node, image.datasets[part])
    arrays = open_arrays(nodes)
    shapes: list[tuple[int, ...]] = [()] * len(image.datasets)
    if only is None:
        shapes = [a.shape for a in arrays]
    names = [a.name for a in image.axes]
    grid = ngff.grid_of(image, str(node.store))
    return Source(
        location=str(node.store),
        format=f"OME-Zarr {image.version}",
        levels=tuple(
            _level(n, a, spatial_axes(a.shape, names, n.store))
            for n, a in zip(nodes, arrays, strict=True)
        ),
        factors=ngff.factors_of(image, shapes, str(node.store))[part],
        voxel_size=grid.voxel_size if grid else None,
        origin=grid.origin if grid else None,
        note="" if grid else _why_no_grid(image),
        kind="labels" if image.kind == "labels" else None,
    )


def _level_nodes(node: Node, datasets: Sequence[ngff.Dataset]) -> list[Node]:
    stores = [node.store.below(d.path) for d in datasets]
    for store in stores:
        store.expect(_KEYS)
    nodes = []
    for store, dataset in zip(stores, datasets, strict=True):
        found = node_at(store)
        if found is None or not found.is_array:
            there = "is a group, not an array" if found else "is missing"
            raise VolumeError(
                f"level {dataset.path!r} {there}",
                where=node.store,
                remedy="check that the store is complete",
            )
        nodes.append(found)
    return nodes


def _why_no_grid(image: ngff.Multiscale) -> str:
    scale = image.datasets[0].scale
    if scale is None:
        return "its OME-Zarr metadata have no scale"
    return f"its OME-Zarr scale {list(scale)} has no unit of length"


def _level_of_image(node: Node) -> Source | None:
    """Return the array as one level of a multiscale image in a group above it, if it is one."""
    name, store = "", node.store
    for _ in range(3):
        name = f"{store.name}/{name}".rstrip("/")
        above = store.above()
        group = node_at(above) if above else None
        if above is None or group is None:
            return None
        store = above
        try:
            image = group.image
        except VolumeLostError:
            raise
        except VolumeError:  # its error says to name the array, as was done here
            continue
        paths = [d.path.strip("/") for d in image.datasets] if image else []
        if image and name in paths:
            index, location = paths.index(name), str(node.store)
            if None in [d.scale for d in image.datasets]:
                return one_level(_image_source(group, image), index, location)
            # The other levels need not be there: of large volumes people copy the coarse ones.
            return one_level(_image_source(group, image, index), 0, location, index)
    return None


ZARR = StoreFormat("zarr", (".zarr", ".ome.zarr"), _KEYS, _claim, _read, _names)
"""Registered in `napari_axonem.volumes.formats.registry`."""
