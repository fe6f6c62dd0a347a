"""The cut through a single fragment: a seeded watershed between points of two colours."""

from __future__ import annotations

import edt
import numpy as np
import numpy.typing as npt
from skimage.graph import MCP_Geometric
from skimage.segmentation import watershed

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm

Mask = npt.NDArray[np.bool_]
Field = npt.NDArray[np.float32]
Voxels = npt.NDArray[np.int64]

RED, BLUE = 1, 2

SHALLOW = 0.05
"""Depth, as a share of the largest, below which a path counts a voxel as no shallower."""

MEMBRANE_COST = 20.0
"""How much longer a path takes where a membrane is certain."""


def cut_voxels(
    mask: Mask,
    red: Voxels,
    blue: Voxels,
    voxel_size: Nm,
    boundary: Field | None = None,
) -> Mask:
    """Split the voxels of a fragment between points of two colours.

    The points of one colour are joined along paths that keep deep inside and off membranes.
    From there two floods rise (Meyer's watershed, as in scikit-image) and meet on the ridge
    between them: the membrane where a boundary map is at hand, else the narrowest place.

    Parameters
    ----------
    mask
        The fragment, shape (z, y, x).
    red, blue
        Voxels of either colour inside of the mask, shape (n, 3).
    voxel_size
        Edge lengths (z, y, x) in nm.
    boundary
        How likely a voxel is to lie on a membrane, 0..1, of the shape of `mask`.

    Returns
    -------
    True for the red side, the shape of `mask`. Voxels that no flood reaches, because the
    fragment is in several pieces, stay with the larger side.

    Raises
    ------
    EditError
        A voxel has both colours.
    """
    if {tuple(p) for p in red.tolist()} & {tuple(p) for p in blue.tolist()}:
        raise EditError(
            "points of both colours lie in one voxel", where="split", remedy="move one of them"
        )
    depth = edt.edt(mask, anisotropy=voxel_size, black_border=True)
    cost = _path_cost(mask, depth, boundary)
    red_path = _joined(cost, red, voxel_size, keep_off=blue)
    blue_path = _joined(cost, blue, voxel_size, keep_off=red_path)
    markers = np.zeros(mask.shape, dtype=np.int32)
    markers[tuple(red_path.T)] = RED
    markers[tuple(blue_path.T)] = BLUE
    sides = watershed(-depth if boundary is None else boundary, markers, mask=mask)
    is_red: Mask = sides == RED
    if is_red.sum() > (sides == BLUE).sum():
        is_red |= mask & (sides == 0)
    return is_red


def _path_cost(mask: Mask, depth: Field, boundary: Field | None) -> npt.NDArray[np.float64]:
    """Return what a path pays per length in each voxel; -1 bars the way."""
    share = np.maximum(depth / max(float(depth.max()), 1.0), SHALLOW)
    cost = 1.0 / share.astype(np.float64) ** 2
    if boundary is not None:
        cost *= 1.0 + MEMBRANE_COST * boundary
    return np.where(mask, cost, -1.0)


def _joined(
    cost: npt.NDArray[np.float64], points: Voxels, voxel_size: Nm, keep_off: Voxels
) -> Voxels:
    """Return `points` with the voxels of the cheapest paths from the first to the others.

    A point that cannot be reached without crossing `keep_off` stays alone.
    """
    if len(points) < 2:
        return points
    open_cost = cost.copy()
    open_cost[tuple(keep_off.T)] = -1.0
    paths = MCP_Geometric(open_cost, sampling=voxel_size)
    ends = [tuple(point) for point in points[1:].tolist()]
    reached, _ = paths.find_costs([tuple(points[0].tolist())], ends, find_all_ends=True)
    found = {tuple(point) for point in points.tolist()}
    for end in ends:
        if np.isfinite(reached[end]):
            found.update(tuple(voxel) for voxel in paths.traceback(end))
    return np.array(sorted(found), dtype=np.int64)
