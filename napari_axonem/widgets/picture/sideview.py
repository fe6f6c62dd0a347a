"""A view from the side: what a viewer shows, cut along another plane."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from napari.components import ViewerModel
from napari.layers import Layer

from napari_axonem.geometry import Nm
from napari_axonem.widgets.picture.crosshair import Crosshair
from napari_axonem.widgets.picture.framing import is_in_view
from napari_axonem.widgets.picture.twins import Twin

WELL_IN = 0.9
"""Part of the view that a place stays in; out of it, it is put in the middle."""

BESIDE = "xy"
"""The plane of the picture itself, once more with the other labels: truth or segmentation."""

PLANES = {BESIDE: (0, 1, 2), "xz": (1, 0, 2), "yz": (2, 1, 0)}
"""The axes of each plane: that across it, then that of its rows and of its columns. So x lies below
the x of an xy picture, and y beside its y."""

TITLES = {BESIDE: "compare"}


class SideView:
    """A viewer that shows the layers of another one from the side.

    Parameters
    ----------
    plane
        One of `PLANES`.
    is_seen
        Tells whether a layer of the other viewer is to be seen.
    """

    def __init__(self, plane: str, is_seen: Callable[[Layer], bool]) -> None:
        self.plane, self._is_seen = plane, is_seen
        self.model = ViewerModel(title=plane, order=PLANES[plane], axis_labels=("z", "y", "x"))
        name = self.model.canvas.overlays.text
        name.text, name.visible, name.position = TITLES.get(plane, plane), True, "top_left"
        self.crosshair = Crosshair(self.model)
        self.twins: list[Twin] = []

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of this view, but for the crosshair."""
        return tuple(twin.layer for twin in self.twins)

    def show(self, layers: Iterable[Layer]) -> None:
        """Show these layers of the other viewer, the lowest first."""
        wanted = [layer for layer in layers if Twin.can_be_made(layer)]
        for twin in [twin for twin in self.twins if twin.source not in wanted]:
            twin.end()
            self.twins.remove(twin)
            self.model.layers.remove(twin.layer)
        there = {id(twin.source): twin for twin in self.twins}
        for layer in wanted:
            if id(layer) not in there:
                there[id(layer)] = Twin(layer, self._is_seen)
        self.twins = [there[id(layer)] for layer in wanted]
        for place, twin in enumerate(self.twins):
            if twin.layer not in self.model.layers:
                self.model.layers.insert(place, twin.layer)
            elif self.model.layers.index(twin.layer) != place:
                self.model.layers.move(self.model.layers.index(twin.layer), place)
        self.model.layers.selection.clear()  # its keys and its mouse would come before ours
        if self.twins:
            self._turn()

    def go(self, place: Nm, *, centre: bool) -> None:
        """Go through a place (z, y, x) in nm; in the middle with `centre`, or if out of sight."""
        axis, *shown = PLANES[self.plane]
        if self.model.dims.point[axis] != place[axis]:
            self.model.dims.set_point(axis, place[axis])
        if self.plane == BESIDE:
            return  # it has the middle of the picture
        camera = self.model.scene.camera
        if centre or not is_in_view(self.model, place, WELL_IN):
            camera.center = (0.0, place[shown[0]], place[shown[1]])

    def look_like(self, viewer: ViewerModel) -> None:
        """Take over the theme of the other viewer, its scale bar, and how far points are seen."""
        self.model.theme = viewer.theme
        self.model.canvas.overlays.scale_bar.visible = viewer.canvas.overlays.scale_bar.visible
        self.model.dims.margin_left = viewer.dims.margin_left
        self.model.dims.margin_right = viewer.dims.margin_right

    def refresh(self) -> None:
        """Show what the layers show now."""
        for twin in self.twins:
            twin.refresh()

    def end(self) -> None:
        """Follow the other viewer no longer; what is drawn stays."""
        self.crosshair.end()
        for twin in self.twins:
            twin.end()
        self.twins = []

    def clear(self) -> None:
        """Show nothing any more."""
        self.model.layers.clear()

    def _turn(self) -> None:
        """Lie in the plane and at the distance across that were before there were no layers."""
        if self.model.dims.order != PLANES[self.plane]:  # a viewer without layers forgets it
            self.model.dims.order = PLANES[self.plane]
