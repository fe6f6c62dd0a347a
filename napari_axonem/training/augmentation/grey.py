"""Grey levels and defects of sections: what a microscope, a knife and a camera do to an image.

Images are float32 (z, y, x), 0 the darkest and 1 the brightest value of their type.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_axonem.training.augmentation.settings import AugmentationSettings

Floats = npt.NDArray[np.float32]


def vary_grey(
    image: Floats, settings: AugmentationSettings, planar: bool, rng: np.random.Generator
) -> Floats:
    """Return an image of other contrast, brightness, gamma, sharpness and noise.

    Parameters
    ----------
    planar
        Contrast and brightness differ from section to section, too, by half as much.
    """
    image = _contrast(image, settings, rng, (1, 1, 1), 1.0)
    if planar:
        image = _contrast(image, settings, rng, (image.shape[0], 1, 1), 0.5)
    if settings.gamma:
        exponent = np.float32(2.0 ** rng.uniform(-settings.gamma, settings.gamma))
        image = np.clip(image, 0, 1) ** exponent
    if rng.random() < settings.blur:
        sigma = rng.uniform(0.3, 1.0)
        image = ndimage.gaussian_filter(image, (0, sigma, sigma) if planar else sigma)
    amount = rng.uniform(0, settings.noise) if settings.noise else 0.0
    if amount:
        image = image + np.float32(amount) * rng.standard_normal(image.shape, dtype=np.float32)
    varied: Floats = image.astype(np.float32, copy=False)
    return varied


def add_defects(
    image: Floats, settings: AugmentationSettings, planar: bool, rng: np.random.Generator
) -> Floats:
    """Return an image with sections missing or out of focus, as chance will have it.

    Two sections in a row are never both missing: nothing could be learnt from that.
    """
    sections = image.shape[0]
    per = 1.0 if planar else 1.0 / sections
    missing = np.less(rng.random(sections), settings.missing * per)
    for later in range(1, sections):
        missing[later] &= not missing[later - 1]
    blurred = np.less(rng.random(sections), settings.blurred * per)
    if not (missing.any() or blurred.any()):
        return image
    image = image.copy()
    for z in np.flatnonzero(blurred):
        image[z] = ndimage.gaussian_filter(image[z], rng.uniform(1.5, 4.0))
    for z in np.flatnonzero(missing):
        image[z][_part(image.shape[1:], rng)] = 0
    return image


def _contrast(
    image: Floats,
    settings: AugmentationSettings,
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    amount: float,
) -> Floats:
    contrast = 1 + amount * settings.contrast * rng.uniform(-1, 1, shape)
    brightness = amount * settings.brightness * rng.uniform(-1, 1, shape)
    changed: Floats = (image - 0.5) * contrast.astype(np.float32) + (0.5 + brightness).astype(
        np.float32
    )
    return changed


def _part(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, slice]:
    """Return a whole section half of the time, else one side of it."""
    whole, axis = rng.random() < 0.5, int(rng.integers(2))
    edge = int(shape[axis] * rng.uniform(0.2, 0.8))
    side = slice(0, edge) if rng.random() < 0.5 else slice(edge, None)
    part = (side, slice(None)) if axis == 0 else (slice(None), side)
    return (slice(None), slice(None)) if whole else part
