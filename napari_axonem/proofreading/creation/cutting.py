"""Cutting the objects of a segmentation into fragments, where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cc3d
import edt
import numpy as np
import numpy.typing as npt
from skimage.segmentation import watershed

from napari_axonem.evaluation.grouping import best_of_group, group_keys
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.creation.labels import Item, opened
from napari_axonem.volumes.conversion.reading import Reading

Labels = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class CutObjects:
    """Cuts the objects of a block into fragments; none reaches into another block."""

    segmentation: Reading
    pyramid: Path
    spacing_nm: float
    voxel_size: Nm

    def __call__(self, item: Item) -> None:
        """Cut one block and write it; ids begin with the number of the block."""
        number, box = item
        names, place = group_keys(self.segmentation.read(box)[0].ravel())
        dense = (place + (0 if names[0] == 0 else 1)).astype(np.uint32).reshape(box.shape)
        pieces = cut_objects(dense, self.voxel_size, self.spacing_nm).astype(np.uint64)
        pieces[pieces > 0] += np.uint64(number << 32)
        opened(self.pyramid).write(box, pieces)


def cut_objects(labels: Labels, voxel_size: Nm, spacing_nm: float) -> Labels:
    """Cut each object into pieces of about one size, narrow places first.

    In each cell of a lattice the deepest voxel of every object is a seed, and a watershed on the
    depth (Euclidean distance to the surface) grows from the seeds; it meets where an object is
    narrow. Voxels on the surface of an object, over which a flood could get into another one, are
    given to the piece beside them afterwards.

    Parameters
    ----------
    labels
        Ids of objects, 0 for none, shape (z, y, x).
    voxel_size
        Edges (z, y, x) in nm.
    spacing_nm
        Edge of the cells of the lattice.

    Returns
    -------
    Pieces from 1 on, 0 where there is no object; each lies within one object.
    """
    depth = edt.edt(labels, anisotropy=voxel_size, black_border=False)
    inner = (labels > 0) & ~_on_surface(labels)
    markers = _seeds(labels, np.where(inner, depth, 0), voxel_size, spacing_nm)
    pieces = watershed(-depth, markers, mask=inner).astype(np.uint32)
    _grow_to_surface(pieces, labels)
    left = np.where(pieces > 0, 0, labels).astype(np.uint32)
    rest = cc3d.connected_components(left, connectivity=6).astype(np.uint32)
    highest = np.uint32(pieces.max(initial=0))
    return np.where(rest > 0, rest + highest, pieces)


def _on_surface(labels: Labels) -> npt.NDArray[np.bool_]:
    """Return which voxels have another label beside them."""
    surface = np.zeros(labels.shape, np.bool_)
    for axis in range(3):
        ahead, behind = _pairs(axis)
        differs = labels[ahead] != labels[behind]
        surface[ahead] |= differs
        surface[behind] |= differs
    return surface


def _seeds(
    labels: Labels, depth: npt.NDArray[np.float32], voxel_size: Nm, spacing_nm: float
) -> npt.NDArray[np.int32]:
    """Return a marker at the deepest voxel of each object in each cell of a lattice."""
    voxels = np.flatnonzero(depth.ravel() > 0)
    cell = np.zeros(len(voxels), np.int64)
    for index, size in zip(np.unravel_index(voxels, depth.shape), voxel_size, strict=True):
        cell = cell * 4096 + (index * size // spacing_nm).astype(np.int64)
    names, group = group_keys(labels.ravel()[voxels].astype(np.int64) << 36 | cell)
    seeds = voxels[best_of_group(group, -depth.ravel()[voxels], len(names))]
    markers = np.zeros(depth.size, np.int32)
    markers[seeds] = np.arange(1, len(seeds) + 1)
    return markers.reshape(depth.shape)


def _grow_to_surface(pieces: Labels, labels: Labels) -> None:
    """Give voxels without a piece to one beside them in the same object, until none is left."""
    grows = True
    while grows:
        grows = False
        for axis in range(3):
            for one, other in (_pairs(axis), _pairs(axis)[::-1]):
                target, source = pieces[one], pieces[other]
                free = (target == 0) & (source > 0) & (labels[one] == labels[other])
                target[free] = source[free]
                grows |= bool(free.any())


def _pairs(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the voxels that have one before them along an axis, and those before them."""
    ahead, behind = [slice(None)] * 3, [slice(None)] * 3
    ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
    return tuple(ahead), tuple(behind)
