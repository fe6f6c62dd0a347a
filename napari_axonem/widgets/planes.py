"""Voxels read from disk a moment ago: several layers show the same plane, and edits redraw it."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx
from napari_axonem.volumes import Volume

KEPT_BYTES = 2**27
"""Voxels are kept up to this many bytes: a dozen planes of a large screen."""


class Planes:
    """A volume whose voxels are kept for a while after they were read.

    Parameters
    ----------
    volume
        What is read from.
    """

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self._kept: OrderedDict[tuple[int, Box], npt.NDArray[Any]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()  # napari may slice in threads

    def shape(self, level: int) -> Zyx:
        """Return the extent (z, y, x) of a level in voxels."""
        return Box.of_shape(self.volume.levels[level].shape).shape

    def read(self, box: Box, level: int) -> npt.NDArray[Any]:
        """Return the voxels of a box of a level; they must not be changed."""
        key = level, box
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        voxels = self.volume.read(box, level)
        voxels.setflags(write=False)
        self._keep(key, voxels)
        return voxels

    def forget(self) -> None:
        """Read everything anew from now on: voxels were written."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _keep(self, key: tuple[int, Box], voxels: npt.NDArray[np.generic]) -> None:
        if voxels.nbytes > KEPT_BYTES:
            return
        with self._lock:
            if key not in self._kept:
                self._bytes += voxels.nbytes
            self._kept[key] = voxels
            while self._bytes > KEPT_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.nbytes
