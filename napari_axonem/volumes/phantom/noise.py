"""Smooth noise that is a function of position: equal wherever and in whatever box it is asked.

The noise is a periodic lattice of filtered random numbers, interpolated linearly. Both ways to
ask for it do the same operations on the same numbers in the same order, so that a voxel gets
the same bits from a box and as a single point.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_axonem.volumes.phantom.arrays import Doubles, Floats, Ints
from napari_axonem.volumes.phantom.hashing import generator


class SmoothNoise:
    """Noise with values in [-1, 1], standard deviation about 0.5.

    Parameters
    ----------
    seed, name
        What the noise depends on.
    period
        Edge of the periodic cube, in lattice points.
    spacing
        Distance of lattice points in nm.
    blur
        Standard deviation of the filter in lattice points; the grain is about 2.5 times that.
        Finer filters may follow: each adds noise of half the one before.
    components
        Number of independent fields.
    """

    def __init__(
        self,
        seed: int,
        name: str,
        *,
        period: int,
        spacing: float,
        blur: tuple[float, ...],
        components: int = 1,
    ) -> None:
        rng = generator(seed, name)
        white = rng.standard_normal((components, period, period, period), dtype=np.float32)
        tile = np.zeros_like(white)
        for octave, sigma in enumerate(blur):
            grains = ndimage.gaussian_filter(white, (0, sigma, sigma, sigma), mode="wrap")
            tile += grains * np.float32(2.0**-octave / grains.std())
        tile /= tile.std()
        self.tile: Floats = np.tanh(0.6 * tile).astype(np.float32)
        self.spacing = spacing
        self.period = period

    def on_lattice(self, z: Doubles, y: Doubles, x: Doubles, component: int = 0) -> Floats:
        """Return the noise of sections at heights `z` (n,), rows `y` (n, h), columns `x` (n, w).

        Positions are in nm. Returns shape (n, h, w).
        """
        tile = self.tile[component]
        out = np.empty((len(z), y.shape[1], x.shape[1]), dtype=np.float32)
        z_low, z_high, z_part = self._locate(z)
        for section in range(len(z)):
            y_low, y_high, y_part = self._locate(y[section])
            x_low, x_high, x_part = self._locate(x[section])
            low, high = tile[z_low[section]], tile[z_high[section]]
            plane = low + (high - low) * z_part[section]
            rows = plane[y_low] + (plane[y_high] - plane[y_low]) * y_part[:, None]
            left = rows[:, x_low]
            out[section] = left + (rows[:, x_high] - left) * x_part
        return out

    def at(self, points: Doubles, component: int = 0) -> Floats:
        """Return the noise at `points` (n, 3) in nm, shape (n,)."""
        tile = self.tile[component]
        z_low, z_high, z_part = self._locate(points[:, 0])
        y_low, y_high, y_part = self._locate(points[:, 1])
        x_low, x_high, x_part = self._locate(points[:, 2])

        def column(y: Ints, x: Ints) -> Floats:
            low, high = tile[z_low, y, x], tile[z_high, y, x]
            between: Floats = low + (high - low) * z_part
            return between

        def row(x: Ints) -> Floats:
            low = column(y_low, x)
            return low + (column(y_high, x) - low) * y_part

        left = row(x_low)
        noise: Floats = left + (row(x_high) - left) * x_part
        return noise

    def _locate(self, position: Doubles) -> tuple[Ints, Ints, Floats]:
        index = position / self.spacing
        low = np.floor(index)
        part = (index - low).astype(np.float32)
        below = low.astype(np.int64)
        return below % self.period, (below + 1) % self.period, part
