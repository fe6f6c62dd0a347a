"""NIfTI-1 and -2 in one file, as it is or compressed by gzip.

Source: the header ``nifti1.h`` of the NIfTI data format working group.
"""

from __future__ import annotations

import gzip
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.volumes.formats.attributes import Spacing
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

_GZIP = b"\x1f\x8b"

_PLACES = 6
"""Of an origin in nm, behind the point."""


def _claim(path: Path) -> str | None:
    version = _version(path) if path.is_file() else 0
    return f"the file has the NIfTI-{version} signature" if version else None


def _version(path: Path) -> int:
    """Return 1 or 2 by the signature, 0 for another file."""
    with path.open("rb") as file:
        start = file.read(348)
    if start.startswith(_GZIP):
        try:
            with gzip.open(path) as unpacked:
                start = unpacked.read(348)
        except (OSError, EOFError, zlib.error):
            return 0
    if start[344:348] == b"n+1\0":
        return 1
    return 2 if start[4:8] == b"n+2\0" else 0


def _read(location: Location) -> Source:
    path = location.path
    if location.inner:
        raise VolumeError(
            f"a NIfTI file has no datasets, but {location.inner!r} was asked for",
            where=path,
            remedy="leave out what follows the name of the file",
        )
    nibabel = library("nibabel", "medical", path)
    try:
        kind = nibabel.Nifti1Image if _version(path) == 1 else nibabel.Nifti2Image
        image = kind.from_file_map({"image": nibabel.FileHolder(str(path))})
        return _source(path, image)
    except AxonemError:
        raise
    except Exception as error:  # whatever nibabel raises on damaged or exotic headers
        raise VolumeError(
            f"a NIfTI header that cannot be understood ({type(error).__name__}: {error})",
            where=path,
            remedy="check that it is complete",
        ) from error


def _source(path: Path, image: Any) -> Source:  # noqa: ANN401 - nibabel says no types
    proxy = image.dataobj
    shape = (*(1,) * (3 - len(proxy.shape)), *(int(n) for n in proxy.shape[::-1]))
    stored = checked_dtype(proxy.dtype, path)
    if proxy.offset < image.header.single_vox_offset:
        raise ValueError(f"voxels from byte {proxy.offset}, which is inside the header")
    with path.open("rb") as file:
        is_packed = file.read(2) == _GZIP
    read: Mapped | Whole
    if is_packed:
        unpack = partial(_unpack, proxy, shape)
        read = Whole.of(unpack, shape, stored, path)
    else:
        read = Mapped(path, int(proxy.offset), shape, proxy.dtype)
        read.check()
    is_scaled = (proxy.slope, proxy.inter) != (1, 0)
    dtype = np.result_type(stored, np.float32) if is_scaled else stored
    level = Level(
        stored=partial(_scaled, read, proxy.slope, proxy.inter, dtype) if is_scaled else read,
        stored_shape=shape,
        dtype=dtype,
        where=str(path),
        axes=spatial_axes(shape, None, path),
    )
    found = _spacing(image)
    return Source(
        location=str(path),
        format=f"NIfTI-{_version(path)}",
        levels=(level,),
        voxel_size=found.voxel_size,
        origin=found.origin,
        note=found.note,
    )


def _unpack(proxy: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:  # noqa: ANN401
    return np.asarray(proxy.get_unscaled()).T.reshape(shape)


def _scaled(
    read: Mapped | Whole,
    slope: float,
    intercept: float,
    dtype: np.dtype[Any],
    box: Any,  # noqa: ANN401
) -> npt.NDArray[Any]:
    """Return what the stored numbers stand for."""
    values: npt.NDArray[Any] = read(box).astype(dtype) * dtype.type(slope) + dtype.type(intercept)
    return values


def _spacing(image: Any) -> Spacing:  # noqa: ANN401
    """Read the affine where there is one, else ``pixdim``; both in the header's unit of space."""
    header = image.header
    unit = header.get_xyzt_units()[0]
    nm = nm_per(unit)
    stored = header["pixdim"].dtype.newbyteorder("=")
    directions = np.diag([*_decimal(header.get_zooms()[:3], stored), 1.0, 1.0, 1.0][:3])
    start: list[float] = []
    if header["sform_code"] > 0 or header["qform_code"] > 0:
        affine = _decimal(image.affine, stored)
        directions = affine[:3, :3].T
        start = corner(directions, affine[:3, 3])
    sizes = np.linalg.norm(directions, axis=1)
    if nm is None:
        return Spacing(note=f"its voxels x, y, z are {sizes.tolist()} of an unknown unit")
    if not np.all(np.isfinite(sizes)) or np.any(sizes <= 0):
        return Spacing(note=f"its voxels are {sizes.tolist()} {unit}")
    digits = np.finfo(stored).precision  # of what was worked out of a quaternion
    z, y, x = (float(f"{size * nm:.{digits}g}") for size in sizes[::-1])
    if not start:
        return Spacing((z, y, x))
    at_z, at_y, at_x = (round(at * nm, _PLACES) for at in start)
    return Spacing((z, y, x), (at_z, at_y, at_x))


def _decimal(values: npt.ArrayLike, stored: np.dtype[Any]) -> npt.NDArray[np.float64]:
    """Return the shortest decimal numbers that are stored as these: 0.03, not 0.0299999993.

    NIfTI-1 has 32 bits for a number, NIfTI-2 has 64.
    """
    numbers = np.asarray(values, stored)
    return np.array([float(str(n)) for n in numbers.flat]).reshape(numbers.shape)


NIFTI = Format("NIfTI", (".nii", ".nii.gz"), _claim, _read, lambda _: [""])
"""Registered in `napari_axonem.volumes.formats.registry`."""
