"""The lines through the place that all views go through, in one flat view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Shapes
from napari.utils.events import EventEmitter

from napari_axonem.geometry import Nm

NAME = "crosshair"

PIXELS = 1.2
"""Width of the lines on the screen."""

COLOUR = "white"

OPACITY = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """The voxels of the layers that lines are drawn over."""

    scale: npt.NDArray[np.floating]
    """Edge lengths of a voxel (z, y, x), in the units of the viewer."""

    translate: npt.NDArray[np.floating]
    """The centre of voxel (0, 0, 0)."""

    low: npt.NDArray[np.floating]
    """The centre of the first voxel of all layers."""

    high: npt.NDArray[np.floating]
    """The centre of the last one."""

    units: tuple[str, ...]
    """What lengths are in."""

    @classmethod
    def of(cls, layers: list[Layer]) -> Lattice | None:
        """Return the lattice of layers in three dimensions; None where there are none."""
        solid = [one for one in layers if isinstance(one, Image | Labels) and one.ndim == 3]
        if not solid:
            return None
        first, extents = solid[0], np.array([layer.extent.world for layer in solid])
        low, high = extents[:, 0].min(axis=0), extents[:, 1].max(axis=0)
        units = tuple(str(unit) for unit in first.units)
        return cls(np.asarray(first.scale), np.asarray(first.translate), low, high, units)

    def to_data(self, points: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """Return points of the viewer in voxels; their centres are whole numbers."""
        found: npt.NDArray[np.floating] = (np.asarray(points) - self.translate) / self.scale
        return found


class Crosshair:
    """Lines through one place, in a layer that exists while they are shown.

    Only a flat view has them: napari draws lines in three dimensions as wide as voxels are deep.
    The layer lies on the lattice of the layers below: one with finer voxels would make the viewer
    step through sections in parts of them.

    Parameters
    ----------
    viewer
        Where they are drawn.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._place: Nm | None = None
        self._lattice: Lattice | None = None
        self._drawn: npt.NDArray[np.floating] = np.empty((0, 2, 3))
        self.layer: Shapes | None = None
        """The lines."""
        events = viewer.dims.events
        self._links: tuple[tuple[EventEmitter, Callable[[], None]], ...] = (
            (viewer.layers.events.inserted, self._forget),
            (viewer.layers.events.removed, self._forget),
            (viewer.scene.camera.events.zoom, self._widen),
            (events.point, self._follow),
            (events.order, self._follow),
            (events.ndisplay, self._follow_depth),
        )
        for signal, slot in self._links:
            signal.connect(slot)

    def show(self, place: Nm | None) -> None:
        """Draw the lines through a place (z, y, x) in nm; none without one.

        Layers come and go here alone: within an event of the viewer napari could not follow.
        """
        self._place = place
        if self._lattice is None:
            others = [one for one in self._viewer.layers if one is not self.layer]
            self._lattice = Lattice.of(others)
        dims, lattice = self._viewer.dims, self._lattice
        if place is None or lattice is None or (dims.ndim, dims.ndisplay) != (3, 2):
            self._remove()
        elif self.layer is None or self.layer not in self._viewer.layers:
            self._add(lattice, self._lines(lattice, place))
        else:
            self._follow()

    def end(self) -> None:
        """Follow the viewer no longer; lines that are drawn stay."""
        for signal, slot in self._links:
            signal.disconnect(slot)

    def _forget(self) -> None:
        """Measure the layers anew the next time: there are others."""
        self._lattice = None

    def _follow(self) -> None:
        """Move the lines that there are to the place, in the section that is shown."""
        if self.layer is None or self._lattice is None or self._place is None:
            return
        if self._viewer.dims.ndisplay == 2:
            lines = self._lines(self._lattice, self._place)
            if not np.array_equal(lines, self._drawn):
                with self.layer.events.data.blocker():  # they never reach beyond the others
                    self.layer.data = list(lines)
                self._drawn = lines

    def _follow_depth(self) -> None:
        if self.layer is not None:
            self.layer.visible = self._viewer.dims.ndisplay == 2
            self._follow()

    def _lines(self, lattice: Lattice, place: Nm) -> npt.NDArray[np.floating]:
        """Return the ends of a line for each axis displayed, in voxels, shape (2, 2, 3)."""
        dims, lines = self._viewer.dims, []
        for axis in dims.displayed:
            ends = np.array([place, place], float)
            ends[:, axis] = lattice.low[axis], lattice.high[axis]
            ends = lattice.to_data(ends)
            for across in dims.not_displayed:  # exactly in the section: others show no line
                ends[:, across] = np.rint(lattice.to_data(dims.point)[across])
            lines.append(ends)
        return np.array(lines)

    def _widths(self, lattice: Lattice) -> list[float]:
        """Return how wide each line is in voxels, across it, to look equal on the screen."""
        nm = PIXELS / self._viewer.scene.camera.zoom
        displayed = self._viewer.dims.displayed
        return [nm / float(lattice.scale[axis]) for axis in reversed(displayed)]

    def _widen(self) -> None:
        flat = self._viewer.dims.ndisplay == 2  # else the lines are about to go
        if flat and self.layer is not None and self._lattice is not None:
            self.layer.edge_width = self._widths(self._lattice)

    def _add(self, lattice: Lattice, lines: npt.NDArray[np.floating]) -> None:
        active = self._viewer.layers.selection.active
        self.layer = Shapes(
            list(lines),
            ndim=3,
            shape_type="line",
            edge_width=self._widths(lattice),
            edge_color=COLOUR,
            opacity=OPACITY,
            blending="translucent_no_depth",
            name=NAME,
            scale=lattice.scale,
            translate=lattice.translate,
            units=lattice.units,
        )
        self._drawn = lines
        self._viewer.layers.append(self.layer)
        self.layer.editable = False
        self._lattice = lattice
        self._viewer.layers.selection.active = active

    def _remove(self) -> None:
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)
