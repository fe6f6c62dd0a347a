"""TIFF: multi-page, BigTIFF, tiled, compressed, ImageJ and OME, pyramids.

Of several series in a file the first is read. A single page is a volume of one section. Pages
that are called time, or nothing in particular, are sections where nothing else is.
"""

from __future__ import annotations

import math
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Zyx
from napari_axonem.volumes.formats.source import (
    Format,
    Location,
    Source,
    checked_dtype,
    spatial_axes,
)
from napari_axonem.volumes.formats.tiff_spacing import tiff_spacing
from napari_axonem.volumes.lazy import Level

_SIGNATURES = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "BigTIFF",
    b"MM\0+": "BigTIFF",
}

_WHOLE_PAGE_BYTES = 2**26
"""Pages of strips up to this size are read whole: a strip is often a single row."""


def _claim(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        name = _SIGNATURES.get(file.read(4))
    return f"the file has the {name} signature" if name else None


class _Pages:
    """One level of a series, read lazily; the file is closed when nobody needs it any more."""

    def __init__(self, file: tifffile.TiffFile, level: int) -> None:
        series = file.series[0]
        page = series.levels[level].keyframe
        if math.prod(page.chunked) > len(page.dataoffsets):
            # Looked at first: a wrong extent can ask for millions of segments.
            raise ValueError(f"{len(page.dataoffsets)} segments for an image of {page.shape}")
        whole = not page.is_tiled and page.nbytes <= _WHOLE_PAGE_BYTES
        store = series.aszarr(level=level, chunkmode="page" if whole else None)
        self._array = zarr.open_array(store, mode="r", zarr_format=2)
        self.shape: tuple[int, ...] = self._array.shape
        self.chunks: tuple[int, ...] = self._array.chunks
        self._file = file  # keeps it open as long as any of its levels is in use

    def __call__(self, box: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Read a box; the first of two indices is a section where there is only one page."""
        return np.asarray(self._array[box[-len(self.shape) :]]).reshape(
            [s.stop - s.start for s in box]
        )


class _File(tifffile.TiffFile):  # type: ignore[misc]
    """A TIFF file that closes itself when it is no longer used."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.__finalizer = weakref.finalize(self, self.filehandle.close)


def _read(location: Location) -> Source:
    where = location.path
    if location.inner:
        raise VolumeError(
            f"a TIFF file has no datasets, but {location.inner!r} was asked for",
            where=where,
            remedy="leave out what follows the name of the file",
        )
    try:
        file = _File(where)
        levels = [_Pages(file, i) for i in range(len(file.series[0].levels))]
        found = tiff_spacing(file)
    except Exception as error:  # whatever tifffile raises on damaged or exotic files
        raise VolumeError(
            f"a TIFF file that cannot be opened ({type(error).__name__}: {error})",
            where=where,
            remedy="check that it is complete",
        ) from error
    _check_complete(file, where)
    names = _names(file.series[0].axes)
    arrays = tuple(_level(pages, names, file.series[0].dtype, where) for pages in levels)
    return Source(
        location=str(where),
        format="BigTIFF" if file.is_bigtiff else "TIFF",
        levels=arrays,
        factors=tuple(_factor(arrays[0].shape, a.shape) for a in arrays),
        voxel_size=found.voxel_size,
        origin=found.origin,
        note=found.note,
    )


def _level(pages: _Pages, names: list[str], dtype: object, where: Path) -> Level:
    ones = (1,) * (len(names) - len(pages.shape))
    shape = ones + pages.shape
    return Level(
        stored=pages,
        stored_shape=shape,
        dtype=checked_dtype(dtype, where),
        where=str(where),
        axes=spatial_axes(shape, names, where),
        stored_chunks=ones + pages.chunks,
    )


def _names(axes: str) -> list[str]:
    """Return the names of the axes, with a z among them.

    tifffile calls pages of which the file says nothing I or Q; programs that know of time but
    not of depth call sections T.
    """
    names = list(axes.lower())
    if "z" not in names:
        for other in "iqt":
            if names.count(other) == 1:
                names[names.index(other)] = "z"
                return names
        return ["z", *names]
    return names


def _factor(finest: Zyx, shape: Zyx) -> Zyx:
    z, y, x = (max(1, round(a / b)) for a, b in zip(finest, shape, strict=True))
    return z, y, x


def _check_complete(file: tifffile.TiffFile, where: Path) -> None:
    """Raise `VolumeError` where the file is shorter than its first pages say.

    tifffile only logs this, and makes do with the pages that it finds.
    """
    series = file.series[0]
    end = file.filehandle.size
    if series.dataoffset is not None:
        needed = series.dataoffset + series.nbytes
    else:
        page = series.keyframe
        needed = max(o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True))
    stated = _stated_voxels(file)
    if needed > end or stated > series.size or _chain_is_broken(file):
        raise VolumeError(
            f"a TIFF file cut short at {end} bytes",
            where=where,
            remedy="copy it again from where it came",
        )


def _stated_voxels(file: tifffile.TiffFile) -> int:
    """Return how many voxels the description says there are, 0 where it does not."""
    if file.imagej_metadata:
        return int(file.imagej_metadata.get("images", 1)) * int(file.pages.first.size)
    if file.shaped_metadata:
        return math.prod(int(n) for n in file.shaped_metadata[0]["shape"])
    return 0


def _chain_is_broken(file: tifffile.TiffFile) -> bool:
    """Tell whether pages of which no description gives the number end in the middle."""
    if file.series[0].kind not in ("uniform", "generic"):
        return False  # the others need not walk through all pages
    link = file.pages.next_page_offset  # where the last page found keeps the place of the next
    if link is None:
        return True
    file.filehandle.seek(link)
    following = file.filehandle.read(file.tiff.offsetsize)
    return len(following) < file.tiff.offsetsize or any(following)


TIFF = Format("TIFF", (".tif", ".tiff", ".btf", ".tf8"), _claim, _read, lambda _: [""])
"""Registered in `napari_axonem.volumes.formats.registry`."""
