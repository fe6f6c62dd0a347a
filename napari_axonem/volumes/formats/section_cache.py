"""The last few sections that were decoded as a whole, so that their other parts are at hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

CACHE_BYTES = 2**28
"""Memory that the decoded sections of one volume may take; the last one is kept in any case."""


class SectionCache:
    """Decodes sections and keeps those used last; several threads may ask.

    Parameters
    ----------
    decode
        Gives the voxels (y, x) of a section, by z.
    limit_bytes
        How much is kept.
    """

    def __init__(
        self, decode: Callable[[int], npt.NDArray[Any]], limit_bytes: int = CACHE_BYTES
    ) -> None:
        self._decode = decode
        self._limit = limit_bytes
        self._sections: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()
        self._decoding: dict[int, Lock] = {}
        self._lock = Lock()

    def get(self, z: int) -> npt.NDArray[Any] | None:
        """Return a section that is kept, not to be written to; None where it is not."""
        with self._lock:
            if z in self._sections:
                self._sections.move_to_end(z)
            return self._sections.get(z)

    def decoded(self, z: int) -> npt.NDArray[Any]:
        """Return a section, not to be written to, decoding it where it is not kept.

        Of several threads that want the same one, the first decodes it and the others wait.
        """
        with self._lock:
            turn = self._decoding.setdefault(z, Lock())
        with turn:
            kept = self.get(z)
            if kept is not None:
                return kept
            try:
                voxels = np.ascontiguousarray(self._decode(z))
                self._keep(z, voxels)
            finally:
                with self._lock:
                    self._decoding.pop(z, None)
            return voxels

    def _keep(self, z: int, voxels: npt.NDArray[Any]) -> None:
        with self._lock:
            self._sections[z] = voxels
            size = sum(kept.nbytes for kept in self._sections.values())
            while size > self._limit and len(self._sections) > 1:
                size -= self._sections.popitem(last=False)[1].nbytes
