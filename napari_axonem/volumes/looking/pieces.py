"""Decodes one piece of a volume: from its file, or from the pieces of the next finer level."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.volumes.looking.chunkcache import ChunkCache, Key
from napari_axonem.volumes.looking.lattice import Lattice
from napari_axonem.volumes.looking.scaled import Halved
from napari_axonem.volumes.volume import Volume

Voxels = npt.NDArray[Any]

RETRY_S = 20.0
"""What could not be read is tried again after so many seconds, when it is looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class _Unreadable:
    voxels: Voxels
    again: float


class Pieces:
    """The pieces of one volume; threads may share it.

    Parameters
    ----------
    volume
        What is read from.
    lattices
        How each level is cut into pieces.
    cache
        Where pieces of finer levels are kept that a coarser one was made of.
    report
        Is told of each piece that cannot be read, once.
    clock
        Tells the time in seconds.
    """

    def __init__(
        self,
        volume: Volume,
        lattices: Sequence[Lattice],
        cache: ChunkCache,
        report: Callable[[AxonemError], None],
        clock: Callable[[], float],
    ) -> None:
        self._volume, self._lattices, self._cache = volume, lattices, cache
        self._report, self._clock = report, clock
        self._unreadable: dict[Key, _Unreadable] = {}
        self._in_part: dict[Key, float] = {}  # made of some that are unreadable: till when
        self._reported: set[Key] = set()
        self._lock = Lock()

    def decode(self, key: Key) -> Voxels:
        """Return a piece (z, y, x), not to be changed; what cannot be read is 0."""
        known = self.unreadable([key])
        if known:
            return known[key]
        array = self._volume.levels[key.level]
        try:
            if isinstance(array, Halved):
                voxels = self._halved(array, key)
            else:
                box = self._lattices[key.level].box(key.piece)
                voxels = np.ascontiguousarray(self._volume.read(box, key.level))
        except Exception as error:
            return self._not_readable(key, error)
        with self._lock:
            self._unreadable.pop(key, None)
        voxels.setflags(write=False)
        return voxels

    def unreadable(self, keys: Iterable[Key]) -> dict[Key, Voxels]:
        """Return zeros for those pieces that could not be read a moment ago."""
        with self._lock:
            if not self._unreadable:
                return {}
            now = self._clock()
            known = {key: self._unreadable[key] for key in keys if key in self._unreadable}
        return {key: piece.voxels for key, piece in known.items() if now < piece.again}

    def outdated(self, keys: Iterable[Key]) -> list[Key]:
        """Return those pieces that are to be made again, from finer ones that could not be read."""
        with self._lock:
            if not self._in_part:
                return []
            now = self._clock()
            return [key for key in keys if self._in_part.get(key, now + 1) <= now]

    def forget(self) -> None:
        """Try again to read what could not be read, and report it again."""
        with self._lock:
            self._unreadable.clear()
            self._in_part.clear()
            self._reported.clear()

    def _halved(self, array: Halved, key: Key) -> Voxels:
        """Make a piece of those of the next finer level, in this thread: it waits for nobody."""
        here, finer = self._lattices[key.level], self._lattices[key.level - 1]
        box = here.box(key.piece)
        below = array.below(box)
        wide = np.empty(below.shape, self._volume.dtype)
        names = [Key(key.owner, key.level - 1, index) for index in finer.indices(below)]
        there = self._cache.get(names)
        for name in self.outdated(there):
            del there[name]
        for name in names:
            voxels = there.get(name)
            if voxels is None:
                voxels = self.decode(name)
                if isinstance(self._volume.levels[name.level], Halved):
                    self._cache.put(name, voxels, ahead=True)  # the finest would fill the cache
            piece = finer.box(name.piece)
            part = piece.intersect(below)
            wide[part.relative_to(below.start).slices] = voxels[
                part.relative_to(piece.start).slices
            ]
        self._note_gaps(key, names)
        return np.ascontiguousarray(array.halve(wide))

    def _note_gaps(self, key: Key, finer: Collection[Key]) -> None:
        """Remember how long a piece is good that was made of `finer` ones, not all of them read."""
        with self._lock:
            ends = [self._unreadable[name].again for name in finer if name in self._unreadable]
            ends += [self._in_part[name] for name in finer if name in self._in_part]
            if ends:
                self._in_part[key] = min(ends)
            else:
                self._in_part.pop(key, None)

    def _not_readable(self, key: Key, error: Exception) -> Voxels:
        box = self._lattices[key.level].box(key.piece)
        nothing = np.broadcast_to(np.zeros((), self._volume.dtype), box.shape)
        with self._lock:
            self._unreadable[key] = _Unreadable(nothing, self._clock() + RETRY_S)
            news = key not in self._reported
            self._reported.add(key)
        if news:
            seen = f"voxels {box.start}..{box.stop} cannot be read ({error})"
            if not isinstance(error, AxonemError):
                error = VolumeError(seen, where=self._volume.location)
            self._report(error)
        return nothing
