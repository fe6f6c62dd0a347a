"""One zoom for several flat views, and one middle for two of them."""

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


class SharedCentre:
    """Lets two flat views of one plane have the middle of the one that was moved last.

    Parameters
    ----------
    first, second
        The views.
    is_wanted
        Tells whether the middle is shared now.
    """

    def __init__(
        self, first: ViewerModel, second: ViewerModel, is_wanted: Callable[[], bool]
    ) -> None:
        self._first, self._second, self._is_wanted = first, second, is_wanted
        first.scene.camera.events.center.connect(self.share)
        second.scene.camera.events.center.connect(self._follow)

    def share(self) -> None:
        """Give the second view the middle of the first."""
        self._give(self._first, self._second)

    def end(self) -> None:
        """Share it no longer."""
        self._first.scene.camera.events.center.disconnect(self.share)
        self._second.scene.camera.events.center.disconnect(self._follow)

    def _follow(self) -> None:
        self._give(self._second, self._first)

    def _give(self, one: ViewerModel, other: ViewerModel) -> None:
        flat = one.dims.ndisplay == other.dims.ndisplay == 2
        if flat and self._is_wanted() and one.scene.camera.center != other.scene.camera.center:
            other.scene.camera.center = one.scene.camera.center
