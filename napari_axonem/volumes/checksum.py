"""A checksum of voxels that does not depend on how they are cut into blocks."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.chunking import BLOCK_BYTES, block_shape
from napari_axonem.volumes.volume import Volume

if TYPE_CHECKING:
    from hashlib import _Hash

TILE: Zyx = (64, 64, 64)
"""Lattice (z, y, x) of the boxes that are hashed one by one."""


class Checksum:
    """Gathers the checksum of a volume from its blocks, in any order.

    The SHA-256 of every box of the lattice `TILE`, of its position and its voxels in little
    endian, are added up modulo 2**256. The checksum is the SHA-256 of shape, type and sum.

    Parameters
    ----------
    shape
        Extent (z, y, x) of the volume in voxels.
    dtype
        Type of a voxel.
    """

    def __init__(self, shape: Zyx, dtype: npt.DTypeLike) -> None:
        self._shape = shape
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._sum = 0
        self._begun: dict[Zyx, _Hash] = {}

    def add(self, box: Box, voxels: npt.NDArray[Any]) -> None:
        """Take in the voxels (z, y, x) of a box.

        Its faces lie on the lattice or on the edge of the volume. Those along z may lie anywhere
        when the boxes of each column come from low to high z.
        """
        for part in blocks(box, TILE):
            z, y, x = (a - a % n for a, n in zip(part.start, TILE, strict=True))
            tile = (z, y, x)
            digest = self._begun.pop(tile, None) or hashlib.sha256(repr(tile).encode("ascii"))
            inside = voxels[part.relative_to(box.start).slices]
            digest.update(np.ascontiguousarray(inside, dtype=self._dtype).data)
            if part.stop[0] == min(tile[0] + TILE[0], self._shape[0]):
                self._sum += int.from_bytes(digest.digest(), "big")
            else:
                self._begun[tile] = digest

    @property
    def total(self) -> int:
        """What was taken in, as a number that `merge` adds to another checksum."""
        return self._sum % 2**256

    def merge(self, total: int) -> None:
        """Take in what another checksum of the same volume has taken in."""
        self._sum += total

    def hexdigest(self) -> str:
        """Return the checksum of what was taken in: 64 hexadecimal digits."""
        head = f"{self._shape} {self._dtype.str}".encode("ascii")
        return hashlib.sha256(head + self.total.to_bytes(32, "big")).hexdigest()


def tiled_block(
    shape: Zyx,
    chunk: Zyx,
    itemsize: int,
    voxel_size: tuple[float, float, float],
    read: Zyx | None = None,
) -> Zyx:
    """Return a shape of block (z, y, x) that is a multiple of both `chunk` and `TILE`.

    Parameters
    ----------
    read
        What is read from the source at once, where that is known. It may be far larger than a
        block along one axis, such as a section: blocks then lie flat, and may be larger, so
        that it is not decoded for each of many blocks again.
    """
    z, y, x = (math.lcm(c, t) for c, t in zip(chunk, TILE, strict=True))
    block = block_shape(shape, (z, y, x), itemsize, voxel_size)
    if read and any(b < min(r, n) for b, r, n in zip(block, read, shape, strict=True)):
        block = block_shape(shape, (z, y, x), itemsize, voxel_size, 4 * BLOCK_BYTES, read)
    return block


def voxel_checksum(volume: Volume, progress: Progress = silent) -> str:
    """Read the finest level of `volume` and return its `Checksum`."""
    shape = volume.shape
    found = Checksum(shape, volume.dtype)
    block = tiled_block(shape, TILE, volume.dtype.itemsize, volume.grid.voxel_size)
    for box in tracked(list(blocks(volume.box, block)), progress, "checking voxels"):
        found.add(box, volume.read(box))
    return found.hexdigest()
