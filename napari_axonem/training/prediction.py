"""Affinities of a whole array, tile by tile: what validation needs, in memory.

Volumes of any size, blended tiles and several devices are the business of segmentation.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_axonem.geometry import Zyx, zyx

Floats: TypeAlias = npt.NDArray[np.float32]


@torch.no_grad()
def predict(
    network: nn.Module,
    image: Floats,
    tile: Zyx,
    margin: Zyx,
    channels: int,
    *,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    channels_last: bool = True,
) -> Floats:
    """Return the network's first channels, as probabilities.

    Parameters
    ----------
    network
        Put into evaluation for the while; its parameters are in full precision.
    image
        Normalised, shape (z, y, x).
    tile
        Voxels shown to the network at once.
    margin
        Voxels at each face of a tile whose answer is thrown away, because what lies beyond was not
        seen; at the faces of the image it is mirrored.
    channels
        How many.
    dtype
        To compute in, where not in full precision.

    Returns
    -------
    Shape (channels, z, y, x), 0..1.
    """
    core = zyx(np.subtract(tile, np.multiply(margin, 2)))
    counts = [-(-n // c) for n, c in zip(image.shape, core, strict=True)]
    pads = [
        (m, k * c - n + m) for m, k, c, n in zip(margin, counts, core, image.shape, strict=True)
    ]
    padded = np.pad(image, pads, mode="symmetric")
    whole = np.zeros((channels, *np.multiply(counts, core)), dtype=np.float32)
    inner = (slice(None), *(slice(m, m + c) for m, c in zip(margin, core, strict=True)))
    was_training = network.training
    network.eval()
    for start in _starts(counts, core):
        part = padded[tuple(slice(s, s + t) for s, t in zip(start, tile, strict=True))]
        batch = torch.from_numpy(np.ascontiguousarray(part))[None, None].to(device)
        if channels_last:
            batch = batch.to(memory_format=torch.channels_last_3d)
        with torch.autocast(device.split(":")[0], dtype, enabled=dtype is not None):
            logits = network(batch)
        found = torch.sigmoid(logits[0, :channels].float()).cpu().numpy()
        to = (slice(None), *(slice(s, s + c) for s, c in zip(start, core, strict=True)))
        whole[to] = found[inner]
    network.train(was_training)
    z, y, x = image.shape
    return np.ascontiguousarray(whole[:, :z, :y, :x])


def _starts(counts: list[int], core: Zyx) -> Iterator[Zyx]:
    for index in itertools.product(*map(range, counts)):
        yield zyx(np.multiply(index, core))
