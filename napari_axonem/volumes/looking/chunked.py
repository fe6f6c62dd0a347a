"""A volume to look at: pieces are decoded once, in parallel, and the next ones ahead of time.

What cannot be read is 0, and said once; what is not there in time is shown coarser, and comes
later. Looking therefore never fails and never waits longer than it is told to.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, wait
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import AxonemError
from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.volumes.looking.chunkcache import CACHE, ChunkCache, Key
from napari_axonem.volumes.looking.decoding import LOCAL, REMOTE, Decoders, Job
from napari_axonem.volumes.looking.lattice import Lattice
from napari_axonem.volumes.looking.pieces import Pieces
from napari_axonem.volumes.looking.stand_in import coarse_box, spread
from napari_axonem.volumes.volume import Volume

Voxels = npt.NDArray[Any]

COARSER = 3
"""So many levels coarser is what is shown in place of voxels that are not there in time."""


PLANE_BYTES = 192 * 2**20
"""Pieces of a plane that take more than this are shown coarser: decoding them would take long."""


class ChunkedVolume:
    """Reads a volume through a cache of decoded pieces; threads may share it.

    Parameters
    ----------
    volume
        What is read from.
    report
        Is told of each piece that cannot be read, once, in some thread.
    arrived
        Is called, in some thread, when a piece is there that `read` did not wait for.
    cache, decoders
        Where pieces are kept, and what decodes them; shared with all other volumes by default.
    clock
        Tells the time in seconds.
    """

    def __init__(
        self,
        volume: Volume,
        report: Callable[[AxonemError], None] = lambda _: None,
        arrived: Callable[[], None] = lambda: None,
        *,
        cache: ChunkCache = CACHE,
        decoders: Decoders | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.volume = volume
        self._arrived = arrived
        self._cache = cache
        self._decoders = decoders or (REMOTE if "://" in volume.location else LOCAL)
        self._owner = cache.new_owner()
        self._lattices = [Lattice.of(level) for level in volume.levels]
        self._pieces = Pieces(volume, self._lattices, cache, report, clock)
        self._lock = Lock()
        self._version = 0
        self._jobs: dict[Key, Job] = {}
        self._wanted: set[Key] = set()
        self._late: set[Key] = set()
        self._foreseen: set[Key] = set()
        self._before: dict[int, Box] = {}
        self._last: dict[int, tuple[Box, int, Voxels]] = {}
        weakref.finalize(self, cache.forget, self._owner)

    def shape(self, level: int) -> Zyx:
        """Return the extent (z, y, x) of a level in voxels."""
        return self._lattices[level].shape

    def chunk(self, level: int) -> Zyx:
        """Return the extent (z, y, x) of the pieces in which a level is decoded."""
        return self._lattices[level].cell

    @property
    def waits(self) -> bool:
        """Whether pieces that were to be shown are still to come."""
        return bool(self._late)

    def read(self, box: Box, level: int = 0) -> Voxels:
        """Return the voxels of a box of a level, all of them; they must not be changed."""
        keys = self._keys(box, level)
        found = self._there(keys)
        missing = [key for key in keys if key not in found]
        while missing:
            jobs = self._ask(missing)
            wait([job.future for job in jobs.values()])
            found |= _results(jobs)
            # Dropped by somebody who looks elsewhere now; here they are still wanted.
            missing = [key for key in missing if key not in found]
        return self._joined(box, level, keys, found)

    def look(self, box: Box, level: int, patience: float) -> Voxels:
        """Return what to show of a box of a level, after a while at most.

        Voxels of a coarser level take the place of those that are not there in time, or 0
        does, and `arrived` is called when they come. The same, for good, where the pieces of
        a plane are too many to be kept.

        Parameters
        ----------
        box
            In voxels of that level, inside of it; the pieces next to a plane are fetched
            ahead, those that were to be looked at before are not.
        level
            The level of the pyramid.
        patience
            How many seconds to wait for what has to be decoded.
        """
        last = self._last.get(level)
        if last is not None and last[:2] == (box, self._version):
            return last[2]  # several layers show the same
        version = self._version
        voxels, is_whole = self._look(box, level, patience)
        if is_whole:
            self._last[level] = (box, version, voxels)
        return voxels

    def _look(self, box: Box, level: int, patience: float) -> tuple[Voxels, bool]:
        """Return what to show of a box, and whether that is all there will be to show."""
        if self._too_large(box, level):
            part = coarse_box(self.volume, box, level, level + 1)
            voxels, is_whole = self._look(part, level + 1, patience)
            return _fixed(spread(voxels, self.volume, box, level, level + 1)), is_whole
        keys = self._keys(box, level)
        found = self._there(keys)
        missing = [key for key in keys if key not in found]
        if missing:
            wanted = [*self._instead(box, level), *missing]
            self._drop(level, wanted)
            jobs = self._ask(wanted)
            wait([job.future for job in jobs.values()], patience)
            found |= _results(jobs)
            self._expect({key: jobs[key] for key in missing if key not in found})
        self._look_ahead(box, level)
        is_whole = all(key in found for key in keys) and not self._pieces.unreadable(keys)
        return self._joined(box, level, keys, found), is_whole

    def foresee(self, box: Box, level: int) -> None:
        """Have decoded what `look` will want of a box, when nothing else is to be decoded.

        That takes the place of what was foreseen before, and stays to be decoded when something
        else is looked at meanwhile.
        """
        while self._too_large(box, level):
            box, level = coarse_box(self.volume, box, level, level + 1), level + 1
        coarsest = len(self._lattices) - 1  # napari makes thumbnails of it
        parts = {level: box, coarsest: coarse_box(self.volume, box, level, coarsest)}
        wanted = [key for number, part in parts.items() for key in self._keys(part, number)]
        keys = self._cache.missing(wanted)
        with self._lock:
            self._foreseen = set(keys)
        self._decoders.ahead(list(self._jobs_for(keys, wanted=False).values()))

    def forget(self, box: Box | None = None) -> None:
        """Read anew from now on what was written: a box of the finest level, or all."""
        with self._lock:
            self._version += 1
            self._jobs.clear()
            self._wanted.clear()
            self._late.clear()
            self._foreseen.clear()
        self._pieces.forget()
        self._cache.forget(self._owner, lambda key: box is None or self._touches(key, box))

    def _touches(self, key: Key, box: Box) -> bool:
        factor = self.volume.factors[key.level]
        # A voxel of a coarser level may be made of its neighbours as well.
        part = self._lattices[key.level].box(key.piece).grow(1)
        whole = Box(zyx(np.multiply(part.start, factor)), zyx(np.multiply(part.stop, factor)))
        return whole.intersect(box).size > 0

    def _keys(self, box: Box, level: int) -> list[Key]:
        return [Key(self._owner, level, i) for i in self._lattices[level].indices(box)]

    def _there(self, keys: list[Key]) -> dict[Key, Voxels]:
        """Return the pieces that need not be decoded."""
        found = self._cache.get(keys)
        for key in self._pieces.outdated(found):
            del found[key]
        return found | self._pieces.unreadable(key for key in keys if key not in found)

    def _too_large(self, box: Box, level: int) -> bool:
        """Tell whether the pieces of a plane have no room.

        Two rows of them must fit in the cache, else each step along z would decode all anew.
        """
        size = self._lattices[level].bytes(box, self.volume.dtype.itemsize)
        last = level + 1 == len(self._lattices)
        most = min(PLANE_BYTES, self._cache.limit // 2)
        return 1 in box.shape and size > most and not last

    def _ask(self, keys: Collection[Key]) -> dict[Key, Job]:
        """Have pieces decoded before all others; return the jobs that do it."""
        jobs = self._jobs_for(keys, wanted=True)
        self._decoders.urgent([job for job in jobs.values() if not job.future.done()])
        return jobs

    def _jobs_for(self, keys: Iterable[Key], *, wanted: bool) -> dict[Key, Job]:
        jobs = {}
        with self._lock:
            for key in keys:
                job = self._jobs.get(key)
                if job is None or job.future.cancelled():
                    work = partial(self._decode, key, self._version)
                    job = self._jobs[key] = Job(work, (self._owner, key.level))
                if wanted:
                    self._wanted.add(key)
                jobs[key] = job
        return jobs

    def _decode(self, key: Key, version: int) -> Voxels:
        """Decode a piece and keep it; what cannot be read is 0."""
        voxels = self._pieces.decode(key)
        with self._lock:
            if version == self._version:  # else something was written meanwhile
                if not self._pieces.unreadable([key]):  # those are tried again
                    self._cache.put(key, voxels, ahead=key not in self._wanted)
                self._jobs.pop(key, None)
                self._wanted.discard(key)
        return voxels

    def _drop(self, level: int, keep: Collection[Key]) -> None:
        """Give up what was to be decoded of a level, but for some pieces and those foreseen."""
        with self._lock:
            jobs = [self._jobs[key] for key in (*keep, *self._foreseen) if key in self._jobs]
        self._decoders.drop((self._owner, level), jobs)
        with self._lock:
            for key in [k for k, job in self._jobs.items() if job.future.cancelled()]:
                del self._jobs[key]
                self._wanted.discard(key)

    def _expect(self, jobs: dict[Key, Job]) -> None:
        """Have `arrived` called when pieces come that were not waited for."""
        with self._lock:
            self._late.update(jobs)
        for key, job in jobs.items():
            job.future.add_done_callback(partial(self._has_come, key))

    def _has_come(self, key: Key, future: Future[Any]) -> None:
        if key in self._late and not future.cancelled():
            self._arrived()  # before `waits` says that there is nothing to wait for
        with self._lock:
            self._late.discard(key)

    def _joined(self, box: Box, level: int, keys: list[Key], found: dict[Key, Voxels]) -> Voxels:
        """Return the voxels of a box, from the pieces that are there."""
        lattice = self._lattices[level]
        if len(keys) == 1 and keys[0] in found:
            return found[keys[0]][box.relative_to(lattice.box(keys[0].piece).start).slices]
        if all(key in found for key in keys):
            voxels = np.empty(box.shape, self.volume.dtype)
        else:
            voxels = self._stand_in(box, level, found)
        for key in keys:
            piece = found.get(key)
            if piece is not None:
                inside, there = lattice.overlap(key.piece, box)
                voxels[there] = piece[inside]
        return _fixed(voxels)

    def _instead(self, box: Box, level: int) -> list[Key]:
        """Return the pieces of a coarser level that can stand in for a box, few as they are."""
        coarser = min(level + COARSER, len(self._lattices) - 1)
        if coarser == level:
            return []
        part = coarse_box(self.volume, box, level, coarser)
        return self._cache.missing(self._keys(part, coarser))

    def _stand_in(self, box: Box, level: int, found: dict[Key, Voxels]) -> Voxels:
        """Return the voxels of a box from the finest coarser level that is there, or zeros."""
        for coarser in range(level + 1, len(self._lattices)):
            part = coarse_box(self.volume, box, level, coarser)
            keys = self._keys(part, coarser)
            there = found | self._there(keys)
            if all(key in there for key in keys):
                voxels = self._joined(part, coarser, keys, there)
                return spread(voxels, self.volume, box, level, coarser)
        return np.zeros(box.shape, self.volume.dtype)

    def _look_ahead(self, box: Box, level: int) -> None:
        """Have decoded what may be looked at next; what was to come next before may not."""
        before = self._before.get(level)
        if before == box:
            return  # another layer shows the same
        self._before[level] = box
        boxes = self._lattices[level].next_boxes(box, before)
        next_ = self._cache.missing(key for b in boxes for key in self._keys(b, level))
        with self._lock:
            late = list(self._late)
        self._drop(level, [*next_, *late])
        self._decoders.ahead(list(self._jobs_for(next_, wanted=False).values()))


def _results(jobs: dict[Key, Job]) -> dict[Key, Voxels]:
    """Return the pieces that are there."""
    done = {key: job.future for key, job in jobs.items() if job.future.done()}
    return {key: future.result() for key, future in done.items() if not future.cancelled()}


def _fixed(voxels: Voxels) -> Voxels:
    voxels.setflags(write=False)
    return voxels
