"""One file of a submission: ids of a segmentation on the challenge's grid, below 2**32."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box
from napari_axonem.progress import Progress
from napari_axonem.volumes.axonem.challenge_grid import OnChallengeGrid
from napari_axonem.volumes.axonem.release import DATASET, ID_LIMIT, VolumeKey
from napari_axonem.volumes.opening import open_volume
from napari_axonem.volumes.writing import Written, write_volume

_DTYPE = np.dtype(np.uint32)

_SMALL_TABLE = 2**24
_SPARSE = 4
"""Ids are kept where a table of all numbers up to the largest one has at most `_SMALL_TABLE`
entries, or at most `_SPARSE` for each object: evaluation codes make such tables."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A file that was written."""

    volume: VolumeKey
    name: str
    """Name of the file."""

    objects: int
    largest_id: int
    relabelled: str
    """Why the ids are not those of the segmentation; empty where they are."""

    checksum: str
    """`napari_axonem.volumes.checksum.Checksum` of the voxels."""


class _Ids:
    """Reads voxels for a writer and remembers which ids there are."""

    def __init__(self, source: OnChallengeGrid, dtype: np.dtype[Any]) -> None:
        self._source, self._dtype = source, dtype
        self._found: list[npt.NDArray[np.uint64]] = [np.zeros(1, np.uint64)]

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the ids in a box of the challenge's grid."""
        voxels = self._source.read(box)
        self._found.append(fastremap.unique(voxels).astype(np.uint64))
        return voxels.astype(self._dtype)

    def all(self) -> npt.NDArray[np.uint64]:
        """Return the ids read so far, ascending, 0 always among them."""
        return np.unique(np.concatenate(self._found))


def write_prediction(folder: Path, source: OnChallengeGrid, progress: Progress) -> Prediction:
    """Write the file of one volume into a folder.

    The segmentation is read once. Ids that are too large, or spread too far, become 1, 2, 3 …
    in ascending order, in a second pass over the small grid.

    Raises
    ------
    VolumeError
        The segmentation cannot be read, or has no labelled voxel on the grid.
    StorageError
        The disk cannot be written.
    """
    release = source.release
    first = folder / f"ids-{release.key}.h5"
    wide = source.segmentation.dtype.itemsize > _DTYPE.itemsize
    ids = _Ids(source, np.dtype(np.uint64) if wide else _DTYPE)
    written = write_volume(
        f"{first}:{DATASET}",
        ids.read,
        source.shape,
        np.uint64 if wide else _DTYPE,
        release.challenge_grid,
        "labels",
        progress,
    )
    found = ids.all()
    if len(found) == 1:
        raise VolumeError(
            f"no labelled voxel inside of the {release.key} volume",
            where=source.segmentation.location,
            remedy="check that this is the segmentation, and its place",
        )
    why = _why_relabel(found)
    target = folder / release.prediction
    if wide or why:
        written = _rewritten(first, target, found if why else None, source, progress)
        first.unlink()
    else:
        first.replace(target)
    largest = len(found) - 1 if why else int(found[-1])
    return Prediction(
        release.key, release.prediction, len(found) - 1, largest, why, written.checksum
    )


def _why_relabel(ids: npt.NDArray[np.uint64]) -> str:
    largest, objects = int(ids[-1]), len(ids) - 1
    if largest >= ID_LIMIT:
        return f"ids up to {largest} do not fit below 2**32"
    if largest > max(_SMALL_TABLE, _SPARSE * objects):
        return f"{objects} objects have ids up to {largest}, for which tables would be large"
    return ""


def _rewritten(
    first: Path,
    target: Path,
    ids: npt.NDArray[np.uint64] | None,
    source: OnChallengeGrid,
    progress: Progress,
) -> Written:
    """Write the ids as uint32, dense ones where `ids` lists those that there are."""
    grid = source.release.challenge_grid
    volume = open_volume(f"{first}:{DATASET}", voxel_size=grid.voxel_size, origin=grid.origin)

    def read(box: Box) -> npt.NDArray[Any]:
        voxels = volume.read(box)
        return (voxels if ids is None else np.searchsorted(ids, voxels)).astype(_DTYPE)

    return write_volume(f"{target}:{DATASET}", read, source.shape, _DTYPE, grid, "labels", progress)
