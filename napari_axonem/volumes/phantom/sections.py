"""What sectioning and imaging do to each section: focus, contrast, noise, loss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_axonem.geometry import Box
from napari_axonem.volumes.phantom.arrays import Floats
from napari_axonem.volumes.phantom.hashing import generator, hashed, uniform
from napari_axonem.volumes.phantom.sampling import Artefact
from napari_axonem.volumes.phantom.settings import PhantomSettings

BLUR = 17.0
"""Standard deviation in nm of a section out of focus."""

TILE = 509
"""Edge of the periodic tile of noise; prime, so that it falls together with no chunk."""


class Sections:
    """The sections of a phantom as the microscope records them."""

    def __init__(self, settings: PhantomSettings, artefacts: tuple[Artefact, ...]) -> None:
        self.seed = settings.seed
        self.strength = settings.image_noise
        self.missing = frozenset(a.section for a in artefacts if a.kind == "missing")
        self.blurred = frozenset(a.section for a in artefacts if a.kind == "blur")
        self.sigma = (BLUR / settings.voxel_size[1], BLUR / settings.voxel_size[2])
        white = generator(settings.seed, "noise").standard_normal((TILE, TILE), dtype=np.float32)
        # The detector's blur: neighbouring pixels share a little of their noise.
        tile = ndimage.gaussian_filter(white, 0.45, mode="wrap")
        self.tile: Floats = tile / tile.std()

    @property
    def halo(self) -> int:
        """So many voxels around a section out of focus are needed for it."""
        return int(np.ceil(3 * max(self.sigma)))

    def focus(self, section: Floats) -> Floats:
        """Return a section (h, w) out of focus, less the halo on each side."""
        blurred: Floats = ndimage.gaussian_filter(section, self.sigma, radius=self.halo)
        inner = slice(self.halo, -self.halo)
        return blurred[inner, inner]

    def record(self, image: Floats, box: Box) -> npt.NDArray[np.uint8]:
        """Return the sections of `box` with contrast and noise as grey levels; 0 if missing."""
        out = np.empty(image.shape, dtype=np.uint8)
        for nth, section in enumerate(range(box.start[0], box.stop[0])):
            if section in self.missing:
                out[nth] = 0
                continue
            gain, offset = uniform(self.seed, 5, section, np.arange(2)) - 0.5
            grey = image[nth] - np.float32(150.0)
            grey *= np.float32(1 + 0.16 * gain)
            grey += np.float32(150.0 + 14.0 * offset)
            grey += np.float32(self.strength) * self._noise(section, box)
            np.rint(grey, out=grey)
            out[nth] = np.clip(grey, 1, 255)  # 0 is kept for what is missing
        return out

    def _noise(self, section: int, box: Box) -> Floats:
        corner = hashed(self.seed, 6, section, np.arange(2)) % np.uint64(TILE)
        y, x = (
            (np.arange(box.start[axis], box.stop[axis]) + int(corner[axis - 1])) % TILE
            for axis in (1, 2)
        )
        noise: Floats = self.tile[np.ix_(y, x)]
        return noise
