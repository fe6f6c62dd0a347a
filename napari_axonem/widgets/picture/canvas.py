"""What draws a viewer: found, and kept from drawing all of it to learn what a mouse is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari.components import ViewerModel
from vispy.scene.visuals import VisualNode


def canvas_of(viewer: ViewerModel) -> Any:  # noqa: ANN401
    """Return what draws a viewer; None without a window, or where napari keeps it elsewhere."""
    window = getattr(viewer, "window", None)
    return getattr(getattr(window, "_qt_viewer", None), "canvas", None)


def answer_at_once(viewer: ViewerModel) -> Callable[[], None]:
    """Tell at once what a press or the wheel is for, where only the view itself takes any.

    By itself vispy draws all there is in colours that stand for what takes events of the mouse, and
    looks at one pixel of that: at each press, and at each notch of the wheel.

    Returns
    -------
    A function that ends it.
    """
    canvas = canvas_of(viewer)
    if canvas is None:
        return _nothing
    drawn = canvas._scene_canvas
    by_drawing = drawn.visual_at

    def visual_at(position: tuple[float, float]) -> object:
        visible = (node for node in _visible(drawn.scene) if isinstance(node, VisualNode))
        taking = [node for node in visible if node.interactive]
        if not taking:
            return None
        return canvas.view if taking == [canvas.view] else by_drawing(position)

    drawn.visual_at = visual_at

    def end() -> None:
        if vars(drawn).get("visual_at") is visual_at:
            del drawn.visual_at

    return end


def _visible(node: Any) -> Iterator[Any]:  # noqa: ANN401
    """Return a node and all that it holds, but for what is not drawn."""
    if node.visible:
        yield node
        for child in node.children:
            yield from _visible(child)


def _nothing() -> None:
    """Where nothing was begun, there is nothing to end."""
