"""Fetches what will be looked at next, so that it is there at once."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.layers.utils.layer_utils import compute_multiscale_level

from napari_axonem.geometry import Box, Grid, Nm, zyx
from napari_axonem.volumes.looking.stand_in import coarse_box
from napari_axonem.widgets.picture.framing import framed
from napari_axonem.widgets.picture.late import made_of
from napari_axonem.widgets.picture.planes import Planes


def foresee(
    viewer: ViewerModel, layers: Iterable[Layer], position_nm: Nm, grid: Grid, box: Box, whole: Box
) -> None:
    """Have the voxels decoded that `framing.look_at`, called with the same, would show.

    Parameters
    ----------
    layers
        Those that are shown; the invisible ones among them are passed over.
    """
    centre, zoom = framed(viewer, position_nm, grid, box, whole)
    shown = viewer.dims.displayed[-2:]
    seen = _seen(viewer, centre, zoom, grid, whole)
    planes = {
        id(source): source
        for layer in layers
        if layer.visible
        for source in made_of(layer)
        if isinstance(source, Planes)
    }
    for one in planes.values():
        factors = np.array(one.volume.factors)[:, list(shown)]
        extent = np.array(seen.shape)[list(shown)]
        level = int(compute_multiscale_level(extent, np.array(viewer.canvas.size), factors))
        one.foresee(coarse_box(one.volume, seen, 0, level), level)


def _seen(viewer: ViewerModel, centre: Nm, zoom: float, grid: Grid, whole: Box) -> Box:
    """Return the voxels in view of a flat view."""
    start, stop = list(whole.start), list(whole.stop)
    shown = viewer.dims.displayed[-2:]
    reach = dict(zip(shown, (pixels / zoom / 2 for pixels in viewer.canvas.size), strict=True))
    for axis in range(3):
        at = (centre[axis] - grid.origin[axis]) / grid.voxel_size[axis]
        far = reach[axis] / grid.voxel_size[axis] if axis in reach else 0.0
        first = min(max(math.floor(at - far), start[axis]), stop[axis] - 1)
        start[axis], stop[axis] = first, max(first + 1, min(math.ceil(at + far), stop[axis]))
    return Box(zyx(start), zyx(stop))
