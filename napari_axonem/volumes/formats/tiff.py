"""TIFF: multi-page, BigTIFF, tiled, compressed, ImageJ and OME, pyramids.

Of several series in a file the only one with several sections is read, or the one whose number
is named (``file.tif:1``). A single page is a volume of one section. Pages that are called time,
or nothing in particular, are sections where nothing else is.
"""

from __future__ import annotations

import contextlib
import math
import weakref
from collections.abc import Iterator
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

SIGNATURES = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "BigTIFF",
    b"MM\0+": "BigTIFF",
}
"""What files begin with: little- and big-endian."""

_WHOLE_PAGE_BYTES = 2**26
"""Pages of strips up to this size are read whole: a strip is often a single row."""


def _claim(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        name = SIGNATURES.get(file.read(4))
    return f"the file has the {name} signature" if name else None


class _Pages:
    """One level of a series, read lazily; the file is closed when nobody needs it any more."""

    def __init__(self, file: tifffile.TiffFile, series: Any, level: int) -> None:  # noqa: ANN401
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
        """Read a box, whose first axes are of extent 1 where `_level` has added them."""
        return np.asarray(self._array[box[-len(self.shape) :]]).reshape(
            [s.stop - s.start for s in box]
        )


class _File(tifffile.TiffFile):  # type: ignore[misc]
    """A TIFF file that closes itself when it is no longer used."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.__finalizer = weakref.finalize(self, self.filehandle.close)


def _read(location: Location) -> Source:
    file = _open(location.path)
    index = _chosen(file, location)
    where = Location(location.path, location.inner and str(index))
    with _refusing(where):
        series = file.series[index]
        levels = [_Pages(file, series, i) for i in range(len(series.levels))]
        found = tiff_spacing(file, index)
    _check_complete(file, series, where)
    names = _names(series.axes)
    arrays = tuple(_level(pages, names, series.dtype, where) for pages in levels)
    return Source(
        location=str(where),
        format="BigTIFF" if file.is_bigtiff else "TIFF",
        levels=arrays,
        factors=tuple(_factor(arrays[0].shape, a.shape) for a in arrays),
        voxel_size=found.voxel_size,
        origin=found.origin,
        note=found.note,
    )


def _open(path: Path) -> _File:
    """Open a file and find its series."""
    with _refusing(path):
        file = _File(path)
        if not file.series:
            raise ValueError("no pages")
    return file


@contextlib.contextmanager
def _refusing(where: object) -> Iterator[None]:
    """Turn whatever tifffile raises on damaged or exotic files into a `VolumeError`."""
    try:
        yield
    except Exception as error:
        raise VolumeError(
            f"a TIFF file that cannot be opened ({type(error).__name__}: {error})",
            where=where,
            remedy="check that it is complete",
        ) from error


def _stacks(file: tifffile.TiffFile) -> list[int]:
    """Return which series can be meant: those of several sections, or all where none has."""
    sections = [
        math.prod(n for axis, n in zip(s.axes, s.shape, strict=True) if axis not in "YXS")
        for s in file.series
    ]
    return [i for i, n in enumerate(sections) if n > 1] or list(range(len(sections)))


def _chosen(file: tifffile.TiffFile, location: Location) -> int:
    """Return the number of the series that is meant."""
    numbers = [str(i) for i in range(len(file.series))]
    if location.inner in numbers:
        return int(location.inner)
    if location.inner:
        raise VolumeError(
            f"a TIFF file has no datasets, but {location.inner!r} was asked for",
            where=location.path,
            remedy="leave out what follows the name of the file"
            + (f", or name a series of 0 to {numbers[-1]}" if len(numbers) > 1 else ""),
        )
    stacks = _stacks(file)
    if len(stacks) > 1:
        few = [f"{i} {file.series[i].shape} {file.series[i].dtype}" for i in stacks[:12]]
        raise VolumeError(
            f"{len(stacks)} series in one file ({', '.join(few)}{', ...' * (len(stacks) > 12)})",
            where=location.path,
            remedy=f"name one by its number after a colon, as in {location.path}:{stacks[0]}",
        )
    return stacks[0]


def _volumes(path: Path) -> list[str]:
    stacks = _stacks(_open(path))
    return [str(i) for i in stacks] if len(stacks) > 1 else [""]


def _level(pages: _Pages, names: list[str], dtype: object, where: Location) -> Level:
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


def _check_complete(file: tifffile.TiffFile, series: Any, where: Location) -> None:  # noqa: ANN401
    """Raise `VolumeError` where the file is shorter than its first pages say.

    tifffile only logs this, and makes do with the pages that it finds.
    """
    end = file.filehandle.size
    if series.dataoffset is not None:
        needed = series.dataoffset + series.nbytes
    else:
        page = series.keyframe
        needed = max(o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True))
    found = sum(int(s.size) for s in file.series)
    if needed > end or _stated_voxels(file) > found or _chain_is_broken(file, series):
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
        return sum(math.prod(int(n) for n in m["shape"]) for m in file.shaped_metadata)
    return 0


def _chain_is_broken(file: tifffile.TiffFile, series: Any) -> bool:  # noqa: ANN401
    """Tell whether pages of which no description gives the number end in the middle."""
    if series.kind not in ("uniform", "generic"):
        return False  # the others need not walk through all pages
    link = file.pages.next_page_offset  # where the last page found keeps the place of the next
    if link is None:
        return True
    file.filehandle.seek(link)
    following = file.filehandle.read(file.tiff.offsetsize)
    return len(following) < file.tiff.offsetsize or any(following)


TIFF = Format("TIFF", (".tif", ".tiff", ".btf", ".tf8"), _claim, _read, _volumes)
"""Registered in `napari_axonem.volumes.formats.registry`."""
