"""Skeletons of the objects in one block of labels, by kimimaro.

References
----------
.. [1] M. Sato et al., "TEASAR: tree-structure extraction algorithm for accurate and robust
   skeletons", Pacific Graphics 2000, 281-289.
.. [2] github.com/seung-lab/kimimaro.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import cc3d
import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ids, Ints, as_ids
from napari_axonem.geometry import Box, Nm, Zyx
from napari_axonem.volumes.volume import Volume

Preset = Literal["em_erl", "challenge"]
"""Published parameters of TEASAR, by name: those of em_erl, and of the AxonEM challenge."""

INVALIDATION_SCALE: dict[Preset, float] = {"em_erl": 1.5, "challenge": 4.0}
"""A path makes its surroundings known, up to so many times the object's radius..."""

INVALIDATION_NM = 500.0
"""... plus so many nm; no further path is sought to what is known."""

HALO_NM = 400.0
"""How far around its block a part of the volume is traced: there, the line is settled."""

DUST_VOXELS = 100
"""Connected parts of at most so many voxels have no skeleton."""

_TEASAR = {
    "const": INVALIDATION_NM,
    "pdrf_exponent": 4,
    "pdrf_scale": 100_000,
    "soma_detection_threshold": 1100,
    "soma_acceptance_threshold": 3500,
    "soma_invalidation_scale": 1.0,
    "soma_invalidation_const": 300,
    "max_paths": 50,
}


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """Skeletons of the objects in a block: n nodes, e edges, k of them cut at its border."""

    ids: Ids
    """Id of the object of each node, uint64, shape (n,)."""

    voxels: Ints
    """Voxels (z, y, x) of the nodes in the whole volume, shape (n, 3)."""

    radii: npt.NDArray[np.float32]
    """Distance in nm of each node to the surface of its object, shape (n,)."""

    edges: Ints
    """The two nodes of each edge, shape (e, 2)."""

    cut_nodes: Ints
    """The node in the block of each edge that was cut, shape (k,)."""

    cut_voxels: Ints
    """The voxel (z, y, x) behind the border that each of them led to, shape (k, 3)."""


def trace(labels: Volume, preset: Preset, box: Box) -> Traced:
    """Trace the objects in `box`, seen with what lies `HALO_NM` around it.

    Parameters
    ----------
    labels
        Volume of unsigned ids.
    box
        The voxels whose nodes are kept.
    """
    from kimimaro import skeletonize

    voxel_size = labels.grid.voxel_size
    halo = [math.ceil(HALO_NM / size) for size in voxel_size]
    reach = box.grow(halo).intersect(labels.box)
    voxels = labels.read(reach)
    parts, count = cc3d.connected_components(voxels, connectivity=26, return_N=True)
    ids = np.zeros(count + 1, dtype=voxels.dtype)
    ids[parts.ravel()] = voxels.ravel()
    numbers = np.arange(count + 1, dtype=parts.dtype)
    numbers[_dust(parts, count, reach, labels.box) | (ids == 0)] = 0
    traced: dict[int, Any] = skeletonize(
        numbers[parts],
        teasar_params={"scale": INVALIDATION_SCALE[preset], **_TEASAR},
        anisotropy=voxel_size,
        dust_threshold=0,  # dust is gone, except for what may go on behind the halo
        fix_branching=True,
        fix_borders=True,
        progress=False,
        parallel=1,
    )
    return _cropped(traced, as_ids(ids), reach.start, box, voxel_size)


def _dust(parts: npt.NDArray[Any], count: int, reach: Box, whole: Box) -> npt.NDArray[np.bool_]:
    """Tell which parts are dust, by their number: small, and at no face that hides more."""
    dust = np.zeros(count + 1, dtype=np.bool_)
    dust[np.bincount(parts.ravel(), minlength=count + 1) <= DUST_VOXELS] = True
    for axis in range(3):
        if reach.start[axis] > whole.start[axis]:
            dust[np.unique(np.take(parts, 0, axis=axis))] = False
        if reach.stop[axis] < whole.stop[axis]:
            dust[np.unique(np.take(parts, -1, axis=axis))] = False
    return dust


def _cropped(traced: dict[int, Any], ids: Ids, corner: Zyx, box: Box, voxel_size: Nm) -> Traced:
    """Put kimimaro's skeletons, one for each part, into flat arrays and crop them to `box`."""
    skeletons = [traced[part] for part in sorted(traced)]
    counts = [len(skeleton.vertices) for skeleton in skeletons]
    starts = np.cumsum([0, *counts])
    nm = np.concatenate([np.empty((0, 3)), *(s.vertices for s in skeletons)])
    radii = np.concatenate([np.empty(0, np.float32), *(s.radii for s in skeletons)])
    edges = np.concatenate(
        [np.empty((0, 2)), *(s.edges + start for s, start in zip(skeletons, starts, strict=False))]
    ).astype(np.int64)
    voxels = np.rint(nm / voxel_size).astype(np.int64) + corner
    inside: npt.NDArray[np.bool_] = np.all((voxels >= box.start) & (voxels < box.stop), axis=1)
    number = np.cumsum(inside) - 1
    ends = inside[edges]
    is_cut = ends[:, 0] != ends[:, 1]
    cut, cut_ends = edges[is_cut], ends[is_cut]
    return Traced(
        ids=np.repeat(ids[np.array(sorted(traced), dtype=np.int64)], counts)[inside],
        voxels=voxels[inside],
        radii=radii[inside],
        edges=number[edges[ends.all(axis=1)]],
        cut_nodes=number[cut[cut_ends]],
        cut_voxels=voxels[cut[~cut_ends]],
    )
