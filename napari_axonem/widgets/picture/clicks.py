"""Clicks in the picture, told from drags, as positions in nm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from napari.components import ViewerModel
from napari.utils.events import Event as MouseEvent

from napari_axonem.geometry import Nm

SLACK_PIXELS = 4
"""How far the mouse may move between press and release in a click."""

LEFT = 1

OnClick = Callable[[Nm, bool], None]
"""Takes the position (z, y, x) in nm, and whether Shift or Alt was held."""

OnRay = Callable[[Nm, Nm, bool], None]
"""Takes a position on the line of sight (z, y, x) in nm, its direction (z, y, x), and whether Shift
or Alt was held."""


def no_ray(_: Nm, __: Nm, ___: bool) -> None:
    """Take no notice of clicks in three dimensions."""


def listen(viewer: ViewerModel, on_click: OnClick, on_ray: OnRay = no_ray) -> Callable[[], None]:
    """Call `on_click` for clicks with the left button in flat views, `on_ray` in deep ones.

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
        if moved > SLACK_PIXELS:
            return
        other = "Shift" in event.modifiers or "Alt" in event.modifiers
        if viewer.dims.ndisplay == 2:
            on_click(nm_of(event.position), other)
        elif event.view_direction is not None:
            on_ray(nm_of(event.position), nm_of(event.view_direction), other)

    viewer.mouse_drag_callbacks.append(watch)

    def end() -> None:
        if watch in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(watch)

    return end


def nm_of(values: Iterable[float]) -> Nm:
    """Return the numbers of an event of the mouse as a position or direction (z, y, x)."""
    z, y, x = (float(value) for value in values)
    return z, y, x
