"""What is known of one object while it grows: logits in a box that grows with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, zyx

Logits = npt.NDArray[np.float32]

ROOM = 32
"""So many voxels more than needed are taken at each side that must grow."""


class GrowingMask:
    """Logits of one object's mask; NaN where the network has not looked yet.

    Most seeds fail after one field of view: the array begins small and grows towards where the
    object goes, never beyond the volume.

    Parameters
    ----------
    bounds
        All voxels there are.
    box
        Where the array begins, inside of `bounds`.
    logits
        What it holds, all NaN where None.
    """

    def __init__(self, bounds: Box, box: Box, logits: Logits | None = None) -> None:
        self._bounds = bounds
        self.box = box
        """Voxels that the array covers."""

        self.logits = np.full(box.shape, np.nan, np.float32) if logits is None else logits
        """Shape (z, y, x), float32."""

    def window(self, box: Box) -> Logits:
        """Return the logits of a box inside the bounds, as a view that may be written to."""
        if self.box != self.box.union(box):
            self._cover(box)
        return self.logits[box.relative_to(self.box.start).slices]

    def at(self, position: Zyx) -> float:
        """Return the logit of one voxel, NaN where nothing is known."""
        if not self.box.contains(position):
            return float("nan")
        z, y, x = (p - s for p, s in zip(position, self.box.start, strict=True))
        return float(self.logits[z, y, x])

    def _cover(self, box: Box) -> None:
        low = [b - ROOM if b < s else s for b, s in zip(box.start, self.box.start, strict=True)]
        high = [b + ROOM if b > s else s for b, s in zip(box.stop, self.box.stop, strict=True)]
        covered = Box(zyx(low), zyx(high)).intersect(self._bounds)
        grown = np.full(covered.shape, np.nan, np.float32)
        grown[self.box.relative_to(covered.start).slices] = self.logits
        self.box, self.logits = covered, grown
