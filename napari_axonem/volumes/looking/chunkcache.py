"""Chunks as they were decoded, kept while there is room: one store for all that is looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple

import numpy.typing as npt
import psutil

from napari_axonem.geometry import Zyx

Voxels = npt.NDArray[Any]

LIMIT_BYTES = max(384 * 2**20, min(768 * 2**20, psutil.virtual_memory().total // 16))
"""Memory that all chunks kept may take, in the whole program.

A place and the next one, with image, fragments and truth, have room in the largest.
"""

RECENT = 16
"""Chunks asked for in so many of the last requests are not given up for those fetched ahead.

One picture of a project makes up to eight requests: four layers, each with its thumbnail.
"""


class Key(NamedTuple):
    """Names one chunk."""

    owner: int
    """Whose it is; see `new_owner`."""

    level: int
    """The level of the pyramid."""

    piece: Zyx
    """Which chunk (z, y, x) of that level."""


@dataclass(slots=True, eq=False)
class _Kept:
    voxels: Voxels
    cost: int
    request: int


class ChunkCache:
    """Keeps the chunks that were used last, up to a number of bytes; threads may share it.

    Parameters
    ----------
    limit
        Bytes that the chunks may take together.
    """

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self.limit = limit
        self.bytes = 0
        """Bytes that the chunks take now; never more than `limit`."""
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()  # least recently used first
        self._request = 0
        self._owners = 0
        self._lock = Lock()

    def new_owner(self) -> int:
        """Return a number that no other owner of chunks has."""
        with self._lock:
            self._owners += 1
            return self._owners

    def get(self, keys: Iterable[Key]) -> dict[Key, Voxels]:
        """Return those of the chunks that are kept; they count as used now, all at once."""
        found = {}
        with self._lock:
            self._request += 1
            for key in keys:
                kept = self._kept.get(key)
                if kept is not None:
                    kept.request = self._request
                    self._kept.move_to_end(key)
                    found[key] = kept.voxels
        return found

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """Return those of the chunks that are not kept; this is no use of the others."""
        with self._lock:
            return [key for key in keys if key not in self._kept]

    def put(self, key: Key, voxels: Voxels, *, ahead: bool = False) -> bool:
        """Keep a chunk, and tell whether it was.

        Parameters
        ----------
        key
            Its name.
        voxels
            The chunk (z, y, x); nobody may change it from now on.
        ahead
            It was not asked for yet: no chunk used of late makes room for it.
        """
        cost = _cost(voxels)
        with self._lock:
            if cost > self.limit:
                return False
            self._remove(key)
            if not self._make_room(cost, ahead=ahead):
                return False
            self._kept[key] = _Kept(voxels, cost, self._request)
            self.bytes += cost
            return True

    def forget(self, owner: int, which: Callable[[Key], bool] = lambda _: True) -> None:
        """Drop the chunks of an owner, or those of them that `which` picks."""
        with self._lock:
            for key in [k for k in self._kept if k.owner == owner and which(k)]:
                self._remove(key)

    def _make_room(self, cost: int, *, ahead: bool) -> bool:
        while self.bytes + cost > self.limit:
            key, oldest = next(iter(self._kept.items()))
            if ahead and oldest.request > self._request - RECENT:
                return False
            self._remove(key)
        return True

    def _remove(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.bytes -= kept.cost


def _cost(voxels: Voxels) -> int:
    """Return the memory that a chunk takes; one of a single repeated value takes next to none."""
    return voxels.nbytes if any(voxels.strides) else voxels.itemsize


CACHE = ChunkCache()
"""The chunks of all volumes that are looked at."""
