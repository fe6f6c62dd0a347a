"""One section in a file of its own: a picture of grey values, TIFF, PNG, JPEG or BMP.

Headers are read first, and no more than them. PNG is decoded by libpng, which checks every byte
against its checksums; JPEG and BMP by Pillow, which does not fill up what a cut file lacks.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
import zarr
from PIL import BmpImagePlugin, JpegImagePlugin

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.volumes.formats.attributes import Spacing
from napari_axonem.volumes.formats.source import checked_dtype
from napari_axonem.volumes.formats.tiff import SIGNATURES
from napari_axonem.volumes.formats.tiff_spacing import section_spacing

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
"""How names of pictures often end, TIFF files aside."""

SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", *PICTURE_SUFFIXES)
"""How names of files that can be sections often end."""

Yx = tuple[int, int]
"""Rows and columns."""

Window = tuple[slice, slice]
"""A box of rows and columns."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the header of a picture says."""

    path: Path
    """Its file."""

    shape: Yx
    """Rows and columns."""

    dtype: np.dtype[Any]
    """Type of a grey value, in the byte order of this machine."""

    decode: Callable[[Window], npt.NDArray[Any]]
    """Reads a window of the stored picture, with its channels as the last axis if it has any."""

    tile: Yx | None = None
    """Rows and columns of a tile, None where the picture has none."""

    is_whole: bool = True
    """Whether all of it is decoded to read any part."""

    channels: int = 1
    """Values of one pixel; of 2 and 4 the last one is the opacity."""

    spacing: Spacing = Spacing()  # noqa: RUF009 (it is frozen)
    """Size of a voxel, where the file has all of it, or a note on what it has."""

    def read(self, window: Window) -> npt.NDArray[Any]:
        """Read the grey values of a window.

        Raises
        ------
        VolumeError
            The file is damaged, was changed since, or shows colours.
        """
        extent = tuple(s.stop - s.start for s in window)
        try:
            pixels = self.decode(window)
        except AxonemError:
            raise
        except Exception as error:  # whatever a decoder raises on damaged data
            raise _unreadable(self.path, error) from error
        if pixels.shape[:2] != extent or pixels.dtype.newbyteorder("=") != self.dtype:
            raise VolumeError(
                f"decodes to {pixels.dtype} {pixels.shape}, not {self.dtype} {extent}",
                where=self.path,
                remedy="check that it is complete and not being written",
            )
        return _grey(pixels, self.path).astype(self.dtype, copy=False)

    def read_all(self) -> npt.NDArray[Any]:
        """Read all grey values; raises as `read` does."""
        rows, columns = self.shape
        return self.read((slice(0, rows), slice(0, columns)))


def kind_of(path: Path) -> str | None:
    """Return what kind of picture a file is by its first bytes, None where it is none."""
    with path.open("rb") as file:
        start = file.read(8)
    return next((kind for kind, known in _KINDS.items() if start.startswith(known[0])), None)


def look(path: Path) -> Picture:
    """Return what the header of a picture says, without decoding it.

    Raises
    ------
    VolumeError
        The file is no picture, is damaged, or has several pages.
    """
    try:
        picture: Picture = _KINDS[kind_of(path) or ""][1](path)
    except AxonemError:
        raise
    except Exception as error:  # whatever a library raises on damaged or exotic files
        raise _unreadable(path, error) from error
    if 0 in picture.shape:
        raise VolumeError(f"a picture of {picture.shape} pixels", where=path)
    return picture


def _tiff(path: Path) -> Picture:
    with tifffile.TiffFile(path) as file:
        if len(file.pages) != 1:
            raise VolumeError(
                f"{len(file.pages)} pages in a file that should be one section",
                where=path,
                remedy="give each section a file, or open this file by itself",
            )
        page = file.pages.first
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
        # Fewer strips or tiles than the extent asks for: the extent itself may be damaged.
        if max(ends) > file.filehandle.size or math.prod(page.chunked) > len(ends):
            raise VolumeError(
                f"cut short at {file.filehandle.size} bytes",
                where=path,
                remedy="copy it again from where it came",
            )
        is_mapped = page.is_memmappable and page.samplesperpixel == 1
        return Picture(
            path,
            (page.imagelength, page.imagewidth),
            checked_dtype(page.dtype, path),
            partial(_map_tiff if is_mapped else _decode_tiff, path),
            (page.tilelength, page.tilewidth) if page.is_tiled else None,
            not is_mapped and not page.is_tiled,
            page.samplesperpixel,
            section_spacing(file),
        )


