"""Drags that draw in the picture instead of moving it, and the brush as the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from napari.components import ViewerModel
from napari.utils.events import Event as MouseEvent

from napari_axonem.geometry import Nm
from napari_axonem.widgets.picture.clicks import LEFT, nm_of

Attempt = Callable[..., bool]
"""Does something, tells the user what goes wrong, and returns whether it went well."""


class Pen(Protocol):
    """What draws; positions are (z, y, x) in nm."""

    @property
    def draws(self) -> bool:
        """Whether a drag draws now."""

    def begin_stroke(self, position_nm: Nm, other: bool) -> None:
        """Press it down; `other` is with Shift or Alt."""

    def extend_stroke(self, position_nm: Nm) -> None:
        """Move it."""

    def end_stroke(self) -> None:
        """Lift it."""


def listen(viewer: ViewerModel, pen: Pen, attempt: Attempt) -> Callable[[], None]:
    """Let drags with the left button in two-dimensional views draw; Ctrl moves the picture.

    Returns
    -------
    A function that ends it.
    """

    def watch(_: ViewerModel, event: MouseEvent) -> Iterator[None]:
        flat = viewer.dims.ndisplay == 2 and len(event.position) == 3
        if event.button != LEFT or not flat or not pen.draws:
            return
        if "Control" in event.modifiers:
            yield from _move(viewer, event)
        else:
            yield from _draw(viewer, event, pen, attempt)

    viewer.mouse_drag_callbacks.append(watch)

    def end() -> None:
        if watch in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(watch)

    return end


def _draw(viewer: ViewerModel, event: MouseEvent, pen: Pen, attempt: Attempt) -> Iterator[None]:
    camera = viewer.scene.camera
    pans, camera.mouse_pan = camera.mouse_pan, False
    other = "Shift" in event.modifiers or "Alt" in event.modifiers
    try:
        begun = attempt(pen.begin_stroke, nm_of(event.position), other)
        yield
        while event.type == "mouse_move":
            if begun:
                attempt(pen.extend_stroke, nm_of(event.position))
            yield
    finally:  # whatever goes wrong, the picture can be moved again
        camera.mouse_pan = pans
    if begun:
        attempt(pen.extend_stroke, nm_of(event.position))
        attempt(pen.end_stroke)


def _move(viewer: ViewerModel, event: MouseEvent) -> Iterator[None]:
    camera = viewer.scene.camera
    (x, y), centre = event.pos, camera.center
    yield
    while event.type == "mouse_move":
        right, down = ((a - b) / camera.zoom for a, b in zip(event.pos, (x, y), strict=True))
        camera.center = (*centre[:-2], centre[-2] - down, centre[-1] - right)
        yield


class BrushCursor:
    """Shows the brush as a circle in the place of the cursor.

    Parameters
    ----------
    viewer
        Where it is shown.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._radius: float | None = None
        # Last: napari gives the cursor to the layer that is selected.
        viewer.layers.selection.events.active.connect(self._draw, position="last")

    def show(self, radius_nm: float | None) -> None:
        """Show a brush of a radius in nm; None gives the cursor back."""
        before, self._radius = self._radius, radius_nm
        if radius_nm is not None:
            self._draw()
        elif before is not None:
            layer = self._viewer.layers.selection.active
            self._viewer.cursor.style = "standard" if layer is None else layer.cursor

    def _draw(self) -> None:
        if self._radius is not None:
            self._viewer.cursor.scaled = True  # its size is in nm
            self._viewer.cursor.size = 2 * self._radius
            self._viewer.cursor.style = "circle"
