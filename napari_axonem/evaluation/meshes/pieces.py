"""Surfaces of the objects in one block of labels, by zmesh, and how blocks are put together.

zmesh finds the surfaces of all objects of a block in one pass (marching cubes), where
scikit-image's marching cubes would need a pass for each object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Grid, zyx
from napari_axonem.volumes.volume import Volume

Halves = npt.NDArray[np.int32]
"""Positions (z, y, x) in half voxels from the corner of voxel (0, 0, 0), shape (n, 3)."""

Faces = npt.NDArray[np.uint32]
"""The three vertices of each triangle, counter-clockwise from outside in x, y, z; shape (f, 3)."""

Piece = tuple[Halves, Faces]


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """The surface of one object."""

    vertices: npt.NDArray[np.float32]
    """Positions (z, y, x) in nm, float32, shape (n, 3)."""

    faces: Faces
    """The three vertices of each triangle, shape (f, 3)."""


def surfaces(labels: Volume, box: Box) -> dict[int, Piece]:
    """Return the part of each object's surface that passes through a block.

    A surface lies between the centres of voxels. That between the last voxel of a block and the
    first of the next one belongs to the former; that around the volume is closed. Vertices that
    blocks share are equal numbers.

    Parameters
    ----------
    labels
        Volume of unsigned ids; 0 is no object.
    box
        The block.

    Returns
    -------
    Vertices and faces by id.
    """
    from zmesh import Mesher

    start = np.array([-1 if a == 0 else a for a in box.start])
    reach = Box(zyx(start), zyx(np.add(box.stop, 1)))
    inside = reach.intersect(labels.box)
    voxels = np.zeros(reach.shape, labels.dtype)
    voxels[inside.relative_to(reach.start).slices] = labels.read(inside)
    if not voxels.any():
        return {}
    mesher = Mesher((1.0, 1.0, 1.0))
    mesher.mesh(voxels.T)  # x, y, z: what all formats of meshes hold
    found: dict[int, Piece] = {}
    for number in mesher.ids():
        mesh = mesher.get(number)
        mesher.erase(number)
        halves = np.rint(mesh.vertices[:, ::-1] * 2).astype(np.int32) + 1  # centres are odd
        found[int(number)] = (halves + 2 * start.astype(np.int32), mesh.faces.astype(np.uint32))
    return found


def joined(pieces: Sequence[Piece], grid: Grid, most_error: float = 0.0) -> Mesh:
    """Put the pieces of one object together.

    Parameters
    ----------
    most_error
        By how many nm vertices may move so that there are fewer triangles, by collapsing edges
        [1]_; 0 keeps every triangle.

    References
    ----------
    .. [1] M. Garland and P. S. Heckbert, "Surface simplification using quadric error metrics",
       SIGGRAPH 1997, 209-216; as zmesh has it.
    """
    starts = np.cumsum([0, *(len(halves) for halves, _ in pieces)])
    halves = np.concatenate([halves for halves, _ in pieces])
    faces = np.concatenate([f + s for (_, f), s in zip(pieces, starts, strict=False)])
    unique, place = np.unique(halves, axis=0, return_inverse=True)
    corners = unique / 2 * grid.voxel_size  # near 0: zmesh reckons in float32
    triangles = place.reshape(-1)[faces].astype(np.uint32)
    if most_error > 0:
        corners, triangles = _simplified(corners, triangles, most_error)
    vertices = (corners + np.asarray(grid.origin)).astype(np.float32)
    return Mesh(vertices, triangles)


def _simplified(
    corners: npt.NDArray[np.float64], faces: Faces, most_error: float
) -> tuple[npt.NDArray[np.float64], Faces]:
    from zmesh import Mesh as Surface
    from zmesh import Mesher

    low = corners.min(axis=0)
    surface = Surface((corners - low)[:, ::-1].astype(np.float32), faces, None)
    less = Mesher((1.0, 1.0, 1.0)).simplify(surface, reduction_factor=100, max_error=most_error)
    moved: npt.NDArray[np.float64] = less.vertices[:, ::-1].astype(np.float64) + low
    return moved, less.faces.astype(np.uint32)
