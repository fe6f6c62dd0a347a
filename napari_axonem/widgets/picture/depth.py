"""Going to a view in three dimensions and back, with the layers that must not be loaded there.

In three dimensions napari loads a whole level of each visible pyramid, the coarsest. Layers that
are read lazily are therefore hidden first. napari's own button loads before it tells, so that with
it they are hidden only then.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Layer, Points

from napari_axonem.geometry import Nm
from napari_axonem.widgets.picture.late import made_of
from napari_axonem.widgets.picture.marks import Marks

ANGLES = (-12.0, 28.0, 62.0)
"""How the first view in three dimensions is turned, in degrees."""

FILL = 0.85
"""Part of the view that what is looked at takes."""


class Depth:
    """The third dimension of a viewer.

    Parameters
    ----------
    viewer
        The viewer.
    marks
        Places, which are seen through solids.
    """

    def __init__(self, viewer: ViewerModel, marks: Marks) -> None:
        self._viewer, self._marks = viewer, marks
        self.on = False
        """Whether the view has three dimensions and lazy layers are hidden."""
        self.switched: Callable[[], None] = lambda: None
        """Called when it was gone to, or left, by whatever means."""
        self.concerned: Callable[[], bool] = lambda: False
        """Tells whether there is anything of ours that has a third dimension."""
        self.later: Callable[[Callable[[], None]], None] = lambda action: action()
        """Does something when the window has had a turn."""
        self._hidden: list[Layer] = []
        self._centre: Nm = (0.0, 0.0, 0.0)
        self._point: tuple[float, ...] = (0.0, 0.0, 0.0)
        self._zoom = 1.0
        self._angles = ANGLES
        self._then: Callable[[], None] | None = None
        viewer.dims.events.ndisplay.connect(self._follow)

    def enter(self) -> None:
        """Go to three dimensions."""
        self._hide()  # the viewer loads what is visible before it tells that it has three
        self._viewer.dims.ndisplay = 3

    def leave(self) -> None:
        """Go back to two, to the same place, or to the one that was asked for meanwhile."""
        self._viewer.dims.ndisplay = 2

    def hides(self, layer: Layer) -> bool:
        """Tell whether a layer is hidden only until two dimensions are back."""
        return any(one is layer for one in self._hidden)

    def sees(self, layer: Layer) -> bool:
        """Tell whether a layer is visible, or will be when two dimensions are back."""
        return bool(layer.visible) or self.hides(layer)

    def show(self, layer: Layer, visible: bool) -> None:
        """Show or hide a lazy layer; in three dimensions only when two are back."""
        others = [one for one in self._hidden if one is not layer]
        self._hidden = [*others, layer] if visible and self.on else others
        layer.visible = visible and not self.on

    def afterwards(self, look: Callable[[], None]) -> None:
        """Do this when two dimensions are back, in the place of going back."""
        self._then = look

    def back_to(self, position_nm: Nm) -> None:
        """Put a place (z, y, x) in nm in the middle of a flat view, at the zoom from before."""
        for axis in self._viewer.dims.not_displayed:
            self._viewer.dims.set_point(axis, position_nm[axis])
        camera = self._viewer.scene.camera
        camera.center = tuple(position_nm[axis] for axis in self._viewer.dims.displayed)
        camera.zoom = self._zoom

    def frame(self, centre_nm: Nm, extent_nm: float) -> None:
        """Put a place (z, y, x) in the middle, with so much round it in view; both in nm."""
        camera = self._viewer.scene.camera
        camera.center = centre_nm
        camera.zoom = FILL * min(self._viewer.canvas.size) / max(extent_nm, 1.0)

    def _follow(self, _: object = None) -> None:
        camera = self._viewer.scene.camera
        if self._viewer.dims.ndisplay == 3:
            if not self.on and not self.concerned():
                return
            if not self.on:
                self._hide()
            camera.angles = self._angles
            self.switched()
        elif self.on:
            self.on, self._angles = False, camera.angles
            self.switched()  # first: layers that go may move the place in the volume
            self._restore()

    def _hide(self) -> None:
        self.on, self._then = True, None
        camera = self._viewer.scene.camera
        self._centre, self._zoom = camera.center, camera.zoom
        self._point = self._viewer.dims.point
        lazy = [layer for layer in self._viewer.layers if layer.visible and made_of(layer)]
        places = self._marks.places
        coming = [layer for layer in self._hidden if layer in self._viewer.layers]
        self._hidden = [*coming, *lazy, *([places] if places.visible else [])]
        for layer in self._hidden:
            layer.visible = False
        for marks in self._seen_through:
            marks.blending = "translucent_no_depth"

    def _restore(self) -> None:
        for marks in self._seen_through:
            marks.blending = "translucent"
        for axis in self._viewer.dims.not_displayed:
            self._viewer.dims.set_point(axis, self._point[axis])
        camera = self._viewer.scene.camera
        camera.center, camera.zoom = self._centre, self._zoom
        if self._then is not None:
            self._then()
        self._then = None
        self._show_next()

    def _show_next(self) -> None:
        """Show again what was hidden, one layer a turn of the window."""
        if self._hidden and not self.on:
            self._hidden.pop(0).visible = True
            self.later(self._show_next)

    @property
    def _seen_through(self) -> tuple[Points, Points]:
        return self._marks.here, self._marks.seeds


def middle_and_extent(start_nm: npt.ArrayLike, stop_nm: npt.ArrayLike) -> tuple[Nm, float]:
    """Return the middle (z, y, x) and the diagonal, in nm, of a box given by two corners."""
    start, stop = np.asarray(start_nm, float), np.asarray(stop_nm, float)
    z, y, x = ((start + stop) / 2).tolist()
    return (z, y, x), float(np.linalg.norm(stop - start))