def _decode_tiff(path: Path, window: Window) -> npt.NDArray[Any]:
    """Decode the tiles, or else the strips, in a window of a TIFF file's only page."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            return np.moveaxis(page.asarray(), 0, -1)[window]
        if not page.is_tiled:
            return np.asarray(page.asarray()[window])
        return np.asarray(zarr.open_array(page.aszarr(), mode="r", zarr_format=2)[window])


def _map_tiff(path: Path, window: Window) -> npt.NDArray[Any]:
    """Read a window of a TIFF file whose pixels lie in it as they are."""
    return np.array(tifffile.memmap(path, page=0, mode="r")[window])


def _png(path: Path) -> Picture:
    with path.open("rb") as file:
        header = file.read(33)
    columns, rows, bits, colour, checksum = struct.unpack(">16xIIBB3xI", header)
    if zlib.crc32(header[12:29]) != checksum:
        raise ValueError("IHDR: CRC error")
    dtype = np.dtype(np.uint16 if bits == 16 else np.uint8)  # fewer bits are scaled to 0..255
    # What the numbers mean, by the standard: grey, colour, palette, both with opacity.
    channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[colour]
    return Picture(path, (rows, columns), dtype, partial(_decode_png, path), channels=channels)


def _decode_png(path: Path, window: Window) -> npt.NDArray[Any]:
    return np.asarray(imagecodecs.png_decode(path.read_bytes())[window])


def _pillow(kind: Callable[[Path], Any], path: Path) -> Picture:
    # By the class for the kind: Image.open refuses pictures of more than 179 megapixels.
    with kind(path) as image:
        columns, rows = image.size
        if image.mode not in _MODES:
            raise VolumeError(
                f"pixels of the kind {image.mode}",
                where=path,
                remedy="convert it to grey values",
            )
        mode, channels = _MODES[image.mode]
    decode = partial(_decode_pillow, kind, mode, path)
    return Picture(path, (rows, columns), np.dtype(np.uint8), decode, channels=channels)


def _decode_pillow(
    kind: Callable[[Path], Any], mode: str, path: Path, window: Window
) -> npt.NDArray[Any]:
    with kind(path) as image:
        return np.asarray(image if image.mode == mode else image.convert(mode))[window]


def _no_picture(path: Path) -> Picture:
    raise VolumeError(
        f"not a {', '.join(filter(None, _KINDS))} file",
        where=path,
        remedy="check that it is complete",
    )


_MODES = {"1": ("L", 1), "L": ("L", 1), "P": ("RGB", 3), "RGB": ("RGB", 3), "RGBA": ("RGBA", 4)}
"""Pillow's kinds of pixels that can be grey: to what they are converted, and its channels."""

_KINDS: dict[str, tuple[tuple[bytes, ...], Callable[[Path], Picture]]] = {
    "TIFF": (tuple(SIGNATURES), _tiff),
    "PNG": ((b"\x89PNG\r\n\x1a\n",), _png),
    "JPEG": ((b"\xff\xd8\xff",), partial(_pillow, JpegImagePlugin.JpegImageFile)),
    "BMP": ((b"BM",), partial(_pillow, BmpImagePlugin.BmpImageFile)),
    "": ((), _no_picture),
}
"""How files of each kind begin, and what reads their header."""


def _grey(pixels: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    """Return grey values of pixels whose colours are all the same, without their opacity."""
    if pixels.ndim == 2:
        return pixels
    grey: npt.NDArray[Any] = pixels[..., 0]
    colours = pixels.shape[2] - (pixels.shape[2] in (2, 4))
    if any(not np.array_equal(grey, pixels[..., c]) for c in range(1, colours)):
        raise VolumeError(
            "a picture in colour: its channels differ",
            where=path,
            remedy="convert it to grey values",
        )
    return grey


def _unreadable(path: Path, error: Exception) -> VolumeError:
    return VolumeError(
        f"a section that cannot be read ({type(error).__name__}: {error})",
        where=path,
        remedy="check that it is complete and not being written",
    )
