"""Segments of a project as a volume: fragments seen through a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.volumes.volume import LazyArray, Volume


@dataclass(frozen=True, slots=True, eq=False)
class _SegmentLevel:
    """A level of fragments, each replaced by its segment as it is read."""

    fragments: LazyArray
    segment: npt.NDArray[np.uint32]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.fragments.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint32)

    def __getitem__(self, key: tuple[slice, slice, slice]) -> npt.NDArray[np.uint32]:
        found: npt.NDArray[np.uint32] = self.segment[np.asarray(self.fragments[key])]
        return found


def segments_of(fragments: Volume, segment: npt.ArrayLike) -> Volume:
    """Return the finest level of `fragments` as segments.

    Parameters
    ----------
    fragments
        Volume of fragment ids (z, y, x).
    segment
        Segment of each fragment id, shape (largest id + 1,), 0 for 0.
    """
    table = np.asarray(segment, dtype=np.uint32)
    level = _SegmentLevel(fragments.levels[0], table)
    return replace(fragments, levels=(level,), factors=((1, 1, 1),))
