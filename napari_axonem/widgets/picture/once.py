"""Moving a view and changing what it shows at once: layers are read one time, at the end.

By itself napari reads all layers when it goes to another section, at the place where the view was
before, and again when it draws the place where the view is then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer, Points

from napari_axonem.geometry import Nm
from napari_axonem.widgets.picture.canvas import canvas_of
from napari_axonem.widgets.picture.late import made_of

Thumbs = Callable[[Collection[Layer]], None]
"""Makes thumbnails."""


def thumb(layers: Collection[Layer]) -> None:
    """Make the thumbnails of layers that were drawn; napari does it only when it reads them."""
    for layer in layers:
        layer._update_thumbnail()


@contextmanager
def drawn_once(
    viewer: ViewerModel, to: Nm | None = None, thumbs: Thumbs = thumb
) -> Iterator[set[Layer]]:
    """Give a set for layers that show something else; they and what moved are drawn at the end.

    Without a window, or not in a flat view, layers are drawn whenever napari wants to.

    Parameters
    ----------
    to
        The place (z, y, x) in nm that is gone to within, if one is.
    thumbs
        Is given the layers that were drawn, to make their thumbnails when there is time.
    """
    stale: set[Layer] = set()
    sections, camera, canvas = _sections(viewer), _camera(viewer), canvas_of(viewer)
    if canvas is None or viewer.dims.ndisplay != 2:
        yield stale
        if _sections(viewer) == sections:  # else they were drawn when it was gone there
            for layer in stale:
                layer.refresh(extent=False)
        return
    goes = to is not None and sections != tuple(to[axis] for axis in viewer.dims.not_displayed)
    unread = [layer for layer in viewer.layers if goes and layer.visible and _is_ours(layer)]
    for layer in unread:
        _set_visible(layer, to=False)  # napari does not read what is not to be seen
    try:
        with _told_once(canvas.view.camera):
            yield stale
    finally:
        corners = {layer: layer.corner_pixels for layer in stale}
        if _camera(viewer) != camera:
            canvas.on_draw(None)  # reads the layers of which it shows another part now
        for layer in unread:
            with _unread(layer):
                _set_visible(layer, to=True)
        stale.difference_update(unread)
        drawn = [*unread, *(one for one in stale if not _was_read(one, corners[one]))]
        for layer in drawn:
            layer.refresh(extent=False, thumbnail=False)
        thumbs(drawn)


@contextmanager
def _told_once(camera: Any) -> Iterator[None]:  # noqa: ANN401
    """Let a camera of vispy tell all that is drawn only at the end that it moved."""
    if "view_changed" in vars(camera):  # it is silent already
        yield
        return
    told: list[bool] = []
    camera.view_changed = lambda: told.append(True)
    try:
        yield
    finally:
        del camera.view_changed
        if told:
            camera.view_changed()


def _is_ours(layer: Layer) -> bool:
    """Tell whether a layer shows volumes of ours, or points."""
    return bool(made_of(layer)) or isinstance(layer, Points)


def _set_visible(layer: Layer, *, to: bool) -> None:
    """Set whether a layer is to be seen, and tell nobody; it is read when it is."""
    with layer.events.visible.blocker():
        layer.visible = to


@contextmanager
def _unread(layer: Layer) -> Iterator[None]:
    """Keep a layer from being read when it becomes visible."""
    layer.refresh = lambda **_: None
    try:
        yield
    finally:
        del layer.refresh


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
