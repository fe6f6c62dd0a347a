"""The zarr groups around an image, so that other programs find it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.disk import guarded
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.formats.zarr import open_node, zarr_version


def store_above(path: Path) -> Path | None:
    """Return the outermost folder above `path` that is, or by its name should be, a store."""
    above = [p for p in path.parents if p.suffix.lower() == ".zarr"]
    return above[-1] if above else None


def check(path: Path) -> None:
    """See whether `register` will be able to do its work.

    Raises
    ------
    VolumeError
        A folder between the store and `path` is an array, or a group of zarr 2.
    """
    for folder in _between(path):
        if zarr_version(folder) is not None:
            _group(folder, "r")


def register(path: Path) -> None:
    """Make the image at `path` known in the store around it, if there is one.

    Folders between the store (``NAME.zarr``) and `path` become zarr 3 groups where they are
    none yet, and a group named ``labels`` lists the image.

    Raises
    ------
    VolumeError
        A folder between is an array, or a group of zarr 2.
    StorageError
        The disk cannot be written.
    """
    for folder in _between(path):
        with guarded(folder):
            new = zarr_version(folder) is None
            group = zarr.create_group(folder, zarr_format=3) if new else _group(folder, "r+")
            if folder == path.parent and folder.name == "labels":
                _list_label(group, path.name)


def _between(path: Path) -> list[Path]:
    """Return the store and the folders between it and `path`, outermost first."""
    store = store_above(path)
    if store is None:
        return []
    return [p for p in reversed(path.parents) if p == store or store in p.parents]


def _group(folder: Path, mode: Literal["r", "r+"]) -> zarr.Group:
    node = open_node(folder, mode)
    if not isinstance(node, zarr.Group) or node.metadata.zarr_format != 3:
        raise VolumeError(
            "an image of zarr 3 cannot lie in an array or in a store of zarr 2",
            where=folder,
            remedy="choose a destination outside of it",
        )
    return node


def _list_label(labels: zarr.Group, name: str) -> None:
    ome: Any = labels.attrs.asdict().get("ome") or {"version": ngff.VERSION}
    names = ome.get("labels") or []
    if name not in names:
        labels.attrs["ome"] = {**ome, "labels": [*names, name]}
