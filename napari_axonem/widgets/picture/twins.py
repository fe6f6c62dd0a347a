"""Layers that show the same as those of another viewer: of the same data, and kept like them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from napari.layers import Image, Labels, Layer, Points

ALWAYS = ("opacity", "blending")

LOOKS: dict[type[Layer], tuple[str, ...]] = {
    Image: (*ALWAYS, "contrast_limits", "gamma", "colormap", "interpolation2d"),
    Labels: (*ALWAYS, "colormap", "contour", "selected_label", "show_selected_label"),
    Points: ALWAYS,
}
"""What is taken over as soon as it changes, besides the data and whether a layer is seen."""

OF_POINTS = ("data", "size", "symbol", "face_color", "border_color", "shown")
"""What is taken over of points together, in this order; they are few."""

POINTS_EVENTS = ("data", "size", "symbol", "face_color", "border_color")


class Twin:
    """A layer that shows what another one shows, in another viewer.

    napari keeps what is drawn of a layer in the layer itself, so that each viewer needs its own.
    They share the data: of lazy ones no voxel is read twice.

    Parameters
    ----------
    source
        The layer.
    is_seen
        Tells whether it is to be seen in the other viewer.
    """

    def __init__(self, source: Layer, is_seen: Callable[[Layer], bool]) -> None:
        self.source, self._is_seen = source, is_seen
        data, state, kind = source.as_layer_data_tuple()
        self.layer: Layer = Layer.create(data, {**state, "visible": False}, kind)
        self.layer.editable = False
        self._names = next(looks for one, looks in LOOKS.items() if isinstance(source, one))
        self._links = [(getattr(source.events, name), self._take(name)) for name in self._names]
        self._links += [(source.events.visible, self._see)]
        events = POINTS_EVENTS if isinstance(source, Points) else ("data",)
        self._links += [(getattr(source.events, name), self._take_data) for name in events]
        for signal, slot in self._links:
            signal.connect(slot)
        self.sync()

    @staticmethod
    def can_be_made(layer: Layer) -> bool:
        """Tell whether a layer can have a twin: it has voxels or points in three dimensions."""
        return layer.ndim == 3 and isinstance(layer, tuple(LOOKS))

    def sync(self) -> None:
        """Take everything over: nothing was followed for a while."""
        for name in self._names:
            self._copy(name)
        if isinstance(self.source, Points):
            self._take_data()
        self._see()

    def refresh(self) -> None:
        """Draw what the source shows now, though it did not tell."""
        if isinstance(self.source, Points):
            if not np.array_equal(self.layer.data, self.source.data):
                self._take_data()
            elif not np.array_equal(self.layer.shown, self.source.shown):
                self.layer.shown = self.source.shown
        self.layer.refresh(extent=False)

    def end(self) -> None:
        """Follow the source no longer."""
        for signal, slot in self._links:
            signal.disconnect(slot)

    def _take(self, name: str) -> Callable[[], None]:
        def take() -> None:
            self._copy(name)

        return take

    def _copy(self, name: str) -> None:
        setattr(self.layer, name, getattr(self.source, name))

    def _take_data(self) -> None:
        names = (
            OF_POINTS if isinstance(self.source, Points) and len(self.source.data) else ("data",)
        )
        for name in names:
            setattr(self.layer, name, getattr(self.source, name))

    def _see(self) -> None:
        self.layer.visible = self._is_seen(self.source)
