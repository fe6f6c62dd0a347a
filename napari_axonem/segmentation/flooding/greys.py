"""Grey values of any type become what a network was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.networks.card import Normalisation
from napari_axonem.volumes import Volume

PROBE = 48
"""Edge in voxels of the boxes in which greys are looked at."""

PROBES = 3
"""So many boxes along each axis."""

TAILS = (0.5, 99.5)
"""Percentiles of greys that become 0 and 255, where the type is not uint8."""


@dataclass(frozen=True, slots=True)
class Greys:
    """How grey values become a network's input: the same everywhere in a volume."""

    low: float
    """Grey that counts as 0."""

    high: float
    """Grey that counts as 255."""

    mean: float
    std: float

    @classmethod
    def of(cls, volume: Volume, normalisation: Normalisation) -> Greys:
        """Return what suits a volume: uint8 as it is, other types by the greys they have."""
        low, high = (0.0, 255.0) if volume.dtype == np.uint8 else _range(volume)
        return cls(low, high, normalisation.mean, normalisation.std)

    def __call__(self, grey: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the normalised image; what is not a number counts as the mean."""
        scaled = grey.astype(np.float32)
        if (self.low, self.high) != (0.0, 255.0):
            spread = (self.high - self.low) or 1.0  # of an image that is the same everywhere
            scaled = np.clip((scaled - self.low) * (255 / spread), 0, 255)
        scaled = (scaled - np.float32(self.mean)) / np.float32(self.std)
        return np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def _range(volume: Volume) -> tuple[float, float]:
    seen = [volume.read(box).astype(np.float64).ravel() for box in _probes(volume.shape)]
    greys = np.concatenate(seen)
    greys = greys[np.isfinite(greys)]
    if not len(greys):
        return 0.0, 255.0
    low, high = np.percentile(greys, TAILS)
    return float(low), float(high)


def _probes(shape: Zyx) -> list[Box]:
    """Return boxes that are spread evenly over a volume."""
    starts = [
        sorted({round(i * max(0, n - PROBE) / (PROBES - 1)) for i in range(PROBES)}) for n in shape
    ]
    corners = [(z, y, x) for z in starts[0] for y in starts[1] for x in starts[2]]
    return [Box(c, zyx(np.minimum(np.add(c, PROBE), shape))) for c in corners]
