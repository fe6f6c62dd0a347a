"""Layers that come later: a command makes what they are read from, beside the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.compat import isalive
from qtpy.QtWidgets import QMainWindow

from napari_axonem.geometry import Grid, Zyx
from napari_axonem.widgets.parts.child import Child
from napari_axonem.widgets.parts.work_view import WorkView
from napari_axonem.widgets.picture.volume_layers import placed
from napari_axonem.widgets.session.window import Closing

LayerData = tuple[Any, dict[str, Any], str]

MARK = "napari-axonem awaited"
"""Under this name the metadata of the empty layer keep whose place it is."""


class Awaited:
    """Runs a command in a child process, shows how far it is in a dock, and adds layers then.

    A failure stays to be read in the dock. Nothing is left behind where the user stops it.

    Parameters
    ----------
    viewer
        A viewer with a window.
    title
        What the layers are, for the dock and the empty layer.
    command
        Arguments of ``napari-axonem``.
    layers
        Gives the layers when the command has ended well.
    """

    def __init__(
        self,
        viewer: Viewer,
        title: str,
        command: Sequence[str],
        layers: Callable[[], Sequence[Layer]],
    ) -> None:
        self._viewer, self._title, self._layers = viewer, title, layers
        self.work = WorkView()
        self._dock = viewer.window.add_dock_widget(self.work, name=title, area="bottom")
        self.child = child = Child(self.work)  # ends with the dock
        self._main = self._dock.window()
        self._closing = Closing(self._end_if_closed)
        if isinstance(self._main, QMainWindow):
            self._main.installEventFilter(self._closing)
        self.work.stopped.connect(self._stop)
        child.progressed.connect(self.work.set_progress)
        child.finished.connect(self._show)
        child.failed.connect(self._fail)
        child.stopped.connect(self._close)
        self.work.awaited = self  # the dock keeps it alive
        self.work.begin(f"waiting for {title}")
        child.start(list(command))

    def placeholder(self, shape: Zyx, grid: Grid) -> LayerData:
        """Return an empty layer of that extent: napari takes a sample without one for a failure."""
        nothing = np.broadcast_to(np.zeros(1, np.uint8), shape)
        looks = {
            "name": f"{self._title}, awaited",
            "contrast_limits": (0, 255),
            "metadata": {MARK: self},
            **placed(grid),
        }
        return nothing, looks, "image"

    def _show(self) -> None:
        try:
            layers = self._layers()
        except Exception as error:  # shown where the user looks for the layers
            self._fail(str(error))
            return
        self._remove_placeholder()
        for layer in layers:
            self._viewer.add_layer(layer)
        self._close()

    def _fail(self, why: str) -> None:
        self._remove_placeholder()
        self.work.idle(why, problem=True)

    def _stop(self) -> None:
        self.work.stopping()
        self.child.stop()

    def _close(self) -> None:
        self._remove_placeholder()
        self._viewer.window.remove_dock_widget(self.work)

    def _remove_placeholder(self) -> None:
        layers = self._viewer.layers
        for layer in [one for one in layers if one.metadata.get(MARK) is self]:
            layers.remove(layer)

    def _end_if_closed(self) -> None:
        closed = not isalive(self._main) or not self._main.isVisible()
        if closed and isalive(self.child):
            self.child.end()
