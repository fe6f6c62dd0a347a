"""How large a block may be: from what a network keeps alive for each voxel, and what is free."""

from __future__ import annotations

import copy
import math

import torch

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Nm, Zyx, zyx
from napari_axonem.networks.chain import Chain, Live

LARGEST = {"cpu": 2**22, "cuda": 2**23, "mps": 2**23}
"""Voxels of the largest block. More would save little overlap, and keep a GPU waiting for what is
read and written; a processor takes some seconds for one, and can be stopped only between two."""

WORKSPACE = 1.5
"""Libraries need room of their own for a convolution."""


def bytes_per_voxel(network: Chain, channels: int, multiple: Zyx, dtype: torch.dtype) -> float:
    """Return the most memory that a network needs at once, for each voxel of its input.

    Found by running it, operation by operation, on tensors without data.

    Parameters
    ----------
    channels
        Of the input.
    multiple
        Of which extents of inputs are multiples.
    """
    extent = [2 * n for n in multiple]
    bare = copy.deepcopy(network).to("meta")
    most = 0
    with torch.inference_mode():
        live: Live = (torch.empty((1, channels, *extent), device="meta"),)
        for _, operation in bare:
            after = operation(live)
            # What it takes, what it gives, and one feature map between two layers within it.
            between = max(t.numel() for t in after)
            most = max(most, _numbers(live, after) + between)
            live = after
    return most * dtype.itemsize * WORKSPACE / math.prod(extent)


def fitting_block(free: int, per_voxel: float, device: str, multiple: Zyx, voxel_size: Nm) -> Zyx:
    """Return the extent (z, y, x) of the largest block that fits, about equally long in nm.

    Parameters
    ----------
    free
        Bytes of memory.
    per_voxel
        Bytes that the network needs for a voxel.
    device
        Type of device: ``"cpu"``, ``"cuda"``, ``"mps"``.
    multiple
        Extents are multiples of this, and at least twice it: a tile and an overlap fit in.

    Raises
    ------
    SettingsError
        Not even the smallest block fits.
    """
    voxels = min(free / per_voxel, LARGEST.get(device, LARGEST["cpu"]))
    if voxels < 8 * math.prod(multiple):
        raise SettingsError(
            f"{free / 1e9:.2g} GB of memory do not hold a block for the network",
            where="--memory",
            remedy="close other programs, or name another --device",
        )
    # Extents grow together in nm, from one lattice cell along each axis.
    block = [2 * n for n in multiple]
    while True:
        axis = min(range(3), key=lambda a: block[a] * voxel_size[a])
        grown = [n + multiple[a] if a == axis else n for a, n in enumerate(block)]
        if math.prod(grown) > voxels:
            return zyx(block)
        block = grown


def _numbers(*lives: Live) -> int:
    return sum(tensor.numel() for live in lives for tensor in live)
