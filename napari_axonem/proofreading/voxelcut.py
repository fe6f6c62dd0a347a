"""The cut through a single fragment: a seeded watershed between points of two colours."""

from __future__ import annotations

import edt
import numpy as np
import numpy.typing as npt
from skimage.segmentation import watershed

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm

RED, BLUE = 1, 2


def cut_voxels(
    mask: npt.NDArray[np.bool_],
    red: npt.NDArray[np.int64],
    blue: npt.NDArray[np.int64],
    voxel_size: Nm,
    boundary: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.bool_]:
    """Split the voxels of a fragment between points of two colours.

    The watershed (Meyer's flooding, as in scikit-image) runs on the negative distance to the
    fragment's surface, so that the two floods meet at the narrowest place between them; where
    a boundary map is at hand, the distance counts less the likelier a membrane is.

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
    True for the red side, the shape of `mask`; voxels that no flood reaches are on neither
    side's ground and stay with the larger side.

    Raises
    ------
    EditError
        A voxel has both colours, or the fragment has no room for two.
    """
    if {tuple(p) for p in red.tolist()} & {tuple(p) for p in blue.tolist()}:
        raise EditError(
            "points of both colours lie in one voxel", where="split", remedy="move one of them"
        )
    depth = edt.edt(mask, anisotropy=voxel_size, black_border=True)
    if boundary is not None:
        depth *= 1.0 - boundary
    markers = np.zeros(mask.shape, dtype=np.int32)
    markers[tuple(red.T)] = RED
    markers[tuple(blue.T)] = BLUE
    sides = watershed(-depth, markers, mask=mask)
    is_red = sides == RED
    if is_red.sum() > (sides == BLUE).sum():
        is_red |= mask & (sides == 0)
    both: npt.NDArray[np.bool_] = is_red & mask
    return both
