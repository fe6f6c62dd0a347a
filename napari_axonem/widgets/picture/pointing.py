"""Drags with Ctrl, that point at a place and move along with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from napari.components import ViewerModel
from napari.utils.events import Event as MouseEvent

from napari_axonem.geometry import Nm
from napari_axonem.widgets.picture.clicks import LEFT, nm_of

OnPoint = Callable[[Nm], object]
"""Takes a position (z, y, x) in nm."""


def listen(
    viewer: ViewerModel, on_point: OnPoint, is_wanted: Callable[[], bool]
) -> Callable[[], None]:
    """Call `on_point` where the left button is pressed with Ctrl, and wherever it is dragged.

    Parameters
    ----------
    is_wanted
        Tells whether such drags are pointing now; only flat views are pointed at.

    Returns
    -------
    A function that ends it.
    """

    def watch(_: ViewerModel, event: MouseEvent) -> Iterator[None]:
        flat = viewer.dims.ndisplay == 2 and len(event.position) == 3
        if event.button != LEFT or "Control" not in event.modifiers or not flat or not is_wanted():
            return
        camera = viewer.scene.camera
        pans, camera.mouse_pan = camera.mouse_pan, False
        try:
            on_point(nm_of(event.position))
            yield
            while event.type == "mouse_move":
                on_point(nm_of(event.position))
                yield
        finally:  # whatever goes wrong, the picture can be moved again
            camera.mouse_pan = pans

    viewer.mouse_drag_callbacks.append(watch)

    def end() -> None:
        if watch in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(watch)

    return end
