"""A part of a volume as a volume of its own, lazily, at its place in space."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Zyx
from napari_axonem.volumes.lazy import Level
from napari_axonem.volumes.reduction import reduced_shape
from napari_axonem.volumes.volume import LazyArray, Volume


def cropped(volume: Volume, box: Box) -> Volume:
    """Return the voxels of `box` as a volume; none is read.

    Its origin is the corner of the box, so that every voxel stays where it was. A coarser level
    is kept where the box begins with a whole voxel of it. At its upper faces a coarse voxel may
    then stand for fine ones on both sides of the face, as it does in `volume`.

    Parameters
    ----------
    volume
        Any volume.
    box
        In voxels (z, y, x) of its finest level.

    Raises
    ------
    VolumeError
        The box holds no voxels, or is not inside of the volume.
    """
    if not box.size or box != box.intersect(volume.box):
        raise VolumeError(
            f"box {box.start}..{box.stop} is not inside the shape {volume.shape}",
            where=volume.location,
            remedy="choose a box inside of the volume",
        )
    kept = [
        (_part(array, box, factor, volume.location), factor)
        for array, factor in zip(volume.levels, volume.factors, strict=True)
        if not any(a % f for a, f in zip(box.start, factor, strict=True))
    ]
    return dataclasses.replace(
        volume,
        levels=tuple(level for level, _ in kept),
        factors=tuple(factor for _, factor in kept),
        grid=volume.grid.beginning_at(box.start),
    )


def _part(array: LazyArray, box: Box, factor: Zyx, where: str) -> Level:
    start = tuple(a // f for a, f in zip(box.start, factor, strict=True))
    stop = reduced_shape(box.stop, factor)
    return Level(
        stored=partial(_shifted, array, start),
        stored_shape=tuple(b - a for a, b in zip(start, stop, strict=True)),
        dtype=np.dtype(array.dtype),
        where=where,
        stored_chunks=getattr(array, "chunks", None),
    )


def _shifted(array: LazyArray, start: tuple[int, ...], box: tuple[slice, ...]) -> npt.NDArray[Any]:
    z, y, x = (slice(s.start + a, s.stop + a) for s, a in zip(box, start, strict=True))
    return np.asarray(array[z, y, x])
