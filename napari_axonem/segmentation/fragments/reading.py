"""Affinities that were given or made, as the making of fragments and of seeds reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import MismatchError, VolumeError
from napari_axonem.geometry import Box, Zyx
from napari_axonem.volumes import LazyArray, open_affinities

Affinities = npt.NDArray[np.float32]


def require_shape(location: str, shape: Zyx) -> None:
    """Check that the affinities at a location are those of an image of `shape` (z, y, x).

    Raises
    ------
    MismatchError
        They have another extent.
    VolumeError
        They cannot be opened.
    """
    found = tuple(open_affinities(location).shape[1:])
    if found != shape:
        raise MismatchError(
            f"affinities of {found} voxels for an image of {shape}",
            where=location,
            remedy="give affinities of the whole image",
        )


def read_affinities(source: LazyArray, box: Box, where: str) -> Affinities:
    """Return the affinities (3, z, y, x) of a box, 0 to 1, float32.

    The affinity of the volume's first voxels to what lies below them means nothing; it is taken
    for that of the voxels above.

    Raises
    ------
    VolumeError
        They cannot be read, or are not numbers from 0 to 1.
    """
    array: Any = source  # four axes; the protocol is written for three
    try:
        raw = np.asarray(array[(slice(None), *box.slices)])
    except Exception as error:  # whatever the format's library raises on damaged data
        raise VolumeError(
            f"affinities of voxels {box.start}..{box.stop} cannot be read ({error})",
            where=where,
            remedy="check that the file is complete and not being written",
        ) from error
    if raw.dtype == np.uint8:
        values = raw.astype(np.float32)
        values *= np.float32(1 / 255)
    else:
        values = raw.astype(np.float32)
        if not (values.min() >= 0 and values.max() <= 1):  # neither is true of nan
            raise _wrong(values, box, where)
    for axis in range(3):
        if box.start[axis] == 0:
            first, second = _planes(values[axis], axis)
            first[...] = second
    return values


def _planes(channel: Affinities, axis: int) -> tuple[Affinities, Affinities | np.float32]:
    """Return the first plane of a channel along an axis, and the one above; or 1 without one."""
    along = np.moveaxis(channel, axis, 0)
    return along[0], along[1] if len(along) > 1 else np.float32(1)


def _wrong(values: Affinities, box: Box, where: str) -> VolumeError:
    bad = ~((values >= 0) & (values <= 1))
    channel, *at = (int(i) for i in np.argwhere(bad)[0])
    place = tuple(a + b for a, b in zip(at, box.start, strict=True))
    return VolumeError(
        f"{int(bad.sum())} affinities of voxels {box.start}..{box.stop} are not in 0 to 1, the "
        f"first is {values[(channel, *at)]:g} in channel {channel} at {place}",
        where=where,
        remedy="scale them to 0 to 1, or give uint8 in 0 to 255; nan comes from a broken network",
    )
