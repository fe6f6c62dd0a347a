"""The one pass over all voxels: cells and where they touch.

Everything that is asked of fragments and truth afterwards (scores, the list of errors, the
graph for proofreading, where to click) is answered from the table that `tabulate` makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import edt
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import MismatchError, VolumeError
from napari_axonem.evaluation.contacts import LabelledBlock, affinity_scale, block_contacts
from napari_axonem.evaluation.grouping import (
    Ints,
    as_ids,
    best_of_group,
    distance_to_centroid,
    fold,
    group_keys,
    ranges,
)
from napari_axonem.evaluation.overlaps import require_same_grid
from napari_axonem.evaluation.tables import (
    Cells,
    CellSums,
    CellTable,
    Contacts,
    Points,
    Sums,
    finish,
    join_key,
    merge_sums,
)
from napari_axonem.geometry import Box, Nm, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.volume import LazyArray, Volume

__all__ = [
    "BLOCK",
    "GAP_VOXELS",
    "CellTable",
    "Cells",
    "Contacts",
    "check_affinities",
    "tabulate",
    "tabulate_piece",
]

BLOCK: Zyx = (128, 256, 256)
"""Voxels (z, y, x) worked on at once, in about half a GB of memory."""

GAP_VOXELS = 2
"""Background that two cells may face each other across, in voxels, unless told otherwise."""


def tabulate(
    fragments: Volume,
    truth: Volume | None = None,
    affinities: LazyArray | None = None,
    progress: Progress = silent,
    box: Box | None = None,
    *,
    gap_voxels: int = GAP_VOXELS,
    block_shape: Zyx = BLOCK,
) -> CellTable:
    """Tabulate the cells of a volume and their contacts, block by block.

    Counts, boxes, areas and affinities do not depend on the blocks; which voxel represents a
    cell or a contact may.

    Parameters
    ----------
    fragments
        Fragment ids below 2**32 (z, y, x); 0 is no fragment.
    truth
        Ids of true objects below 2**32 on the same grid, 0 where unknown; all unknown where
        it is None.
    affinities
        Affinities (3, z, y, x), float in 0 to 1 or uint8 in 0 to 255; channel c holds that of
        a voxel to its neighbour one lower along axis c.
    box
        The voxels that count: cells are counted inside of it only, and contacts where both
        voxels lie inside. To renew a table after voxels in some box changed, tabulate a box
        that holds the whole fragments concerned, grown by ``1 + gap_voxels``.
    gap_voxels
        Cells that do not touch, but face each other along an axis across at most so many
        voxels of fragment 0, are in contact with area 0.
    block_shape
        Voxels (z, y, x) worked on at once.

    Raises
    ------
    MismatchError
        Shapes or voxel sizes differ.
    VolumeError
        Labels are not integers or too large, affinities are out of range, or `box` reaches
        outside.
    """
    if truth is not None:
        require_same_grid(fragments, truth)
    scale = np.nan if affinities is None else check_affinities(affinities, fragments)
    whole = fragments.box if box is None else box
    pieces = list(blocks(whole, block_shape))

    def parts() -> Iterator[Sums]:
        for piece in tracked(pieces, progress, "tabulating cells and contacts"):
            yield tabulate_piece(fragments, truth, affinities, piece, whole, gap_voxels)

    return finish(fold(parts(), merge_sums, lambda sums: sums.rows), scale)


def tabulate_piece(
    fragments: Volume,
    truth: Volume | None,
    affinities: LazyArray | None,
    piece: Box,
    whole: Box,
    gap_voxels: int = GAP_VOXELS,
) -> Sums:
    """Tabulate one block of `whole`, as terms of a table still to be added up.

    Other arguments as in `tabulate`; the terms of blocks that tile `whole` make up its table
    (`napari_axonem.evaluation.tables.merge_sums`).
    """
    halo = Box(piece.grow(1 + gap_voxels).start, piece.stop).intersect(whole)
    block = _label(fragments, truth, piece, halo)
    channels = None if affinities is None else _read_affinities(affinities, piece)
    size = fragments.grid.voxel_size
    contacts = block_contacts(block, channels, gap_voxels, size)
    return Sums(_block_cells(block, size), contacts)


def _label(fragments: Volume, truth: Volume | None, piece: Box, halo: Box) -> LabelledBlock:
    """Read a block with its halo and number its cells."""
    fragment = fragments.read(halo)
    true = np.zeros(halo.shape, np.uint8) if truth is None else truth.read(halo)
    starts = _run_starts(fragment, true)
    key, of_run = group_keys(
        join_key(
            _ids32(fragment.ravel()[starts], fragments.location),
            _ids32(true.ravel()[starts], "truth" if truth is None else truth.location),
        )
    )
    lengths = np.diff(starts, append=fragment.size)
    label = np.repeat(of_run.astype(np.int32), lengths).reshape(halo.shape)
    return LabelledBlock(label, key, piece, halo)


def _block_cells(block: LabelledBlock, voxel_size: Nm) -> CellSums:
    """Return the cells of a block: the part of them inside of it, without its halo."""
    label = np.ascontiguousarray(block.label[block.inner.slices])
    starts = _run_starts(label)
    present, of_run = group_keys(label.ravel()[starts])
    lengths = np.diff(starts, append=label.size)
    first = np.stack(np.unravel_index(starts, label.shape), axis=1)
    start, stop = boxes_of_runs(first, lengths, of_run, len(present))
    point, depth = _deepest(label, voxel_size, starts, lengths, of_run)
    corner = np.asarray(block.box.start, np.int32)
    return CellSums(
        block.key[present],
        np.bincount(of_run, weights=lengths, minlength=len(present)).astype(np.int64),
        (start + corner).astype(np.int32),
        (stop + corner).astype(np.int32),
        point + corner,
        depth,
    )


def boxes_of_runs(first: Ints, lengths: Ints, of_run: Ints, cells: int) -> tuple[Ints, Ints]:
    """Return the boxes around cells that are made of runs of voxels along x.

    Parameters
    ----------
    first, lengths
        First voxel (z, y, x) of each run, shape (r, 3), and its length, shape (r,).
    of_run
        Place of the cell that each run belongs to, shape (r,); every cell has a run.
    cells
        Number of cells.

    Returns
    -------
    First voxel (z, y, x) of each box and the one after its last, int64, shape (cells, 3).
    """
    last = first + np.stack([np.ones_like(lengths), np.ones_like(lengths), lengths], axis=1)
    start = np.full((cells, 3), np.iinfo(np.int64).max)
    stop = np.zeros((cells, 3), np.int64)
    for axis in range(3):
        np.minimum.at(start[:, axis], of_run, first[:, axis])
        np.maximum.at(stop[:, axis], of_run, last[:, axis])
    return start, stop


def _deepest(
    label: npt.NDArray[np.int32], voxel_size: Nm, starts: Ints, lengths: Ints, of_run: Ints
) -> tuple[Points, npt.NDArray[np.float32]]:
    """Return, for each cell, the voxel farthest from its surface, and how far that is in nm.

    Of equally deep voxels it is the one nearest to their centroid. The faces of the block count
    as surface: that bounds the depth from below, and a point that another block finds deeper
    wins when blocks are merged.
    """
    field = edt.edt((label + 1).view(np.uint32), anisotropy=voxel_size, black_border=True)
    depth = np.asarray(field, np.float32).ravel()
    of_runs = np.maximum.reduceat(depth, starts)
    cells = int(of_run.max()) + 1
    deepest = np.zeros(cells, np.float32)
    np.maximum.at(deepest, of_run, of_runs)
    runs = np.flatnonzero(of_runs == deepest[of_run])
    places = ranges(starts[runs], lengths[runs])
    cell = np.repeat(of_run[runs], lengths[runs])
    equal = depth[places] == deepest[cell]
    places, cell = places[equal], cell[equal]
    voxels = np.stack(np.unravel_index(places, label.shape), axis=1)
    off_centre = distance_to_centroid(voxels * np.asarray(voxel_size), cell, cells)
    return voxels[best_of_group(cell, off_centre, cells)].astype(np.int32), deepest


def _run_starts(*labels: npt.NDArray[Any]) -> Ints:
    """Return places in the flat arrays (z, y, x) where a row begins or a label changes."""
    changed = np.ones(labels[0].shape, dtype=bool)
    inside = changed[..., 1:]
    inside[:] = False
    for array in labels:
        inside |= array[..., 1:] != array[..., :-1]
    return np.flatnonzero(changed)


def _ids32(values: npt.NDArray[Any], where: str) -> npt.NDArray[np.uint64]:
    ids = as_ids(values, where)
    if ids.size and ids.max() >= 1 << 32:
        raise VolumeError(
            f"id {int(ids.max())} does not fit into 32 bits",
            where=where,
            remedy="renumber the labels, for instance with fastremap.renumber",
        )
    return ids


def check_affinities(affinities: LazyArray, fragments: Volume) -> float:
    """Return what affinity 1 is in the sums of `tabulate_piece`.

    Raises
    ------
    MismatchError
        They are not of the shape (3, z, y, x) over the fragments.
    VolumeError
        They are neither float nor uint8.
    """
    wanted = (3, *fragments.shape)
    if tuple(affinities.shape) != wanted:
        raise MismatchError(
            f"affinities have shape {tuple(affinities.shape)}, {wanted} is needed",
            where=fragments.location,
            remedy="give one channel for each of z, y, x over the same voxels",
        )
    return affinity_scale(affinities.dtype)


def _read_affinities(affinities: LazyArray, piece: Box) -> tuple[npt.NDArray[Any], ...]:
    array: Any = affinities  # four axes; the protocol is written for three
    return tuple(np.asarray(array[(axis, *piece.slices)]) for axis in range(3))
