"""Where objects begin: voxels far from edges, of the image or of affinities.

References
----------
.. [1] M. Januszewski et al., Nature Methods 15 (2018) 605-610: edges by a Sobel filter with a local
   threshold, then the maxima of the distance to them.
"""

from __future__ import annotations

from typing import Any

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.feature import peak_local_max

from napari_axonem.geometry import Nm, Zyx

Seeds = npt.NDArray[np.int64]
"""Positions z, y, x in voxels, shape (n, 3), in the order in which they are tried."""

SIGMA = 49.0 / 6.0
"""Of the Gaussian, in voxels, that says what an edge is compared with; as published."""

APART = 3
"""Voxels between maxima, and between a maximum and the border of the volume; as published."""

TIE_BREAK = 1e-4
"""Random distances up to this make one maximum of a plateau; as published."""


def seeds_from_image(image: npt.NDArray[Any], spacing: Nm, reach: Zyx) -> Seeds:
    """Return seeds far from the edges of an image [1]_.

    Parameters
    ----------
    image
        Grey values, shape (z, y, x).
    spacing
        Edges of a voxel z, y, x, in any unit.
    reach
        Voxels z, y, x between a seed and the border, at least.

    Returns
    -------
    Sorted by z, then y, then x; empty where the image has no edge at all.
    """
    grey = image.astype(np.float32)
    edges = ndimage.generic_gradient_magnitude(grey, ndimage.sobel)
    usual = ndimage.gaussian_filter(edges, SIGMA, mode="reflect")
    is_edge = edges > usual
    if not is_edge.any():
        return np.empty((0, 3), np.int64)
    return _deepest(~is_edge, spacing, reach)


def seeds_from_affinities(
    affinities: npt.NDArray[Any], threshold: float, spacing: Nm, reach: Zyx
) -> Seeds:
    """Return seeds far from where affinities say that an object ends.

    Parameters
    ----------
    affinities
        Probabilities that a voxel and its neighbour before it belong together, shape
        (3, z, y, x), 0 to 1.
    threshold
        Mean affinity below which a voxel counts as an edge.
    spacing, reach
        As for `seeds_from_image`.
    """
    inside = affinities[:3].mean(axis=0, dtype=np.float32) >= threshold
    if inside.all() or not inside.any():
        return np.empty((0, 3), np.int64)
    seeds = _deepest(inside, spacing, reach)
    kept: Seeds = seeds[inside[tuple(seeds.T)]]
    return kept


def _deepest(inside: npt.NDArray[np.bool_], spacing: Nm, reach: Zyx) -> Seeds:
    """Return the local maxima of the distance to what is not inside.

    As published, the random numbers that break ties make maxima at distance 0, too: such a seed,
    on an edge, costs one field of view when it fails, and finds what is thin when it does not.
    """
    smallest = min(spacing)
    depth = edt.edt(
        np.ascontiguousarray(inside, np.uint8), anisotropy=tuple(s / smallest for s in spacing)
    )
    depth = np.where(np.isfinite(depth), depth, -1).astype(np.float64)
    depth += np.random.RandomState(42).rand(*depth.shape) * TIE_BREAK
    peaks = peak_local_max(depth, min_distance=APART, threshold_abs=0, threshold_rel=0)
    peaks = peaks[np.lexsort(peaks.T[::-1])].astype(np.int64)
    low = np.asarray(reach)
    seeds: Seeds = peaks[np.all((peaks >= low) & (peaks + low < inside.shape), axis=1)]
    return seeds
