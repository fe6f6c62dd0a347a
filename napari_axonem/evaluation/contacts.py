"""Where the cells of one block touch.

A face lies between a voxel and its neighbour one lower along an axis, and belongs to the block
that holds the upper voxel: each face is counted once, whatever the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.evaluation.grouping import (
    Ids,
    Ints,
    best_of_group,
    distance_to_centroid,
    group_keys,
    total,
)
from napari_axonem.evaluation.tables import GAP, ContactSums, Points, stack_contacts
from napari_axonem.geometry import Box, Nm

FIXED_POINT = 1 << 24
"""Affinity 1 as an integer: float32 values from 0.5 to 1 are multiples of its inverse."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBlock:
    """A block with a halo on its lower sides, its cells numbered."""

    label: npt.NDArray[np.int32]
    """Number of the cell at each voxel, halo included, int32 (z, y, x)."""

    key: Ids
    """Key of each cell, uint64, ascending: numbers and keys are in the same order."""

    box: Box
    """The block without its halo, in voxels of the volume."""

    halo: Box
    """The block with its halo, in voxels of the volume."""

    @property
    def inner(self) -> Box:
        """The block without its halo, in the coordinates of `label`."""
        return self.box.relative_to(self.halo.start)

    @property
    def background(self) -> npt.NDArray[np.bool_]:
        """Which cells belong to fragment 0."""
        background: npt.NDArray[np.bool_] = self.key >> np.uint64(32) == 0
        return background


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Pairs of voxels that see each other along an axis, by place in the flat block."""

    lower: Ints
    upper: Ints


def block_contacts(
    block: LabelledBlock,
    affinities: tuple[npt.NDArray[Any], ...] | None,
    gap_voxels: int,
    voxel_size: Nm,
) -> ContactSums:
    """Return the contacts whose faces belong to the block.

    Parameters
    ----------
    affinities
        For each axis the affinities of the block without halo (z, y, x), of each voxel to its
        neighbour one lower along the axis; float in 0 to 1, or uint8 in 0 to 255.
    gap_voxels
        How many voxels of fragment 0 two cells may face each other across.
    voxel_size
        Edges of a voxel (z, y, x) in nm, in which the middle of a contact is measured.
    """
    touching = [_touching(block, axis) for axis in range(3)]
    sums = [np.empty(0, np.int64)]
    if affinities is not None:
        sums = [face_affinities(block, *pair) for pair in zip(touching, affinities, strict=True)]
    faces = join_faces(touching)
    parts = [reduce_faces(block, faces, np.concatenate(sums), voxel_size, gap=False)]
    if gap_voxels and block.background.any():
        across = join_faces([f for axis in range(3) for f in _across(block, axis, gap_voxels)])
        parts.append(reduce_faces(block, across, np.empty(0, np.int64), voxel_size, gap=True))
    return stack_contacts(parts)


def affinity_scale(dtype: np.dtype[Any]) -> float:
    """Return what affinity 1 is in the sums of `block_contacts`.

    Raises
    ------
    VolumeError
        The type is neither float nor uint8.
    """
    if dtype == np.uint8:
        return 255.0
    if dtype.kind == "f":
        return float(FIXED_POINT)
    raise VolumeError(
        f"type {dtype} of affinities",
        where="affinities",
        remedy="give float in 0 to 1, or uint8 in 0 to 255",
    )


def _touching(block: LabelledBlock, axis: int) -> Faces:
    """Return the faces along `axis` between different cells with a fragment."""
    upper, lower = _neighbours(block, axis)
    differs = block.label[upper.slices] != block.label[lower.slices]
    places = _flat(block, upper, np.flatnonzero(differs))
    return _between_fragments(block, Faces(places - _stride(block, axis), places))


def _across(block: LabelledBlock, axis: int, gap_voxels: int) -> Iterator[Faces]:
    """Yield pairs along `axis` with 1, 2, … `gap_voxels` voxels of fragment 0 between them."""
    empty = block.background[block.label]
    upper, lower = _neighbours(block, axis)
    places = _flat(block, upper, np.flatnonzero(empty[lower.slices] & ~empty[upper.slices]))
    depth = np.unravel_index(places, empty.shape)[axis]
    for steps in range(2, gap_voxels + 2):
        inside = depth >= steps
        places, depth = places[inside], depth[inside]
        below = places - steps * _stride(block, axis)
        still = empty.ravel()[below]
        yield _between_fragments(block, Faces(below[~still], places[~still]))
        places, depth = places[still], depth[still]


def _neighbours(block: LabelledBlock, axis: int) -> tuple[Box, Box]:
    """Return the voxels of the block that have a lower neighbour along `axis`, and those.

    Boxes in the coordinates of `LabelledBlock.label`.
    """
    start = list(block.inner.start)
    start[axis] = max(1, start[axis])  # nothing lies below the first plane
    upper = Box((start[0], start[1], start[2]), block.inner.stop)
    return upper, upper.shift(-np.eye(3, dtype=int)[axis])


def _between_fragments(block: LabelledBlock, faces: Faces) -> Faces:
    """Return the faces between different cells that both have a fragment."""
    label, background = block.label.ravel(), block.background
    below, above = label[faces.lower], label[faces.upper]
    keep = (below != above) & ~background[below] & ~background[above]
    return Faces(faces.lower[keep], faces.upper[keep])


def face_affinities(block: LabelledBlock, faces: Faces, affinities: npt.NDArray[Any]) -> Ints:
    """Return the affinity at each face in fixed point."""
    place = np.subtract(_coordinates(block, faces.upper), block.inner.start)
    values: npt.NDArray[Any] = affinities[tuple(place.T)]
    if values.dtype == np.uint8:
        levels: Ints = values.astype(np.int64)
        return levels
    if not ((values >= 0) & (values <= 1)).all():
        raise VolumeError(
            f"affinities outside of 0 to 1 in the block {block.box.start}..{block.box.stop}",
            where="affinities",
            remedy="scale them to 0 to 1, or give uint8 in 0 to 255",
        )
    fixed: Ints = np.rint(values.astype(np.float64) * FIXED_POINT).astype(np.int64)
    return fixed


def reduce_faces(
    block: LabelledBlock, faces: Faces, affinity: Ints, voxel_size: Nm, *, gap: bool
) -> ContactSums:
    """Add up faces by pair of cells; of each take the one nearest to the centroid of all."""
    label, cells = block.label.ravel(), len(block.key)
    below, above = label[faces.lower], label[faces.upper]
    low, high = np.minimum(below, above).astype(np.int64), np.maximum(below, above)
    names, pair = group_keys(low * cells + high)
    count = np.bincount(pair, minlength=len(names))
    centre = _coordinates(block, faces.lower) + _coordinates(block, faces.upper)
    off_centre = distance_to_centroid(centre * np.asarray(voxel_size), pair, len(names))
    middle = best_of_group(pair, off_centre, len(names))
    lower, upper = faces.lower[middle], faces.upper[middle]
    straight = label[lower] < label[upper]
    return ContactSums(
        block.key[names // max(1, cells)],
        block.key[names % max(1, cells)],
        np.zeros_like(count) if gap else count,
        total(pair, affinity, len(names)) if len(affinity) else np.zeros_like(count),
        _voxels(block, np.where(straight, lower, upper)),
        _voxels(block, np.where(straight, upper, lower)),
        count + GAP if gap else count,
    )


def _stride(block: LabelledBlock, axis: int) -> int:
    return int(np.prod(block.label.shape[axis + 1 :], dtype=np.int64))


def _flat(block: LabelledBlock, part: Box, places: Ints) -> Ints:
    """Turn places in the flat `part` (in the coordinates of the block) into places in the block."""
    inside = np.unravel_index(places, part.shape)
    shifted = tuple(i + s for i, s in zip(inside, part.start, strict=True))
    flat: Ints = np.ravel_multi_index(shifted, block.label.shape)
    return flat


def _coordinates(block: LabelledBlock, places: Ints) -> Ints:
    return np.stack(np.unravel_index(places, block.label.shape), axis=1)


def _voxels(block: LabelledBlock, places: Ints) -> Points:
    """Return the voxels of the volume (z, y, x) at places in the flat block."""
    voxels: Points = (_coordinates(block, places) + block.halo.start).astype(np.int32)
    return voxels


def join_faces(faces: list[Faces]) -> Faces:
    """Return the faces of all."""
    return Faces(np.concatenate([f.lower for f in faces]), np.concatenate([f.upper for f in faces]))
