"""Blocks of an image as a network is shown them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.segmentation.greys import Greys, Mapping
from napari_axonem.segmentation.inference.sections import BRIDGED, bridge, gaps_of
from napari_axonem.volumes import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """One block, ready for the network."""

    block: Zyx
    """Index of its tile."""

    box: Box
    """The voxels of the image, some of which may lie beyond it."""

    greys: Greys
    """Shape (z, y, x): that of the box, rounded up to the network's multiple."""

    bridged: tuple[int, ...]
    """Sections of the image that are missing and stood in for."""

    empty: tuple[int, ...]
    """Sections (z in voxels of the block) whose affinities are 0."""


def read_input(volume: Volume, mapping: Mapping, block: Zyx, box: Box, multiple: Zyx) -> Input:
    """Read a block.

    Where it reaches over the image, the image is reflected.

    Parameters
    ----------
    block
        Index that the input gets.
    box
        In voxels of `volume`; any part of it may lie beyond.
    multiple
        The extents of the input are multiples of this.

    Raises
    ------
    VolumeError
        The image cannot be read there.
    """
    extent = -(-np.array(box.shape) // multiple) * multiple
    # With so many sections more that neighbouring blocks agree on what is a long gap.
    more = Box(box.start, zyx(box.start + extent)).grow((BRIDGED, 0, 0))
    raw = read_reflected(volume, more)
    gaps = gaps_of(raw)
    greys = mapping(raw)
    bridge(greys, gaps)
    inside = range(BRIDGED, BRIDGED + int(extent[0]))
    at = _reflected(more.start[0], more.stop[0], volume.shape[0])
    return Input(
        block=block,
        box=box,
        greys=greys[inside.start : inside.stop],
        bridged=tuple(sorted({int(at[z]) for z, _ in gaps.bridged if z in inside})),
        empty=tuple(z - BRIDGED for z in gaps.empty if z in inside),
    )


def read_reflected(volume: Volume, box: Box) -> npt.NDArray[Any]:
    """Return the voxels (z, y, x) of a box, parts of which lie beyond the volume.

    Raises
    ------
    VolumeError
        The volume cannot be read there.
    """
    at = [_reflected(a, b, n) for a, b, n in zip(box.start, box.stop, volume.shape, strict=True)]
    start = zyx([i.min() for i in at])
    inside = Box(start, zyx([i.max() + 1 for i in at]))
    voxels = volume.read(inside)
    if inside == box:
        return voxels
    return voxels[np.ix_(*(i - a for i, a in zip(at, start, strict=True)))]


def _reflected(start: int, stop: int, extent: int) -> npt.NDArray[np.intp]:
    """Return the voxels of an axis that stand in for `start` to `stop`."""
    period = max(1, 2 * (extent - 1))
    at = np.arange(start, stop) % period
    return np.minimum(at, period - at)
