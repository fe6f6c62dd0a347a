"""A checksum of voxels that does not depend on how they are cut into blocks."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.chunking import block_shape
from napari_axonem.volumes.volume import Volume

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

    def add(self, box: Box, voxels: npt.NDArray[Any]) -> None:
        """Take in the voxels (z, y, x) of a box, whose faces lie on the lattice or the edge."""
        for tile in blocks(box, TILE):
            inside = voxels[tile.relative_to(box.start).slices]
            digest = hashlib.sha256(repr(tile.start).encode("ascii"))
            digest.update(np.ascontiguousarray(inside, dtype=self._dtype).data)
            self._sum += int.from_bytes(digest.digest(), "big")

    def hexdigest(self) -> str:
        """Return the checksum of what was taken in: 64 hexadecimal digits."""
        total = (self._sum % 2**256).to_bytes(32, "big")
        head = f"{self._shape} {self._dtype.str}".encode("ascii")
        return hashlib.sha256(head + total).hexdigest()


def tiled_block(
    shape: Zyx, chunk: Zyx, itemsize: int, voxel_size: tuple[float, float, float]
) -> Zyx:
    """Return a shape of block (z, y, x) that is a multiple of both `chunk` and `TILE`."""
    z, y, x = (math.lcm(c, t) for c, t in zip(chunk, TILE, strict=True))
    return block_shape(shape, (z, y, x), itemsize, voxel_size)


def voxel_checksum(volume: Volume, progress: Progress = silent) -> str:
    """Read the finest level of `volume` and return its `Checksum`."""
    shape = volume.shape
    found = Checksum(shape, volume.dtype)
    block = tiled_block(shape, TILE, volume.dtype.itemsize, volume.grid.voxel_size)
    for box in tracked(list(blocks(volume.box, block)), progress, "checking voxels"):
        found.add(box, volume.read(box))
    return found.hexdigest()
