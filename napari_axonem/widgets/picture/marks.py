"""Places: the errors listed as points in the picture, and the points of a split.

They live as long as the session. With software OpenGL, removing a Points layer and
adding another within one turn of the event loop crashes, so only their data change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Points
from napari.utils.colormaps.standardize_color import transform_color

from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Grid, Nm, Zyx
from napari_axonem.proofreading.record.operation import Colour, Point
from napari_axonem.widgets.parts import colours
from napari_axonem.widgets.picture.volume_layers import lattice

REACH_PLANES = 3
"""How many planes above and below a place it still shows."""

MOST = 300
"""Places shown at most, the worst: more would only hide the picture."""

SHARE = 20
"""Points are a share of the volume wide, so that what is seen is the largest size in pixels.

They are not larger because napari counts them in when it fits the volume into the view. The
least size is 1 pixel because vispy draws borders of half of it at least.
"""

PLACE_PIXELS, HERE_PIXELS, SEED_PIXELS = 13, 38, 15


class Marks:
    """The layers of points.

    Parameters
    ----------
    viewer
        Where they are shown.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self.places = _points("places", "disc", "black", PLACE_PIXELS)
        """The errors listed."""
        self.here = _points("here", "ring", "black", HERE_PIXELS)
        """The error looked at."""
        self.seeds = _points("points", "disc", "white", SEED_PIXELS)
        """The points of a split; hidden when there are none, as each layer takes time to draw."""
        self.seeds.visible = False

    @property
    def all(self) -> tuple[Points, ...]:
        """All layers, the lowest first."""
        return self.places, self.here, self.seeds

    def put_on(self, grid: Grid, shape: Zyx) -> Iterator[None]:
        """Show the layers above all others, one a step.

        Parameters
        ----------
        grid, shape
            Lattice and extent (z, y, x) of the volume that they belong to.
        """
        for layer in self.all:
            layer.scale, layer.translate = lattice(grid)
            layer.current_size = max(shape) / SHARE
            if layer not in self._viewer.layers:
                self._viewer.layers.append(layer)
                yield
            layer.editable = False
        # Only layers that ask for it are shown over several planes: these.
        reach = tuple(REACH_PLANES * size for size in grid.voxel_size)
        self._viewer.dims.margin_left = self._viewer.dims.margin_right = reach

    def set_places(
        self, mistakes: Sequence[Mistake | Suggestion], current: int, grid: Grid
    ) -> None:
        """Mark errors, worst first; `current` is the row of the one looked at, or -1."""
        here = [mistakes[current]] if current >= 0 else []
        for layer, listed in ((self.places, mistakes[:MOST]), (self.here, here)):
            positions = [mistake.position_nm for mistake in listed]
            _fill(layer, positions, grid, [colours.OF_KIND[m.kind] for m in listed])
        others = np.arange(len(self.places.data)) != current
        if not np.array_equal(self.places.shown, others):  # much faster than other data
            self.places.shown = others

    def set_seeds(self, points: Sequence[Point], grid: Grid) -> None:
        """Mark the points of a split in their colours."""
        begun = bool(points) != bool(len(self.seeds.data))
        face = [colours.OF_SIDE[point.colour or Colour.RED] for point in points]
        _fill(self.seeds, [point.position_nm for point in points], grid, face)
        if begun:
            self.seeds.visible = bool(points)

    def clear(self) -> None:
        """Mark nothing."""
        for layer in self.all:
            layer.data = np.empty((0, 3))
        self.seeds.visible = False


def _points(name: str, symbol: str, border: str, pixels: int) -> Points:
    # Units have to be given here: when they are set later, napari 0.9.2 keeps an inverse
    # transform in pixels and looks for the points of another plane.
    layer = Points(
        np.empty((0, 3)),
        ndim=3,
        name=name,
        symbol=symbol,
        border_color=border,
        border_width=0.06,
        units=("nm", "nm", "nm"),
    )
    layer.canvas_size_limits = (1, pixels)
    layer.projection_mode = "all"
    return layer


def _fill(layer: Points, positions_nm: Sequence[Nm], grid: Grid, face: Sequence[str]) -> None:
    """Replace all points of a layer."""
    voxels = _voxels(positions_nm, grid)
    if len(voxels) != len(layer.data):
        layer.data = voxels
        if not layer.visible:  # else the colours are looked for at points that are gone
            layer.set_view_slice()
    elif not np.array_equal(voxels, layer.data):
        layer.data[:] = voxels  # setting the whole takes far longer than moving points
        layer.refresh(extent=False)
    if face:
        table = {name: transform_color(name)[0] for name in set(face)}
        rgba = np.array([table[name] for name in face])
        if not np.array_equal(rgba, layer.face_color):  # setting it draws the layer
            layer.face_color = rgba


def _voxels(positions_nm: Sequence[Nm], grid: Grid) -> npt.NDArray[Any]:
    """Return positions in the layer's own coordinates: voxel centres at integers."""
    points = np.asarray(positions_nm, dtype=float).reshape(-1, 3)
    return (points - grid.origin) / np.asarray(grid.voxel_size) - 0.5
