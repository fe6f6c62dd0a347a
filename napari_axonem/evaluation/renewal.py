"""The rows of a few fragments, tabulated from their own voxels and what these face.

After a cut the rows of two fragments change. `napari_axonem.evaluation.cells.tabulate` over the
box around them would number all that lies in it; here only their voxels are looked at, which are
few of a box that a long thin fragment spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import edt
import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.cells import GAP_VOXELS, boxes_of_runs
from napari_axonem.evaluation.contacts import (
    Faces,
    LabelledBlock,
    affinity_scale,
    face_affinities,
    join_faces,
    reduce_faces,
)
from napari_axonem.evaluation.grouping import Ids, Ints, best_of_group, group_keys
from napari_axonem.evaluation.tables import (
    CellSums,
    CellTable,
    Sums,
    finish,
    join_key,
    merge_sums,
    stack_contacts,
)
from napari_axonem.geometry import Box, Nm, Zyx, zyx

DEPTH_VOXELS = 1 << 21
"""Boxes of more voxels are looked at with gaps when the depth inside of a cell is measured."""


def tabulate_fragments(
    labels: npt.NDArray[np.uint32],
    truth: npt.NDArray[Any] | None,
    affinities: npt.NDArray[Any] | None,
    fragments: Sequence[int],
    voxel_size: Nm,
    gap_voxels: int = GAP_VOXELS,
) -> CellTable:
    """Tabulate the cells of some fragments, their contacts, and the cells that they touch.

    Counts, boxes, areas and affinities equal those that `part_of` takes from a table of the whole
    box; which voxels represent a cell or a contact may differ, and how deep a cell is: in a box of
    more than `DEPTH_VOXELS` what is thinner than the gaps is overlooked, and it may seem deeper.

    Parameters
    ----------
    labels
        Fragment ids (z, y, x) in a box that holds the fragments with a margin of
        ``1 + gap_voxels``, or all that there is.
    truth
        Ids of true objects of the same shape, below 2**32; all unknown where it is None.
    affinities
        Affinities (3, z, y, x) of the box, float in 0 to 1 or uint8 in 0 to 255, each to the
        neighbour one lower along the axis; None without.
    fragments
        Ids of the fragments, not 0.
    voxel_size
        Edges of a voxel (z, y, x) in nm.
    gap_voxels
        As in `tabulate`.

    Returns
    -------
    A table in voxels of the box. Of the cells of other fragments it has only the names.

    Raises
    ------
    VolumeError
        Affinities are neither float nor uint8, or out of range.
    """
    margin = 1 + gap_voxels
    grown = np.pad(labels, margin)
    true = np.zeros(1, np.uint8) if truth is None else np.pad(truth, margin)
    own = np.zeros(grown.shape, np.bool_)
    for fragment in fragments:
        own |= grown == fragment
    places = np.flatnonzero(own)
    faces = [_touching(grown, own, true, places, axis) for axis in range(3)]
    across = [
        _different(grown, true, f)
        for axis in range(3)
        for f in _across(grown, own, places, axis, gap_voxels)
    ]
    met = np.concatenate(
        [f.lower for f in (*faces, *across)] + [f.upper for f in (*faces, *across)]
    )
    concerned = np.concatenate([places, met])
    key, number = group_keys(_keys(grown, true, concerned))
    numbered = np.zeros(grown.shape, np.int32)  # of voxels that nobody asks for it stays 0
    numbered.ravel()[concerned] = number
    box = Box.of_shape(labels.shape)
    halo = Box(zyx((-margin,) * 3), zyx(np.add(labels.shape, margin)))
    block = LabelledBlock(numbered, key, box, halo)
    sums = np.empty(0, np.int64)
    scale = np.nan
    if affinities is not None:
        scale = affinity_scale(affinities.dtype)
        sums = np.concatenate(
            [face_affinities(block, f, affinities[axis]) for axis, f in enumerate(faces)]
        )
    contacts = stack_contacts(
        [
            reduce_faces(block, join_faces(faces), sums, voxel_size, gap=False),
            reduce_faces(block, join_faces(across), np.empty(0, np.int64), voxel_size, gap=True),
        ]
    )
    cells = _cells(block, own, places, number[: len(places)], voxel_size)
    named = _named(key, cells, grown.shape)
    return finish(merge_sums([Sums(cells, contacts), named]), scale)


def _keys(grown: npt.NDArray[Any], true: npt.NDArray[Any], places: Ints) -> Ids:
    """Return the keys of the cells at places in the flat box."""
    truth = true.ravel()[places if true.size > 1 else np.zeros_like(places)]
    return join_key(grown.ravel()[places].astype(np.uint64), truth.astype(np.uint64))


def _touching(
    grown: npt.NDArray[Any],
    own: npt.NDArray[np.bool_],
    true: npt.NDArray[Any],
    places: Ints,
    axis: int,
) -> Faces:
    """Return the faces along an axis between cells of which one is ours, each once."""
    stride = _stride(grown, axis)
    label, mine = grown.ravel(), own.ravel()
    above, below = places + stride, places - stride
    differs = label[above] != label[places]
    if true.size > 1:
        differs |= true.ravel()[above] != true.ravel()[places]
    differs &= label[above] > 0
    strange = (label[below] > 0) & ~mine[below]  # what is ours is met from below already
    return Faces(
        np.concatenate([places[differs], below[strange]]),
        np.concatenate([above[differs], places[strange]]),
    )


def _across(
    grown: npt.NDArray[Any], own: npt.NDArray[np.bool_], places: Ints, axis: int, gap_voxels: int
) -> Iterator[Faces]:
    """Yield pairs along an axis with background between them of which one is ours, each once."""
    label, mine = grown.ravel(), own.ravel()
    for towards in (_stride(grown, axis), -_stride(grown, axis)):
        at = places[label[places + towards] == 0]
        for steps in range(2, gap_voxels + 2):
            there = at + steps * towards
            empty = label[there] == 0
            # what is ours on both ends is met from below already
            met = ~empty if towards > 0 else ~empty & ~mine[there]
            ends = at[met], there[met]
            yield Faces(*ends) if towards > 0 else Faces(*ends[::-1])
            at = at[empty]


def _different(grown: npt.NDArray[Any], true: npt.NDArray[Any], faces: Faces) -> Faces:
    """Return the faces between different cells."""
    keep = grown.ravel()[faces.lower] != grown.ravel()[faces.upper]
    if true.size > 1:
        keep |= true.ravel()[faces.lower] != true.ravel()[faces.upper]
    return Faces(faces.lower[keep], faces.upper[keep])


def _stride(grown: npt.NDArray[Any], axis: int) -> int:
    return int(np.prod(grown.shape[axis + 1 :], dtype=np.int64))


def _cells(
    block: LabelledBlock,
    own: npt.NDArray[np.bool_],
    places: Ints,
    number: Ints,
    voxel_size: Nm,
) -> CellSums:
    """Return the cells of our voxels, from stretches of equal ones along x."""
    new = np.ones(len(places), np.bool_)
    new[1:] = (np.diff(places) != 1) | (number[1:] != number[:-1])
    starts = np.flatnonzero(new)
    lengths = np.diff(starts, append=len(places))
    present, of_run = group_keys(number[starts])
    first = np.stack(np.unravel_index(places[starts], own.shape), axis=1)
    start, stop = boxes_of_runs(first, lengths, of_run, len(present))
    point, depth = _deep_points(block, own, first, of_run, present, voxel_size)
    corner = np.asarray(block.halo.start)
    return CellSums(
        block.key[present],
        np.bincount(of_run, weights=lengths, minlength=len(present)).astype(np.int64),
        (start + corner).astype(np.int32),
        (stop + corner).astype(np.int32),
        (point + corner).astype(np.int32),
        depth,
    )


def _deep_points(
    block: LabelledBlock,
    own: npt.NDArray[np.bool_],
    first: Ints,
    of_run: Ints,
    present: npt.NDArray[Any],
    voxel_size: Nm,
) -> tuple[Ints, npt.NDArray[np.float32]]:
    """Return a voxel deep inside of each cell, and how deep; of large boxes looked at with gaps."""
    step = int(np.ceil((own.size / DEPTH_VOXELS) ** (1 / 3)))
    sparse = (slice(None, None, step),) * 3
    ours = own[sparse]
    label = np.where(ours, block.label[sparse] + 1, 0).astype(np.uint32)
    field = edt.edt(label, anisotropy=tuple(s * step for s in voxel_size), black_border=True)
    seen = np.flatnonzero(ours)
    point = np.zeros((len(present), 3), np.int64)
    point[of_run[::-1]] = first[::-1]  # the first voxel, where none is seen
    depth = np.zeros(len(present), np.float32)
    names, group = group_keys(label.ravel()[seen])
    cell = np.searchsorted(present, names.astype(np.int64) - 1)
    best = seen[best_of_group(group, -field.ravel()[seen], len(names))]
    point[cell] = np.stack(np.unravel_index(best, label.shape), axis=1) * step
    depth[cell] = field.ravel()[best]
    return point, depth


def _named(key: Ids, cells: CellSums, shape: Zyx) -> Sums:
    """Return rows without a voxel for the cells that ours touch: their names alone."""
    others = np.setdiff1d(key, cells.key)
    none = np.zeros((len(others), 3), np.int32)
    far = np.full((len(others), 3), max(shape), np.int32)
    nothing = CellSums(
        others,
        np.zeros(len(others), np.int64),
        far,
        none,
        none,
        np.zeros(len(others), np.float32),
    )
    return Sums(nothing, stack_contacts([]))
