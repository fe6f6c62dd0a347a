"""Clicks in the picture, told from drags, as positions in nm."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from napari.components import ViewerModel
from napari.utils.events import Event as MouseEvent

from napari_axonem.geometry import Nm

SLACK_PIXELS = 4
"""How far the mouse may move between press and release in a click."""

LEFT = 1

OnClick = Callable[[Nm, bool], None]
"""Takes the position (z, y, x) in nm, and whether Shift or Alt was held."""


def listen(viewer: ViewerModel, on_click: OnClick) -> Callable[[], None]:
    """Call `on_click` for clicks with the left button in two-dimensional views.

    Returns
    -------
    A function that ends it.
    """

    def watch(_: ViewerModel, event: MouseEvent) -> Iterator[None]:
        if event.button != LEFT or "Control" in event.modifiers or len(event.position) != 3:
            return
        start = event.pos
        yield
        while event.type == "mouse_move":
            yield
        moved = max(abs(a - b) for a, b in zip(event.pos, start, strict=True))
        if moved <= SLACK_PIXELS and viewer.dims.ndisplay == 2:
            z, y, x = (float(value) for value in event.position)
            on_click((z, y, x), "Shift" in event.modifiers or "Alt" in event.modifiers)

    viewer.mouse_drag_callbacks.append(watch)

    def end() -> None:
        if watch in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(watch)

    return end
