"""Which segment each node of the skeletons lies on, and how much of each lies under a mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeVar

import numpy as np

from napari_axonem.blockwise import Team
from napari_axonem.evaluation.grouping import Ids, Ints, as_ids, group_keys, group_starts
from napari_axonem.evaluation.overlaps import require_same_grid
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.evaluation.threads import each
from napari_axonem.geometry import FEW_ROWS, Box, Nm, blocks, zyx
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.chunking import natural_block
from napari_axonem.volumes.labels import require_labels
from napari_axonem.volumes.volume import Volume

LOOKUP_BYTES = 2**22
"""Memory of the voxels read at once for nodes, where a chunk does not take more."""


T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class NodeSegments:
    """The segments under the nodes of skeletons."""

    segment: Ids
    """Id of the segment that each node lies on, uint64, shape (N,); 0 is none."""

    outside: int
    """Number of nodes outside of the volume; their segment is 0."""

    voxel_size: Nm
    """Edges (z, y, x) in nm of the voxels that were looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskedVoxels:
    """How many voxels of some segments lie where a mask is set."""

    segment: Ids
    """Ids of segments, uint64, ascending, shape (n,); may hold 0, the background."""

    voxels: Ints
    """Voxels of each where the mask is greater than 0, int64, shape (n,)."""


def lookup(
    segmentation: Volume,
    skeletons: Skeletons,
    progress: Progress = silent,
    *,
    team: Team | None = None,
) -> NodeSegments:
    """Read the segment under each node; only blocks with nodes are read.

    A position within float32's error of a voxel boundary counts as on it
    (`napari_axonem.geometry.SNAP`).

    Parameters
    ----------
    segmentation
        Volume of labels; positions are on its grid.
    team
        Processes or a cluster to read with; threads of this process where it is None.

    Raises
    ------
    VolumeError
        The volume has no integer labels, or cannot be read.
    """
    labels = require_labels(segmentation)
    with np.errstate(invalid="ignore"):  # a voxel beyond int64 is outside, as which it comes out
        voxels = labels.grid.to_voxel(skeletons.positions)
    inside = np.flatnonzero(((voxels >= 0) & (voxels < labels.shape)).all(axis=1))
    segment = np.zeros(len(voxels), dtype=np.uint64)
    groups = list(_by_block(labels, voxels, inside))
    read = partial(_segments_at, labels)
    doing = "looking up skeleton nodes"
    for nodes, ids in _results(read, groups, progress, doing, team):
        segment[nodes] = ids
    return NodeSegments(segment, len(voxels) - len(inside), labels.grid.voxel_size)


def masked_voxels(
    segmentation: Volume,
    mask: Volume,
    segments: Ids,
    progress: Progress = silent,
    *,
    team: Team | None = None,
) -> MaskedVoxels:
    """Count the voxels of segments where `mask` is greater than 0.

    Parameters
    ----------
    segmentation, mask
        Volumes on the same grid.
    segments
        Ids that are counted, in any order; others are passed over.
    team
        Processes or a cluster to read with; threads of this process where it is None.

    Raises
    ------
    MismatchError
        Shapes or voxel sizes differ.
    VolumeError
        The segmentation has no integer labels, or a volume cannot be read.
    """
    require_same_grid(segmentation, mask)
    labels, names = require_labels(segmentation), np.unique(segments)
    voxels = np.zeros(len(names), dtype=np.int64)
    boxes = list(blocks(labels.box, natural_block(labels, 4 * LOOKUP_BYTES)))
    count = partial(_count_masked, labels, mask, names)
    doing = "counting voxels under the mask"
    for place, under in _results(count, boxes, progress, doing, team):
        voxels[place] += under
    return MaskedVoxels(names, voxels)


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    """Nodes that lie in one block."""

    nodes: Ints
    """Numbers of the nodes, shape (n,)."""

    voxels: Ints
    """Voxels (z, y, x) that they lie in, shape (n, 3)."""


def _by_block(labels: Volume, voxels: Ints, nodes: Ints) -> Iterator[_Near]:
    """Sort `nodes` by the block of the volume that they lie in, and yield those of each."""
    block = np.asarray(natural_block(labels, LOOKUP_BYTES))
    lattice = -(-np.asarray(labels.shape) // block)
    key = np.empty(len(nodes), np.int64)
    for start in range(0, len(nodes), FEW_ROWS):
        part = slice(start, start + FEW_ROWS)
        key[part] = np.ravel_multi_index(tuple((voxels[nodes[part]] // block).T), zyx(lattice))
    order = np.argsort(key, kind="stable")
    bounds = [*group_starts(key[order]).tolist(), len(nodes)] if len(nodes) else []
    for start, stop in pairwise(bounds):
        near = nodes[order[start:stop]]
        yield _Near(near, voxels[near])


def _segments_at(labels: Volume, near: _Near) -> tuple[Ints, Ids]:
    """Read the box around some nodes and return the ids at them."""
    corner = near.voxels.min(axis=0)
    ids = labels.read(Box(zyx(corner), zyx(near.voxels.max(axis=0) + 1)))
    return near.nodes, as_ids(ids[tuple((near.voxels - corner).T)], labels.location)


def _count_masked(labels: Volume, mask: Volume, names: Ids, box: Box) -> tuple[Ints, Ints]:
    """Return places in `names`, and the voxels of each in `box`."""
    under = mask.read(box) > 0
    if not under.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    ids, place = group_keys(as_ids(labels.read(box)[under], labels.location))
    where = np.searchsorted(names, ids)
    known = where < len(names)
    known[known] = names[where[known]] == ids[known]
    return where[known], np.bincount(place, minlength=len(ids))[known]


def _results(
    function: Callable[[T], R],
    items: Sequence[T],
    progress: Progress,
    doing: str,
    team: Team | None,
) -> Iterator[R]:
    """Yield the results of `function` as they come."""
    if team is None:
        yield from tracked(each(function, items), progress, doing, len(items))
    else:
        yield from (result for _, result in team.run(function, items, progress, doing))
