"""A coarser level in place of a finer one that is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, zyx
from napari_axonem.volumes.volume import Volume


def coarse_box(volume: Volume, box: Box, level: int, coarser: int) -> Box:
    """Return the voxels of the level `coarser` in which a box of `level` lies."""
    fine, coarse = volume.factors[level], volume.factors[coarser]
    shape = volume.levels[coarser].shape
    start = [
        min(a * f // c, n - 1) for a, f, c, n in zip(box.start, fine, coarse, shape, strict=True)
    ]
    stop = [
        max(a + 1, min(n, -(-b * f // c)))
        for a, b, f, c, n in zip(start, box.stop, fine, coarse, shape, strict=True)
    ]
    return Box(zyx(start), zyx(stop))


def spread(
    voxels: npt.NDArray[Any], volume: Volume, box: Box, level: int, coarser: int
) -> npt.NDArray[Any]:
    """Return voxels of a box, each that of the coarser level in which it lies.

    Parameters
    ----------
    voxels
        Those of `coarse_box`.
    volume, box, level, coarser
        As there.

    Returns
    -------
    A new array of the shape of `box`.
    """
    fine, coarse = volume.factors[level], volume.factors[coarser]
    start = coarse_box(volume, box, level, coarser).start
    for axis in range(3):
        at = np.arange(box.start[axis], box.stop[axis]) * fine[axis] // coarse[axis]
        picked = np.minimum(at - start[axis], voxels.shape[axis] - 1)
        step = len(picked) // voxels.shape[axis]
        if step and np.array_equal(picked, np.arange(len(picked)) // step):
            voxels = np.repeat(voxels, step, axis)  # several times as fast
        else:
            voxels = np.take(voxels, picked, axis)
    return voxels
