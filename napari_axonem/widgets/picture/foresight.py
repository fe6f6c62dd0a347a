"""Fetches what will be looked at next, so that it is there at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.layers.utils.layer_utils import compute_multiscale_level

from napari_axonem.geometry import Box, Grid, Nm, zyx
from napari_axonem.volumes import Volume
from napari_axonem.volumes.looking.stand_in import coarse_box
from napari_axonem.widgets.picture.framing import framed
from napari_axonem.widgets.picture.late import made_of
from napari_axonem.widgets.picture.planes import Planes


def foresee(viewer: ViewerModel, position_nm: Nm, grid: Grid, box: Box, whole: Box) -> None:
    """Have the voxels decoded that `framing.look_at`, called with the same, would show.

    Of all visible layers that are read lazily, those of other volumes included.
    """
    centre, zoom = framed(viewer, position_nm, grid, box, whole)
    shown = viewer.dims.displayed[-2:]
    pixels = np.array(viewer.canvas.size)
    for layer in viewer.layers:
        for one in made_of(layer) if layer.visible else ():
            if isinstance(one, Planes):
                size = np.array(one.volume.grid.voxel_size)[list(shown)]
                factors = np.array(one.volume.factors)[:, list(shown)]
                in_view = np.ceil(pixels / zoom / size)  # the volume may be a part of it
                level = int(compute_multiscale_level(in_view, pixels, factors))
                seen = coarse_box(one.volume, _seen(viewer, centre, zoom, one.volume), 0, level)
                one.foresee(_with_what_is_drawn(layer, shown, seen, level), level)


def _with_what_is_drawn(layer: Layer, shown: Sequence[int], box: Box, level: int) -> Box:
    """Return all that a layer will read: as much as now, where the box is within that."""
    if not layer.multiscale or layer.data_level != level:
        return box
    start, stop = list(box.start), list(box.stop)
    for axis in shown:
        low, high = (int(corner[axis]) for corner in layer.corner_pixels)
        if not low <= start[axis] < stop[axis] <= high + 1:
            return box
        start[axis], stop[axis] = low, high + 1
    return Box(zyx(start), zyx(stop))


def _seen(viewer: ViewerModel, centre: Nm, zoom: float, volume: Volume) -> Box:
    """Return the voxels of a volume in view of a flat view."""
    grid, whole = volume.grid, Box.of_shape(volume.shape)
    start, stop = list(whole.start), list(whole.stop)
    shown = viewer.dims.displayed[-2:]
    reach = dict(zip(shown, (pixels / zoom / 2 for pixels in viewer.canvas.size), strict=True))
    for axis in range(3):
        at = (centre[axis] - grid.origin[axis]) / grid.voxel_size[axis]
        far = reach[axis] / grid.voxel_size[axis] if axis in reach else 0.0
        first = min(max(math.floor(at - far), start[axis]), stop[axis] - 1)
        start[axis], stop[axis] = first, max(first + 1, min(math.ceil(at + far), stop[axis]))
    return Box(zyx(start), zyx(stop))
