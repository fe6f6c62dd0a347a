"""Where to look: the plane, the centre and the zoom at which a place is seen well."""

from __future__ import annotations

import math

from napari.components import ViewerModel

from napari_axonem.geometry import Box, Grid, Nm, zyx

FILL = 0.55
"""Part of the view that what is looked at takes, at most."""

LEAST_VOXELS = 60
"""Voxels across the view at the closest."""

STEP = 2.0
"""Zooms are so far apart, from that at which the whole volume is in view: from one place to the
next the zoom mostly stays, which is calmer to the eye, and sooner drawn."""

ROUNDING = 1e-9
"""Of the power of a step that a zoom is."""


def look_at(viewer: ViewerModel, position_nm: Nm, grid: Grid, box: Box, whole: Box) -> None:
    """Put a position in the middle, in its plane, zoomed so that a box round it is seen.

    Parameters
    ----------
    position_nm
        World coordinates (z, y, x) in nm.
    grid
        Voxel size and origin in nm.
    box
        Voxels to be seen, as far as they lie in the plane.
    whole
        All voxels of the volume; never is more shown than that.
    """
    centred = grid.to_nm(grid.to_voxel(position_nm))
    for axis in viewer.dims.not_displayed:
        viewer.dims.set_point(axis, float(centred[axis]))
    centre, zoom = framed(viewer, position_nm, grid, box, whole)
    viewer.scene.camera.center = tuple(centre[axis] for axis in viewer.dims.displayed)
    viewer.scene.camera.zoom = zoom


def framed(
    viewer: ViewerModel, position_nm: Nm, grid: Grid, box: Box, whole: Box
) -> tuple[Nm, float]:
    """Return the middle of the view (z, y, x) in nm and its zoom that `look_at` would set."""
    shown = viewer.dims.displayed[-2:]
    pixels = dict(zip(shown, viewer.canvas.size, strict=True))
    all_of_it = min(pixels[axis] / (whole.shape[axis] * grid.voxel_size[axis]) for axis in shown)
    fits = min(pixels[axis] / _extent(position_nm[axis], grid, box, whole, axis) for axis in shown)
    zoom = all_of_it * STEP ** math.floor(math.log(fits / all_of_it, STEP) + ROUNDING)
    centre = list(position_nm)
    for axis in shown:
        centre[axis] = _inward(position_nm[axis], pixels[axis] / zoom, grid, whole, axis)
    z, y, x = centre
    return (z, y, x), zoom


def box_in_view(viewer: ViewerModel, grid: Grid, whole: Box, reach: int | None) -> Box:
    """Return the voxels of a volume that a flat view shows.

    Parameters
    ----------
    reach
        How many sections above and below the one shown belong to it; None for all.
    """
    start, stop = list(whole.start), list(whole.stop)
    camera, shown = viewer.scene.camera, viewer.dims.displayed[-2:]
    for axis, pixels, centre in zip(shown, viewer.canvas.size, camera.center[-2:], strict=True):
        low, high = (
            (centre + side * pixels / camera.zoom / 2 - grid.origin[axis]) / grid.voxel_size[axis]
            for side in (-1, 1)
        )
        start[axis] = max(start[axis], math.floor(low))
        stop[axis] = min(stop[axis], math.ceil(high))
    for axis in viewer.dims.not_displayed if reach is not None else ():
        at = math.floor((viewer.dims.point[axis] - grid.origin[axis]) / grid.voxel_size[axis])
        start[axis] = max(start[axis], at - (reach or 0))
        stop[axis] = min(stop[axis], at + (reach or 0) + 1)
    return Box(zyx(start), zyx(stop))


def _extent(position: float, grid: Grid, box: Box, whole: Box, axis: int) -> float:
    """Return how much of an axis to show, in nm, with a position in the middle of it."""
    size, origin = grid.voxel_size[axis], grid.origin[axis]
    ends = (origin + edge * size for edge in (box.start[axis], box.stop[axis]))
    wanted = 2 * max(abs(end - position) for end in ends) / FILL
    largest = (whole.stop[axis] - whole.start[axis]) * size
    return max(min(wanted, largest), LEAST_VOXELS * size)


def _inward(position: float, extent: float, grid: Grid, whole: Box, axis: int) -> float:
    """Return the middle of a view, moved off a position towards the volume where that is near.

    The position stays in the inner half of the view.
    """
    size, origin = grid.voxel_size[axis], grid.origin[axis]
    low = origin + whole.start[axis] * size + extent / 2
    high = origin + whole.stop[axis] * size - extent / 2
    inside = min(max(position, low), high) if low <= high else (low + high) / 2
    return min(max(inside, position - extent / 4), position + extent / 4)


def is_in_view(viewer: ViewerModel, place: Nm, part: float = 1.0) -> bool:
    """Tell whether a place (z, y, x) in nm lies within a flat view, or the inner part of it."""
    camera = viewer.scene.camera
    shown = viewer.dims.displayed[-2:]
    return all(
        abs(place[axis] - centre) <= part * pixels / camera.zoom / 2
        for axis, pixels, centre in zip(shown, viewer.canvas.size, camera.center[-2:], strict=True)
    )


def shows(viewer: ViewerModel, place: Nm) -> bool:
    """Tell whether a flat view shows a place (z, y, x) in nm: in its section, and within it."""
    if (viewer.dims.ndim, viewer.dims.ndisplay) != (3, 2) or not is_in_view(viewer, place):
        return False
    return all(
        abs(viewer.dims.point[axis] - place[axis]) <= viewer.dims.range[axis].step / 2
        for axis in viewer.dims.not_displayed
    )


def middle_of(viewer: ViewerModel) -> Nm:
    """Return the place (z, y, x) in nm in the middle of a view, in its volume."""
    place = [float(at) for at in viewer.dims.point[-3:]]
    if (viewer.dims.ndim, viewer.dims.ndisplay) == (3, 2):
        for axis, at in zip(viewer.dims.displayed, viewer.scene.camera.center[-2:], strict=True):
            place[axis] = float(at)
    z, y, x = place if len(place) == 3 else (0.0, 0.0, 0.0)
    return nearest_in(viewer, (z, y, x))


def nearest_in(viewer: ViewerModel, position_nm: Nm) -> Nm:
    """Return the place in the volume shown that is nearest to a position (z, y, x) in nm."""
    if viewer.dims.ndim != 3:
        return position_nm
    z, y, x = (
        min(max(at, span.start), span.stop)
        for at, span in zip(position_nm, viewer.dims.range, strict=True)
    )
    return z, y, x
