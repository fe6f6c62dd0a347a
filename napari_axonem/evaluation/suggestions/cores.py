"""The parts of segments between membranes: what a segment may have been merged from.

Dark voxels of a segment are taken for membrane. What is left more than some way off from it is
cores; all voxels of the segment are then flooded from the cores, brightest first, so that parts
meet on membranes. A neurite is mostly one part; two that were merged are mostly two or more.
"""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from napari_axonem.evaluation.suggestions.contrast import SMOOTHING_NM, GreyLevels
from napari_axonem.geometry import Nm

DARK = 0.5
"""Voxels darker than the mean of their segment by so many standard deviations are membrane."""

DEPTH_NM = 35.0
"""Cores lie at least so far from membranes: a gap in one of less than twice that is closed."""

LEAST_VOXELS = 200
"""Smaller cores are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The parts of the segments of a block."""

    label: npt.NDArray[np.uint32]
    """Part of each voxel, uint32 (z, y, x), 0 for none."""

    segment: npt.NDArray[np.int64]
    """Segment of each part, shape (parts + 1,), 0 for 0."""


def parts_between_membranes(
    segments: npt.NDArray[np.uint32],
    image: npt.NDArray[np.float32],
    levels: GreyLevels,
    voxel_size: Nm,
) -> Parts:
    """Return the parts of all segments in a block.

    Parameters
    ----------
    segments, image
        Arrays (z, y, x).
    levels
        Brightness of the whole image and its segments.
    voxel_size
        Edges (z, y, x) of a voxel in nm.
    """
    smooth = ndimage.gaussian_filter(image, [SMOOTHING_NM / size for size in voxel_size])
    threshold = (levels.mean - DARK * levels.spread).astype(np.float32)
    bright = smooth > threshold[segments]
    depth = edt.edt(np.where(bright, segments, 0).astype(np.uint32), anisotropy=voxel_size)
    deep = np.where(depth > DEPTH_NM, segments, 0).astype(np.uint32)
    core = cc3d.connected_components(deep, connectivity=6)
    kept = np.bincount(core.ravel()) >= LEAST_VOXELS
    kept[0] = False
    core = (np.cumsum(kept) * kept)[core].astype(np.int32)
    of_core = np.zeros(int(kept.sum()) + 1, np.int64)
    of_core[core.ravel()] = segments.ravel()
    of_core[0] = 0
    flooded = watershed(-smooth, core, mask=segments > 0)
    # the flood may have come from a core of a neighbouring segment
    own = of_core[flooded] == segments
    return Parts(np.where(own, flooded, 0).astype(np.uint32), of_core)
