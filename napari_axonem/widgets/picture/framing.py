"""Where to look: the plane, the centre and the zoom at which a place is seen well."""

from __future__ import annotations

from napari.components import ViewerModel

from napari_axonem.geometry import Box, Grid, Nm

FILL = 0.55
"""Part of the view that what is looked at takes, at most."""

LEAST_VOXELS = 60
"""Voxels across the view at the closest."""


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
    shown = viewer.dims.displayed[-2:]
    height, width = viewer.canvas.size
    zoom = min(
        pixels / _extent(position_nm[axis], grid, box, whole, axis)
        for axis, pixels in zip(shown, (height, width), strict=True)
    )
    centre = list(position_nm)
    for axis, pixels in zip(shown, (height, width), strict=True):
        centre[axis] = _inward(position_nm[axis], pixels / zoom, grid, whole, axis)
    viewer.scene.camera.center = tuple(centre[axis] for axis in viewer.dims.displayed)
    viewer.scene.camera.zoom = zoom


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
