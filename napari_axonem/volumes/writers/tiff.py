"""TIFF: one page a section, in tiles compressed by zlib, described as OME-TIFF.

tifffile's writer takes either a whole image or an iterator that it pulls from; a sink is pushed
into. So each section is written as an image of its own, which tifffile appends page by page, and
the description that makes one volume of all pages is put into the first page by us. No thread is
needed to turn the flow around, and no more than a block is held in memory.

OME-XML knows no 64-bit integers and no float16. Volumes of those are described in the JSON that
tifffile itself writes, which is all that other programs could do with such pages anyway.
"""

from __future__ import annotations

import contextlib
import json
import math
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_axonem.geometry import Box, Zyx
from napari_axonem.progress import Progress
from napari_axonem.volumes.chunking import BLOCK_BYTES
from napari_axonem.volumes.disk import guarded
from napari_axonem.volumes.writers.sink import Content, Writer

_TILE = 256
"""Edge of a tile in voxels, at most; a multiple of 16, as the standard wants."""

_CLASSIC_BYTES = 2**32 - 2**25
"""What a file can hold whose offsets have 32 bits, with room for its tags."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pages:
    """A file to which sections are appended."""

    path: Path
    file: tifffile.TiffWriter
    content: Content
    held: contextlib.ExitStack

    @property
    def block(self) -> Zyx:
        """As many whole sections as fit into the memory of a block, at least one."""
        _, rows, columns = self.content.shape
        section = rows * columns * self.content.dtype.itemsize
        return max(1, BLOCK_BYTES // section), rows, columns

    @property
    def is_parallel(self) -> bool:
        """Pages follow each other in the file."""
        return False

    def write(self, box: Box, voxels: npt.NDArray[Any]) -> None:
        """Append the sections of one block."""
        for z, section in enumerate(voxels, start=box.start[0]):
            with guarded(self.path):
                self.file.write(
                    section,
                    photometric="minisblack",
                    tile=_tile(self.content.shape),
                    compression="zlib",
                    predictor=_predictor(self.content),
                    description=None if z else _description(self.content),
                    metadata=None,
                    software="napari-axonem",
                )

    def finish(self, progress: Progress) -> None:
        """Close the file."""
        with guarded(self.path):
            self.held.close()

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(OSError):  # what could not be written was told by `write`
            self.held.close()


def _create(path: Path, content: Content) -> _Pages:
    with contextlib.ExitStack() as held, guarded(path):
        # Opened here because tifffile does not close what it cannot begin.
        handle = held.enter_context(path.open("xb"))
        file = tifffile.TiffWriter(handle, bigtiff=_is_big(content), ome=False, shaped=False)
        held.callback(file.close)
        return _Pages(path, file, content, held.pop_all())
    raise AssertionError("unreachable: nothing above is suppressed")


def _tile(shape: Zyx) -> tuple[int, int]:
    """Return rows and columns of a tile."""
    rows, columns = (min(_TILE, -(-n // 16) * 16) for n in shape[1:])
    return rows, columns


def _is_big(content: Content) -> bool:
    """Tell whether the file could grow beyond what 32-bit offsets reach."""
    tiles = [-(-n // t) * t for n, t in zip(content.shape[1:], _tile(content.shape), strict=True)]
    # What cannot be compressed grows by less than a thousandth.
    size = content.shape[0] * math.prod(tiles) * content.dtype.itemsize * 1.001
    return size > _CLASSIC_BYTES


def _predictor(content: Content) -> bool:
    """Tell whether differences of neighbours are stored in place of values.

    Grey values get smaller by that (a fifth on EM), ids do not; libraries do not do it for 64-bit
    integers.
    """
    return content.kind == "image" and (content.dtype.kind == "f" or content.dtype.itemsize < 8)


def _description(content: Content) -> bytes:
    """Return what makes one volume of all pages: OME-XML, or JSON where that has no such type."""
    # Not by chance, as tifffile would: the same volume is written as the same bytes.
    name = uuid.uuid5(uuid.NAMESPACE_OID, repr(content))
    xml = tifffile.OmeXml(Creator="napari-axonem", UUID=str(name))
    try:
        xml.addimage(
            content.dtype,
            content.shape,
            (content.shape[0], 1, 1, *content.shape[1:], 1),
            axes="ZYX",
            Name=content.name,
            Plane=_positions(content),
            **_sizes(content),
        )
    except tifffile.OmeXmlError:
        return json.dumps(
            {
                "shape": content.shape,
                "axes": "ZYX",
                "voxel_size_nm": content.grid.voxel_size,
                "origin_nm": content.grid.origin,
            }
        ).encode("ascii")
    text: str = xml.tostring()
    return text.encode()


def _sizes(content: Content) -> dict[str, Any]:
    sizes = dict(zip("ZYX", content.grid.voxel_size, strict=True))
    units = {f"PhysicalSize{axis}Unit": "nm" for axis in sizes}
    return {f"PhysicalSize{axis}": size for axis, size in sizes.items()} | units


def _positions(content: Content) -> dict[str, Any]:
    """Return the corner of the first voxel of each section."""
    count = content.shape[0]
    z, y, x = content.grid.origin
    depths = z + np.arange(count) * content.grid.voxel_size[0]
    units = {f"Position{axis}Unit": ["nm"] * count for axis in "ZYX"}
    return {
        "PositionZ": depths.tolist(),
        "PositionY": [y] * count,
        "PositionX": [x] * count,
    } | units


TIFF = Writer(name="OME-TIFF", suffixes=(".tif", ".tiff", ".btf", ".tf8"), create=_create)
"""Registered in `napari_axonem.volumes.writers.registry`."""
