"""A volume as layers read it: kept in pieces, and never failing where a window shows it."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy.typing as npt

from napari_axonem.errors import AxonemError
from napari_axonem.geometry import Box, Zyx
from napari_axonem.volumes import Volume
from napari_axonem.volumes.looking.chunked import ChunkedVolume
from napari_axonem.widgets.picture.late import has_window, post

PATIENCE_S = 0.15
"""How long a picture waits for voxels, with all its layers; those that come later are drawn
then."""

MOMENT_S = 0.4
"""What was waited for within so many seconds counts as waiting for one picture: napari may read
each layer several times before it paints, first at the new section and then at the new place."""

_all: weakref.WeakSet[Planes] = weakref.WeakSet()

_whole: ContextVar[bool] = ContextVar("whole", default=False)


@contextmanager
def whole() -> Iterator[None]:
    """Have every voxel read within, or an error raised: for voxels that go to a file."""
    token = _whole.set(True)
    try:
        yield
    finally:
        _whole.reset(token)


class Planes:
    """What layers of one volume share.

    Parameters
    ----------
    volume
        What is read from.
    """

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        itself = weakref.ref(self)  # the threads that decode must not keep it
        self._pieces = ChunkedVolume(volume, _failed, lambda: _came(itself))
        _all.add(self)

    @property
    def waits(self) -> bool:
        """Whether voxels that are shown coarser, or as 0, are still to come."""
        return self._pieces.waits

    def shape(self, level: int) -> Zyx:
        """Return the extent (z, y, x) of a level in voxels."""
        return self._pieces.shape(level)

    def chunk(self, level: int) -> Zyx:
        """Return the extent (z, y, x) of what is decoded at once."""
        return self._pieces.chunk(level)

    def read(self, box: Box, level: int) -> npt.NDArray[Any]:
        """Return the voxels of a box of a level; they must not be changed.

        Where a window shows them, those that are not there soon come later, and until then
        those of a coarser level take their place; without a window all are waited for. What
        cannot be read is 0. Within `whole` all of this is not so.
        """
        if _whole.get():
            return self.volume.read(box, level)
        if has_window():
            with _waiting.allowance() as patience:
                return self._pieces.look(box, level, patience)
        return self._pieces.read(box, level)

    def read_all(self, box: Box, level: int) -> npt.NDArray[Any]:
        """Return the voxels of a box of a level, waiting for all of them."""
        return self._pieces.read(box, level)

    def foresee(self, box: Box, level: int) -> None:
        """Have the voxels of a box of a level decoded when nothing else is to be."""
        self._pieces.foresee(box, level)

    def forget(self, box: Box | None = None) -> None:
        """Read anew from now on what was written: a box of the finest level, or all."""
        self._pieces.forget(box)


class Waiting:
    """Shares out the time that a picture may wait.

    Parameters
    ----------
    clock
        Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spans: deque[tuple[float, float]] = deque(maxlen=64)

    @contextmanager
    def allowance(self) -> Iterator[float]:
        """Give the seconds that are left, and take note of how long the body takes."""
        start = self._clock()
        spent = sum(b - max(a, start - MOMENT_S) for a, b in self._spans if b > start - MOMENT_S)
        yield max(0.0, PATIENCE_S - spent)
        self._spans.append((start, self._clock()))


_waiting = Waiting()


def pending() -> bool:
    """Tell whether anything that is looked at is still to come, or to be drawn."""
    return any(planes.waits for planes in list(_all)) or post().will_draw


def _came(planes: weakref.ref[Planes]) -> None:
    there = planes()
    if there is not None:
        post().came(there)


def _failed(error: AxonemError) -> None:
    post().failed(error)
