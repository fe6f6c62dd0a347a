"""Moving a view and changing what it shows at once: layers are read one time, at the end.

By itself napari reads all layers when it goes to another section, at the place where the view was
before, and again when it draws the place where the view is then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer

from napari_axonem.geometry import Nm
from napari_axonem.widgets.picture.late import made_of


@contextmanager
def drawn_once(viewer: ViewerModel, to: Nm | None = None) -> Iterator[set[Layer]]:
    """Give a set for layers that show something else; they and what moved are drawn at the end.

    Without a window, or not in a flat view, layers are drawn whenever napari wants to.

    Parameters
    ----------
    to
        The place (z, y, x) in nm that is gone to within, if one is.
    """
    stale: set[Layer] = set()
    sections, camera, canvas = _sections(viewer), _camera(viewer), _canvas_of(viewer)
    if canvas is None or viewer.dims.ndisplay != 2:
        yield stale
        if _sections(viewer) == sections:  # else they were drawn when it was gone there
            _refresh(stale)
        return
    goes = to is not None and sections != tuple(to[axis] for axis in viewer.dims.not_displayed)
    unread = [layer for layer in viewer.layers if goes and layer.visible and made_of(layer)]
    for layer in unread:
        _set_visible(layer, to=False)  # napari does not read what is not to be seen
    try:
        yield stale
    finally:
        corners = {layer: layer.corner_pixels for layer in stale}
        if _camera(viewer) != camera:
            canvas.on_draw(None)  # reads the layers of which it shows another part now
        for layer in unread:
            _set_visible(layer, to=True)
        stale.difference_update(unread)
        _refresh({layer for layer in stale if not _was_read(layer, corners[layer])})


def _set_visible(layer: Layer, *, to: bool) -> None:
    """Set whether a layer is to be seen, and tell nobody; it is read when it is."""
    with layer.events.visible.blocker():
        layer.visible = to


def _refresh(layers: set[Layer]) -> None:
    for layer in layers:
        layer.refresh(extent=False)


def _was_read(layer: Layer, corners: object) -> bool:
    """Tell whether a layer was read since it had these corners; where in doubt, it was not."""
    if not getattr(layer, "multiscale", False) or layer.locked_data_level is not None:
        return False
    return layer.corner_pixels is not corners


def _sections(viewer: ViewerModel) -> tuple[float, ...]:
    """Return where a viewer stands along the axes that are not displayed."""
    return tuple(viewer.dims.point[axis] for axis in viewer.dims.not_displayed)


def _camera(viewer: ViewerModel) -> tuple[object, float]:
    """Return where a viewer looks at in its plane, and how closely."""
    return tuple(viewer.scene.camera.center), viewer.scene.camera.zoom


def _canvas_of(viewer: ViewerModel) -> Any:  # noqa: ANN401
    """Return what draws a viewer; None without a window, or where napari keeps it elsewhere."""
    window = getattr(viewer, "window", None)
    return getattr(getattr(window, "_qt_viewer", None), "canvas", None)
