"""Into which chunks a volume is best stored, and in which blocks it is best worked through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Nm, Zyx
from napari_axonem.volumes.reduction import Kind
from napari_axonem.volumes.volume import Volume

BLOCK_BYTES = 2**26
"""Memory that the voxels of one block may take."""


def natural_chunk(voxel_size: Nm) -> Zyx:
    """Return the chunk (z, y, x) in which voxels of this size are best kept.

    Its edges are powers of 2 and about equal in nm, so that a view along any axis reads about
    as many chunks: (64, 64, 64) for isotropic voxels, (16, 128, 128) for 30×8×8 nm. It always
    holds 64³ voxels, 1 MB of uint32.
    """
    middle = math.prod(voxel_size) ** (1 / 3)
    bits = [min(10, max(2, round(6 + math.log2(middle / size)))) for size in voxel_size]
    while sum(bits) > 18:  # sections are looked at more often than planes across them
        longest = max(range(3), key=lambda a: (bits[a] > 2, voxel_size[a], bits[a]))
        bits[longest] -= 1
    while sum(bits) < 18:
        shortest = min(range(3), key=lambda a: (bits[a] == 10, voxel_size[a] * 2 ** bits[a]))
        bits[shortest] += 1
    z, y, x = (2**b for b in bits)
    return z, y, x


def natural_block(volume: Volume, limit_bytes: int = BLOCK_BYTES, level: int = 0) -> Zyx:
    """Return the shape of block (z, y, x) in which a volume is best worked through.

    A multiple of the chunks; see `block_shape`.
    """
    array = volume.levels[level]
    chunk = getattr(array, "chunks", None) or natural_chunk(volume.grid.voxel_size)
    voxel_size = volume.grid.coarser(volume.factors[level]).voxel_size
    return block_shape(array.shape, chunk, array.dtype.itemsize, voxel_size, limit_bytes)


def block_shape(
    shape: Sequence[int],
    chunk: Sequence[int],
    itemsize: int,
    voxel_size: Nm,
    limit_bytes: int = BLOCK_BYTES,
    whole: Sequence[int] = (0, 0, 0),
) -> Zyx:
    """Return a shape of block (z, y, x) that is a multiple of `chunk`.

    The chunk is doubled along the axis that is shortest in nm while the voxels of a block take
    at most `limit_bytes`, and never along an axis that it covers already. Where a single chunk
    takes more, it is that chunk: less would decode it again and again. For the same reason axes
    along which a block is shorter than `whole` go first.
    """
    block = [int(c) for c in chunk]
    while 2 * math.prod(block) * itemsize <= limit_bytes:
        growing = [a for a in range(3) if block[a] < shape[a]]
        if not growing:
            break
        cut = [a for a in growing if block[a] < whole[a]]
        block[min(cut or growing, key=lambda a: block[a] * voxel_size[a])] *= 2
    z, y, x = block
    return z, y, x


def storable(shape: Zyx, dtype: npt.DTypeLike, kind: Kind, where: object) -> np.dtype[Any]:
    """Return the type in this machine's byte order.

    Raises
    ------
    VolumeError
        The shape holds no voxels, or such voxels cannot be images or labels.
    """
    found = np.dtype(dtype)
    if min(shape) < 1:
        raise VolumeError(f"shape {shape} holds no voxels", where=where)
    if found.kind not in ("iu" if kind == "labels" else "iuf"):
        raise VolumeError(
            f"{kind} of type {found}",
            where=where,
            remedy="convert the voxels to an integer type such as uint8 or uint32",
        )
    return found.newbyteorder("=")
