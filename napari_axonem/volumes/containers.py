"""The zarr groups around an image, so that other programs find it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.disk import guarded
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.formats.stores import Folder, refuse_losing
from napari_axonem.volumes.formats.zarr import open_node, zarr_version
from napari_axonem.volumes.formats.zarr_store import node_at


def store_above(path: Path) -> Path | None:
    """Return the outermost folder above `path` that is, or by its name should be, a store."""
    above = [p for p in path.parents if p.suffix.lower() == ".zarr"]
    return above[-1] if above else None


def check(path: Path, version: ngff.Version = ngff.VERSION) -> None:
    """See whether `register` will be able to do its work.

    Raises
    ------
    VolumeError
        A folder between the store and `path` is an array, or a group of another zarr than the
        version of OME-NGFF needs.
    """
    for folder in _between(path):
        if zarr_version(folder) is not None:
            _group(folder, "r", version)


def refuse_loss(path: Path) -> None:
    """See whether a group at `path` may be replaced by an image.

    The levels of the image that it is go with it; nothing says so of anything else in it.

    Raises
    ------
    VolumeError
        It holds other arrays or images, or cannot be read, so that nothing says what it holds.
    """
    if path.is_dir():
        refuse_losing(path, "volumes", lambda: list(_others(Folder(path))))


def _others(store: Folder, depth: int = 8) -> Iterator[str]:
    """Yield the names of the arrays and images in a folder but for its own levels, sorted.

    Folders without metadata are looked into as well: groups of zarr 2 often have none.
    """
    node = node_at(store)
    if depth == 0 or (node and node.is_array):
        return
    image = node.image if node else None
    levels = {PurePosixPath(d.path).parts[0] for d in image.datasets} if image else set()
    for name in (n for n in store.folders() if n not in levels):
        below = node_at(store.below(name))
        if below and (below.is_array or below.image):
            yield name
        yield from (f"{name}/{n}" for n in _others(store.below(name), depth - 1))


def register(path: Path, version: ngff.Version = ngff.VERSION) -> None:
    """Make the image at `path` known in the store around it, if there is one.

    Folders between the store (``NAME.zarr``) and `path` become zarr groups where they are none
    yet, and a group named ``labels`` lists the image.

    Raises
    ------
    VolumeError
        As `check` says.
    StorageError
        The disk cannot be written.
    """
    for folder in _between(path):
        with guarded(folder):
            if zarr_version(folder) is None:
                group = zarr.create_group(folder, zarr_format=ngff.ZARR_FORMAT[version])
            else:
                group = _group(folder, "r+", version)
            if folder == path.parent and folder.name == "labels":
                _list_label(group, path.name, version)


def _between(path: Path) -> list[Path]:
    """Return the store and the folders between it and `path`, outermost first."""
    store = store_above(path)
    if store is None:
        return []
    return [p for p in reversed(path.parents) if p == store or store in p.parents]


def _group(folder: Path, mode: Literal["r", "r+"], version: ngff.Version) -> zarr.Group:
    node = open_node(folder, mode)
    wanted = ngff.ZARR_FORMAT[version]
    if not isinstance(node, zarr.Group) or node.metadata.zarr_format != wanted:
        other = {2: "ome-zarr-0.5", 3: "ome-zarr-0.4"}[wanted]
        raise VolumeError(
            f"an image of zarr {wanted} cannot lie in an array or in a store of zarr {5 - wanted}",
            where=folder,
            remedy=f"choose a destination outside of it, or the format {other}",
        )
    return node


def _list_label(labels: zarr.Group, name: str, version: ngff.Version) -> None:
    found = labels.attrs.asdict()
    names = ngff.listed_labels(found)
    if name not in names:
        listed = ngff.labels_attributes([*names, name], version)
        ome: Any = found.get("ome") or {}
        labels.attrs.update({"ome": ome | listed["ome"]} if "ome" in listed else listed)
