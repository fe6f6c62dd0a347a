"""Read a damaged volume as far as it goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError, VolumeLostError
from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.volumes.volume import LazyArray, Volume


def read_what_can_be_read(
    volume: Volume, box: Box, level: int = 0
) -> tuple[npt.NDArray[Any], list[VolumeError]]:
    """Read a box; what cannot be read in it is 0.

    As fast as `Volume.read` where nothing is damaged. Where something is, the box is read chunk
    by chunk, or section by section where there are no chunks.

    Parameters
    ----------
    volume
        Any volume.
    box
        In voxels (z, y, x) of `level`.

    Returns
    -------
    The voxels (z, y, x), and an error for each chunk of the box that cannot be read.

    Raises
    ------
    VolumeError
        The box is not inside.
    VolumeLostError
        Nothing can be read any more: the volume is out of reach, or not what it was.
    """
    volume.check(box, level)
    try:
        return volume.read(box, level), []
    except VolumeLostError:
        raise
    except VolumeError:
        pass
    array = volume.levels[level]
    voxels = np.zeros(box.shape, array.dtype)
    errors = []
    for piece in blocks(box, _unit(array, box)):
        try:
            voxels[piece.relative_to(box.start).slices] = volume.read(piece, level)
        except VolumeLostError:
            raise
        except VolumeError as error:
            errors.append(error)
    return voxels, errors


def _unit(array: LazyArray, box: Box) -> Zyx:
    """Return the extent of what is damaged or sound as a whole."""
    chunk = getattr(array, "chunks", None)
    if chunk and all(isinstance(n, int) for n in chunk):
        z, y, x = chunk
        return z, y, x
    return 1, max(1, box.stop[1]), max(1, box.stop[2])
