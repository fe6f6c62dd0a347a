"""From the basins of blocks to fragments: pointers that leave a block are followed in the next."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Zyx
from napari_axonem.progress import Progress, tracked
from napari_axonem.segmentation.fragments.basins import Int64
from napari_axonem.segmentation.fragments.scratch import Ends, Lattice, Scratch
from napari_axonem.volumes.dense import LARGEST_ID
from napari_axonem.volumes.disk import guarded

DOING = "joining blocks"


def join_blocks(
    scratch: Scratch, lattice: Lattice, shape: Zyx, smallest: int, progress: Progress
) -> Int64:
    """Give fragments their numbers, and keep on disk which one each basin belongs to.

    Fragments are numbered by the places of their ends, whatever the blocks.

    Parameters
    ----------
    shape
        Of the volume.
    smallest
        Fragments of fewer voxels become background.

    Returns
    -------
    Voxels of each fragment, int64, shape (fragments + 1,); 0 for the background.

    Raises
    ------
    VolumeError
        There are more fragments than ids.
    StorageError
        The disk cannot be written.
    """
    counts = [len(scratch.ends(index).end) for index in range(len(lattice.boxes))]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    target = np.arange(starts[-1], dtype=np.int64)
    end, voxels = np.zeros_like(target), np.zeros_like(target)
    is_object = np.zeros(len(target), np.bool_)
    for index in tracked(range(len(counts)), progress, DOING):
        ends = scratch.ends(index)
        rows = slice(starts[index], starts[index + 1])
        end[rows], voxels[rows], is_object[rows] = ends.end, ends.voxels, ends.is_object
        target[rows] = _targets(scratch, lattice, starts, index, ends, shape)
    while not np.array_equal(target, further := target[target]):
        target = further
    # exact: no sum of voxels comes near 2**53
    size = np.bincount(target, weights=voxels, minlength=len(target)).astype(np.int64)
    kept = np.flatnonzero((target == np.arange(len(target))) & is_object & (size >= smallest))
    kept = kept[size[kept] > 0]
    if len(kept) > LARGEST_ID:
        raise VolumeError(
            f"{len(kept)} fragments are more than {LARGEST_ID}",
            where="fragments",
            remedy="raise --smallest-fragment or --smoothing",
        )
    kept = kept[np.argsort(end[kept])]
    fragment = np.zeros(len(target), np.uint32)
    fragment[kept] = np.arange(1, len(kept) + 1, dtype=np.uint32)
    with guarded(scratch.folder):
        np.save(scratch.numbers, fragment[target], allow_pickle=False)
        np.save(scratch.starts, starts, allow_pickle=False)
    return np.concatenate([np.zeros(1, np.int64), size[kept]])


def _targets(
    scratch: Scratch, lattice: Lattice, starts: Int64, index: int, ends: Ends, shape: Zyx
) -> Int64:
    """Return the basin in which each basin of a block goes on; itself where it ends there."""
    target: Int64 = starts[index] + np.arange(len(ends.end))
    leaving = np.flatnonzero(ends.leaves)
    at = np.stack(np.unravel_index(ends.end[leaving], shape), axis=1)
    box = lattice.boxes[index]
    for axis in range(3):
        for high in (False, True):
            beyond = at[:, axis] >= box.stop[axis] if high else at[:, axis] < box.start[axis]
            rows = np.flatnonzero(beyond)
            other = lattice.neighbour(index, axis, high=high)
            if other is None or not len(rows):
                continue
            plane = scratch.side(other, axis, high=not high)
            across: list[npt.NDArray[np.int64]] = [
                at[rows, a] - box.start[a] for a in range(3) if a != axis
            ]
            target[leaving[rows]] = starts[other] + plane[tuple(across)] - 1
    return target
