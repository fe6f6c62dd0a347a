"""One object of a project as a solid: alone in a volume, at a scale that is quick to mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import ranges
from napari_axonem.evaluation.meshes import Mesh
from napari_axonem.evaluation.meshes.pieces import Piece, joined, surfaces
from napari_axonem.geometry import Box, Zyx, blocks, zyx
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.states.extent import Extents
from napari_axonem.proofreading.tables.state import State
from napari_axonem.volumes import Volume
from napari_axonem.volumes.cropping import cropped
from napari_axonem.volumes.volume import LazyArray

MOST_VOXELS = 400_000
"""Voxels of an object at most, where the pyramid has a scale for it: a mesh then takes about a
second, nearly all of it to make the triangles fewer."""

MOST_READ = 2**23
"""Voxels of the box around it at most."""

BLOCK = (128, 256, 256)
"""Voxels (z, y, x) meshed at once, where even the coarsest scale has more."""


@dataclass(frozen=True, slots=True, eq=False)
class Alone:
    """A level of fragments as a lazy array (z, y, x) in which one object is 1, the rest 0."""

    fragments: LazyArray
    """The level."""

    inside: npt.NDArray[np.uint8]
    """Whether each fragment belongs to it, shape (fragments + 2,). The last is for fragments
    made since, and is 0."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent (z, y, x) in voxels."""
        return tuple(self.fragments.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel: uint8."""
        return self.inside.dtype

    def __getitem__(self, key: tuple[slice, slice, slice]) -> npt.NDArray[np.uint8]:
        return np.take(self.inside, np.asarray(self.fragments[key]), mode="clip")


def extents_of(project: Project, segments: Sequence[int], extents: Extents) -> dict[int, int]:
    """Return for each object a number that is the same as long as it has the same voxels."""
    names = np.array(segments, np.int64)
    found = extents.of(project.state, names) if len(names) else names
    return dict(zip(names.tolist(), found.tolist(), strict=True))


def alone(project: Project, segment: int) -> Volume:
    """Return an object alone in a volume around it, as it is now; no voxel is read.

    Edits made later do not show, so that another thread may read it. The scale is the finest
    of the pyramid at which it has at most `MOST_VOXELS` voxels and its box `MOST_READ`, or
    else the coarsest.
    """
    fragments, members = project.sources.fragments.volume, project.graph.members(segment)
    inside = np.zeros(len(project.segment) + 1, np.uint8)
    inside[members] = 1
    level, box = _fitting_level(fragments, *_box_and_size(project.state, members))
    volume = Volume(
        levels=(Alone(fragments.levels[level], inside),),
        factors=((1, 1, 1),),
        grid=fragments.grid.coarser(fragments.factors[level]),
        location=str(project.folder.root),
        format="project",
        kind="labels",
    )
    return cropped(volume, box.intersect(volume.box))


def mesh_of(solid: Volume) -> Mesh:
    """Return the surface of an object that is alone in a volume, in nm.

    Vertices may lie off by one voxel of its scale, so that there are fewer triangles.

    Raises
    ------
    VolumeError
        The voxels cannot be read.
    """
    pieces: list[Piece] = []
    for box in blocks(solid.box, BLOCK):
        pieces += surfaces(solid, box).values()
    if not pieces:
        return Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32))
    return joined(pieces, solid.grid, max(solid.grid.voxel_size))


def _fitting_level(fragments: Volume, near: Box, voxels: int) -> tuple[int, Box]:
    """Return the scale for an object of so many voxels, and its box in voxels of that scale."""
    boxes = [_coarser(near, factor) for factor in fragments.factors]
    for level, (box, factor) in enumerate(zip(boxes, fragments.factors, strict=True)):
        if voxels <= MOST_VOXELS * np.prod(factor) and box.size <= MOST_READ:
            return level, box
    return len(boxes) - 1, boxes[-1]


def _box_and_size(state: State, members: npt.NDArray[np.int64]) -> tuple[Box, int]:
    """Return the smallest box that holds some fragments, and their voxels."""
    cells = state.cells
    first, last = (np.searchsorted(cells.fragment, members, side) for side in ("left", "right"))
    rows = ranges(first, last - first)
    box = Box(zyx(cells.start[rows].min(axis=0)), zyx(cells.stop[rows].max(axis=0)))
    return box, int(cells.voxels[rows].sum())


def _coarser(box: Box, factor: Zyx) -> Box:
    """Return the voxels of a coarser level that a box touches."""
    start = np.floor_divide(box.start, factor)
    return Box(zyx(start), zyx(-np.floor_divide(np.negative(box.stop), factor)))
