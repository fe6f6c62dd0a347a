"""Layers of arrays that another process is still writing: read in a thread, again and again."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

from napari_axonem.geometry import Box, Grid, zyx
from napari_axonem.widgets.parts import colours
from napari_axonem.widgets.parts.beside import Beside
from napari_axonem.widgets.picture.garbage import take_away
from napari_axonem.widgets.picture.lazy import LazyLevel
from napari_axonem.widgets.picture.volume_layers import LABELS_OPACITY, labels_layer, placed

LARGEST = 1536
"""Pixels of a section's longer side that are shown; of a larger one every n-th voxel is read."""


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """An array that is being written."""

    array: Any
    """Voxels (z, y, x), or channels before them, whose mean is shown."""

    grid: Grid
    is_labels: bool = False


class GrowingLayer:
    """Shows one section of an array that grows, and never waits for it.

    Parameters
    ----------
    viewer
        Where to.
    name
        Of the layer.
    find
        Returns the array as it is now; None where there is none yet. Called in a thread.
    """

    def __init__(self, viewer: ViewerModel, name: str, find: Callable[[], Growth | None]) -> None:
        self._viewer, self._name, self._find = viewer, name, find
        self._beside = Beside()
        self._layer: Layer | None = None
        self._section, self._stride = 0, 1
        self._plane: tuple[int, npt.NDArray[Any]] | None = None
        self._is_reading = self._is_outdated = self._is_over = False

    @property
    def layer(self) -> Layer | None:
        """The layer, where there is something to see."""
        return self._layer

    def renew(self) -> None:
        """Read the section that is shown again, in a thread, and draw it when it is there."""
        if self._is_over:
            return
        if self._is_reading:
            self._is_outdated = True
            return
        self._is_reading, self._is_outdated = True, False
        found: list[tuple[Growth, int, npt.NDArray[Any]]] = []
        section = self._section

        def read() -> None:
            with suppress(Exception):  # it is being renamed, or written: there is a next time
                growth = self._find()
                if growth is not None:
                    found.append((growth, section, self._read(growth, section)))

        self._beside.compute(read, lambda: self._show(found))

    def remove(self) -> None:
        """Take the layer out of the viewer, for good."""
        self._is_over = True
        if self._layer is not None and self._layer in self._viewer.layers:
            take_away(self._viewer, self._layer)
        self._layer = None

    @staticmethod
    def _read(growth: Growth, section: int) -> npt.NDArray[Any]:
        depth, *sides = growth.array.shape[-3:]
        stride = math.ceil(max(sides) / LARGEST)
        places = (min(section, depth - 1), slice(None, None, stride), slice(None, None, stride))
        if len(growth.array.shape) == 3:
            return np.asarray(growth.array[places])
        pixels = np.asarray(growth.array[(slice(None), *places)])
        return pixels.mean(axis=0, dtype=np.float32).astype(np.uint8)

    def _show(self, found: list[tuple[Growth, int, npt.NDArray[Any]]]) -> None:
        self._is_reading = False
        if self._is_over:
            return
        for growth, section, pixels in found:
            self._plane = (section, pixels)
            if self._layer is None:
                self._layer = self._made(growth)
                self._viewer.add_layer(self._layer)
            elif self._layer in self._viewer.layers:
                self._layer.refresh(extent=False)
        if self._is_outdated:
            self.renew()

    def _made(self, growth: Growth) -> Layer:
        depth, *sides = growth.array.shape[-3:]
        stride = math.ceil(max(sides) / LARGEST)
        shape = zyx((depth, *(math.ceil(side / stride) for side in sides)))
        z, y, x = growth.grid.voxel_size
        grid = Grid((z, y * stride, x * stride), growth.grid.origin)
        if growth.is_labels:
            level = LazyLevel.whole(shape, growth.array.dtype, self._look)
            looks = {"opacity": LABELS_OPACITY, "colormap": colours.object_colormap()}
            layer: Image | Labels = labels_layer([level], self._name, grid, **looks)
        else:
            level = LazyLevel.whole(shape, np.uint8, self._look)
            layer = Image(
                level,
                name=self._name,
                contrast_limits=(0, 255),
                opacity=0.6,
                blending="additive",
                colormap="magma",
                multiscale=False,
                **placed(grid),
            )
        return layer

    def _look(self, box: Box) -> npt.NDArray[Any]:
        """Return what was read last of a section; another section is read in a thread."""
        section = box.start[0]
        dtype = np.uint8 if self._plane is None else self._plane[1].dtype
        if box.shape[0] != 1:  # a view from the side: only sections are read
            return np.zeros(box.shape, dtype)
        if self._plane is None or self._plane[0] != section:
            self._section = section
            self.renew()
            return np.zeros(box.shape, dtype)
        return self._plane[1][np.newaxis][(slice(None), *box.slices[1:])]
