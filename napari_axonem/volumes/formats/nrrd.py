"""NRRD: raw, or compressed as a whole, the header attached or in a file of its own.

Source: the definition of the format, "Definition of NRRD File Format" of the Teem project.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.volumes.formats.attributes import Spacing, scaled
from napari_axonem.volumes.formats.flat import Mapped, Whole, corner
from napari_axonem.volumes.formats.libraries import library
from napari_axonem.volumes.formats.source import (
    Format,
    Location,
    Source,
    checked_dtype,
    spatial_axes,
)
from napari_axonem.volumes.formats.units import nm_per
from napari_axonem.volumes.lazy import Level

_TYPES = {
    "i1": ("signed char", "int8"),
    "u1": ("uchar", "unsigned char", "uint8"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16"),
    "i4": ("int", "signed int", "int32"),
    "u4": ("uint", "unsigned int", "uint32"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64"),
    "f4": ("float",),
    "f8": ("double",),
}
_SPATIAL = ("domain", "space", "none", "???")
"""Kinds of axes that can be axes of space."""


def _claim(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return "the file has the NRRD signature" if file.read(6) == b"NRRD00" else None


def _read(location: Location) -> Source:
    path = location.path
    if location.inner:
        raise VolumeError(
            f"an NRRD file has no datasets, but {location.inner!r} was asked for",
            where=path,
            remedy="leave out what follows the name of the file",
        )
    nrrd = library("nrrd", "medical", path)
    try:
        with path.open("rb") as file:
            header = nrrd.read_header(file)
            return _source(path, header, file.tell())
    except AxonemError:
        raise
    except Exception as error:  # whatever pynrrd raises on damaged or exotic headers
        raise VolumeError(
            f"an NRRD header that cannot be understood ({type(error).__name__}: {error})",
            where=path,
            remedy="check that it is complete",
        ) from error


def _source(path: Path, header: Mapping[str, Any], begin: int) -> Source:
    shape = tuple(int(n) for n in header["sizes"][::-1])  # stored is the fastest axis first
    dtype = _dtype(header)
    spatial = _spatial(header)
    names = ["c"] * len(shape)
    for axis, name in zip(spatial, "xyz", strict=False):
        names[len(shape) - 1 - axis] = name
    level = Level(
        stored=_voxels(path, header, begin, shape, dtype),
        stored_shape=shape,
        dtype=checked_dtype(dtype, path),
        where=str(path),
        axes=spatial_axes(shape, names if len(spatial) == 3 else None, path),
    )
    found = _spacing(header, spatial)
    return Source(
        location=str(path),
        format="NRRD",
        levels=(level,),
        voxel_size=found.voxel_size,
        origin=found.origin,
        note=found.note,
    )


def _dtype(header: Mapping[str, Any]) -> np.dtype[Any]:
    word = str(header["type"]).removesuffix("_t")
    found = next((np.dtype(code) for code, words in _TYPES.items() if word in words), None)
    if found is None:
        raise ValueError(f"type {word!r}")
    if found.itemsize > 1 and "endian" not in header:
        raise ValueError("no endian")
    return found.newbyteorder(">" if header.get("endian") == "big" else "<")


def _spatial(header: Mapping[str, Any]) -> list[int]:
    """Return which axes, as the header counts them, are those of space."""
    count = len(header["sizes"])
    kinds = [str(kind).lower() for kind in header.get("kinds", ["none"] * count)]
    return [i for i, kind in enumerate(kinds) if kind in _SPATIAL]


def _voxels(
    path: Path,
    header: Mapping[str, Any],
    begin: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> Mapped | Whole:
    data = _data_file(path, header)
    encoding = str(header["encoding"]).lower()
    if encoding != "raw":
        unpack = partial(_unpack, path, dict(header), begin)
        return Whole.of(unpack, shape, dtype, path)
    begin = begin if data == path else 0
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    if skip == -1:
        begin = data.stat().st_size - math.prod(shape) * dtype.itemsize
    else:
        with data.open("rb") as file:
            file.seek(begin)
            for _ in range(lines):
                file.readline()
            begin = file.tell() + skip
    mapped = Mapped(data, max(0, begin), shape, dtype)
    mapped.check()
    return mapped


def _data_file(path: Path, header: Mapping[str, Any]) -> Path:
    name = str(header.get("data file", header.get("datafile", "")))
    if not name:
        return path
    if name.startswith("LIST") or "%" in name:
        raise VolumeError(
            f"voxels in many files ({name})",
            where=path,
            remedy="save them in one file (with unu save, say)",
        )
    data = path.parent / name
    if not data.is_file():
        raise VolumeError(
            f"its data file {name!r} is missing", where=path, remedy="put it beside its header"
        )
    return data


def _unpack(path: Path, header: dict[str, Any], begin: int) -> npt.NDArray[Any]:
    with path.open("rb") as file:
        file.seek(begin)
        nrrd = library("nrrd", "medical", path)
        return np.asarray(nrrd.read_data(header, file, str(path), "C"))


def _spacing(header: Mapping[str, Any], spatial: list[int]) -> Spacing:
    """Read ``space directions`` and ``space units``, or else ``spacings`` and ``units``."""
    if len(spatial) != 3:
        return Spacing()
    if header.get("space directions") is not None:
        rows = np.asarray(header["space directions"], dtype=np.float64)[spatial]
        units = header.get("space units", [])
        sizes = np.linalg.norm(rows, axis=1)
        start = corner(rows, np.asarray(header.get("space origin", [np.nan] * 3), np.float64))
    elif "spacings" in header:
        sizes = np.asarray(header["spacings"], dtype=np.float64)[spatial]
        units = [u for i, u in enumerate(header.get("units", [])) if i in spatial]
        start = []
    else:
        return Spacing()
    if not np.all(np.isfinite(sizes)) or np.any(sizes <= 0):
        return Spacing(note=f"its spacings are {sizes.tolist()}")
    words = {str(unit).strip('"') for unit in units}
    nm = nm_per(words.pop()) if len(words) == 1 else None
    if nm is None:
        return Spacing(note=f"its spacings x, y, z are {sizes.tolist()} of an unknown unit")
    return Spacing(scaled(sizes[::-1].tolist(), nm), scaled(start, nm) if start else None)


NRRD = Format("NRRD", (".nrrd", ".nhdr"), _claim, _read, lambda _: [""])
"""Registered in `napari_axonem.volumes.formats.registry`."""
