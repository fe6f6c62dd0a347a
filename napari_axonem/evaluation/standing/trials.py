"""What repairs would do to run lengths, remembered until something that they depend on changes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_axonem.evaluation.grouping import Ints

MOST = 1 << 16
"""Gains that are remembered; then all are forgotten."""


@dataclass(frozen=True, slots=True, eq=False)
class _Gain:
    nm: float
    at: int
    skeletons: Ints


class Trials:
    """Gains of trial repairs.

    The gain of a repair depends on what skeletons share with the segments concerned, and on all
    that the skeletons share which it would score anew. Both are stamped when they change.

    Parameters
    ----------
    skeletons
        Number of skeletons.
    """

    def __init__(self, skeletons: int) -> None:
        self._now = 0
        self._skeletons = np.zeros(skeletons, np.int64)
        self._segments: dict[int, int] = {}
        self._gains: dict[Hashable, _Gain] = {}

    def change(self, segments: Ints, skeletons: Ints) -> None:
        """Note that segments changed, and that skeletons were scored anew."""
        self._now += 1
        self._skeletons[skeletons] = self._now
        self._segments.update(dict.fromkeys(segments.tolist(), self._now))

    def find(self, key: Hashable, segments: Sequence[int]) -> float | None:
        """Return a gain in nm that still holds, or None.

        Parameters
        ----------
        segments
            Those whose shares the repair would change.
        """
        known = self._gains.get(key)
        if known is None or any(self._segments.get(s, 0) > known.at for s in segments):
            return None
        return None if (self._skeletons[known.skeletons] > known.at).any() else known.nm

    def keep(self, key: Hashable, skeletons: Ints, nm: float) -> None:
        """Remember a gain, and which skeletons were scored for it."""
        if len(self._gains) >= MOST:
            self._gains.clear()
        self._gains[key] = _Gain(nm, self._now, skeletons)
