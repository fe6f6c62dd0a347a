"""One zoom for several flat views."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari.components import ViewerModel


class SharedZoom:
    """Lets views have the zoom of the one that was zoomed last.

    Parameters
    ----------
    views
        The views; one that shows three dimensions keeps its own zoom.
    is_wanted
        Tells whether zooms are shared now.
    """

    def __init__(self, views: Sequence[ViewerModel], is_wanted: Callable[[], bool]) -> None:
        self._views, self._is_wanted = tuple(views), is_wanted
        self._sharing = False
        self._slots = [(view, self._follow(view)) for view in self._views]
        for view, slot in self._slots:
            view.scene.camera.events.zoom.connect(slot)

    def share(self, view: ViewerModel) -> None:
        """Give the other views the zoom of one."""
        if self._sharing or view.dims.ndisplay != 2:
            return
        self._sharing = True
        try:
            for other in self._views:
                if other is not view and other.dims.ndisplay == 2:
                    other.scene.camera.zoom = view.scene.camera.zoom
        finally:
            self._sharing = False

    def end(self) -> None:
        """Share it no longer."""
        for view, slot in self._slots:
            view.scene.camera.events.zoom.disconnect(slot)

    def _follow(self, view: ViewerModel) -> Callable[[], None]:
        def follow() -> None:
            if self._is_wanted():
                self.share(view)

        return follow
