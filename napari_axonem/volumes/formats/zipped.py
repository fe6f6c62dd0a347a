"""Stores in a zip file (``NAME.zarr.zip``, ``NAME.ozx``)."""

from __future__ import annotations

import zipfile
from pathlib import Path

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.formats.n5 import N5
from napari_axonem.volumes.formats.precomputed import PRECOMPUTED
from napari_axonem.volumes.formats.remote import KeyValues
from napari_axonem.volumes.formats.source import Format, Location, Source
from napari_axonem.volumes.formats.stores import Store, StoreFormat, listed
from napari_axonem.volumes.formats.zarr_store import ZARR

_INSIDE: tuple[StoreFormat, ...] = (ZARR, N5, PRECOMPUTED)


def _claim(path: Path) -> str | None:
    if path.is_file() and zipfile.is_zipfile(path):
        return "the file is a zip file"
    return None


def _inside(path: Path) -> tuple[Store, str, StoreFormat]:
    """Return the store in a zip file: the file itself, or the only folder in it; and its name."""
    top = KeyValues.in_zip(path)
    folders = top.folders() or []
    for name in ["", *folders[: len(folders) == 1]]:
        store = top.below(name)
        for known in _INSIDE:
            if known.claim(store) or known.holds(store):
                return store, name, known
    raise VolumeError(
        "a zip file without a volume at its top"
        + (f"; its folders are {listed(folders)}" if folders else ""),
        where=path,
        remedy="unpack it, and give what is in it",
    )


def _read(location: Location) -> Source:
    store, name, known = _inside(location.path)
    inner = location.inner
    if name and f"{inner}/".startswith(f"{name}/"):
        inner = inner[len(name) + 1 :]
    return known.read(store, inner)


def _names(path: Path) -> list[str]:
    store, name, known = _inside(path)
    return [f"{name}/{n}".strip("/") if n else n for n in known.names(store)]


ZIP = Format("zip", (".zip", ".ozx"), _claim, _read, _names)
"""Registered in `napari_axonem.volumes.formats.registry`."""
