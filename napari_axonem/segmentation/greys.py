"""What a network is shown as grey values: 0..255, membranes dark, whatever the image holds.

Every choice is made once for a volume, from the same voxels of it each time, so that all blocks
are treated alike and a resumed run as the first.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_axonem.geometry import Box, zyx
from napari_axonem.networks.card import Normalisation
from napari_axonem.volumes import Volume

Greys = npt.NDArray[np.float32]
Contrast = Literal["auto", "as is", "stretch", "match"]
Invert = Literal["auto", "yes", "no"]

PERCENTILES = (0.1, 99.9)
"""Of the sampled greys; they become 0 and 255. Few enough to keep membranes and lumen apart,
enough to pass over dust and hot pixels."""

SAMPLE = 64
"""Edge in voxels of the boxes in which greys are sampled, one section each."""

PLACES = (8, 3, 3)
"""So many of them along each axis."""

CLEAR, CLEAR_IN_FEW, FEW = 0.1, 0.4, 30
"""`darkness_of_sheets` beyond which the contrast is sure, and that where boxes are fewer than that.

Published volumes have 0.1 to 0.4. Of cubes of 64, 96 and 128 voxels cut from them at random, 0 of
160, 2 of 160 and 0 of 120 were taken for negatives, and 17, 130 and 103 of their negatives told."""

FAR_OFF = 2.0
"""Standard deviations, by which the mean of an image may be off what the model expects, and the
factor by which its spread may, before that is said."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """How grey values of an image become a network's input: ``grey * scale + shift``."""

    scale: float
    shift: float

    lowest: float
    """Of an input; stretched greys are cut off there."""

    highest: float

    words: tuple[str, ...] = ()
    """What a person should know of it."""

    def __call__(self, greys: npt.NDArray[Any]) -> Greys:
        """Return what the network is shown; what is no number counts as the mean."""
        found: Greys = greys.astype(np.float32)
        found *= np.float32(self.scale)
        found += np.float32(self.shift)
        np.clip(found, self.lowest, self.highest, out=found)
        if greys.dtype.kind == "f":
            np.nan_to_num(found, copy=False, nan=0.0)
        return found


def mapping_of(
    volume: Volume, normalisation: Normalisation, contrast: Contrast, invert: Invert
) -> Mapping:
    """Return how the greys of a volume are brought to what a model was trained on.

    Parameters
    ----------
    volume
        Of any numeric type; a few sections of it are read.
    normalisation
        The model's.
    contrast
        ``"as is"``: greys are what the model takes them for. ``"stretch"``: `PERCENTILES` become
        0 and 255. ``"match"``: mean and spread become those that the model expects. ``"auto"``:
        uint8 as it is, everything else stretched.
    invert
        Whether membranes are bright; ``"auto"`` looks.
    """
    samples = [plane for plane in _sections(volume) if plane.std() > 0]
    if not samples:
        samples = [np.zeros((2, 2))]
    values = np.concatenate([plane.ravel() for plane in samples])
    mean, std = float(normalisation.mean), float(normalisation.std)
    words: list[str] = []
    low, high = 0.0, 255.0
    is_byte = volume.dtype == np.uint8
    if contrast == "stretch" or (contrast == "auto" and not is_byte):
        low, high = _range(values)
        words.append(
            f"{volume.dtype} greys: {low:g} to {high:g}, the {PERCENTILES[0]:g} and "
            f"{PERCENTILES[1]:g} % points, become 0 to 255"
        )
    scale = 255 / (high - low)
    if contrast == "match":
        scale = std / max(float(values.std()), 1e-6)
        low = float(values.mean()) - mean / scale
        words.append(
            f"greys of mean {values.mean():.4g} and spread {values.std():.4g} are brought to the "
            f"model's {mean:g} and {std:g}"
        )
    darkness = darkness_of_sheets(samples)
    clear = CLEAR if len(samples) >= FEW else CLEAR_IN_FEW
    inverted = invert == "yes" or (invert == "auto" and darkness < -clear)
    if inverted:
        words.append(
            "contrast inverted, as asked"
            if invert == "yes"
            else f"membranes are bright here (score {darkness:.2f}, below {-clear:g}): contrast is "
            "inverted for the network; say --invert no if that is wrong"
        )
    # grey -> (grey - low) * scale -> 255 - that, where inverted -> (that - mean) / std
    sign, start = (-1.0, 255.0 + low * scale) if inverted else (1.0, -low * scale)
    found = Mapping(
        scale=sign * scale / std,
        shift=(start - mean) / std,
        lowest=(0.0 - mean) / std,
        highest=(255.0 - mean) / std,
        words=tuple(words),
    )
    return _warned(found, values)


def darkness_of_sheets(planes: list[npt.NDArray[np.float64]]) -> float:
    """Return how much darker than their sides thin lines are: 1 all dark, -1 all bright.

    Membranes are sheets: in a section the strongest curvature of the greys lies across them. The
    score is the mean sign of that curvature, weighted by the third power of how much it exceeds
    the one along, over lines of two widths. FIB-SEM, SEM and inverted volumes are told apart;
    volumes without membranes give about 0.
    """
    signed = total = 0.0
    for plane, sigma in itertools.product(planes, (1.5, 2.0)):
        yy, xx, yx = (
            ndimage.gaussian_filter(plane, sigma, order=order) for order in ((2, 0), (0, 2), (1, 1))
        )
        half, apart = (yy + xx) / 2, np.hypot((yy - xx) / 2, yx)
        # |larger| - |smaller| of the two curvatures half ± apart
        strength = (2 * np.minimum(np.abs(half), apart) * sigma**2) ** 3
        signed += float((np.sign(half) * strength).sum())
        total += float(strength.sum())
    return signed / total if total > 0 else 0.0


def _warned(mapping: Mapping, values: npt.NDArray[np.float64]) -> Mapping:
    """Add a word where the network is shown greys far from those that it was trained on."""
    shown = mapping(values)
    spread = float(shown.std())
    if (abs(float(shown.mean())) < FAR_OFF and 1 / FAR_OFF < spread < FAR_OFF) or spread == 0:
        return mapping
    word = (
        f"greys are far from those the model was trained on (mean off by {shown.mean():.2g} of "
        f"its spread, spread {spread:.2g} times); --contrast match may help"
    )
    return Mapping(
        mapping.scale, mapping.shift, mapping.lowest, mapping.highest, (*mapping.words, word)
    )


def _range(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the greys that become 0 and 255."""
    low, high = (float(v) for v in np.percentile(values, PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


def _sections(volume: Volume) -> list[npt.NDArray[np.float64]]:
    """Return pieces of sections that are spread evenly; what is no number becomes their mean."""
    corners = []
    for extent, edge, count in zip(volume.shape, (1, SAMPLE, SAMPLE), PLACES, strict=True):
        room = max(0, extent - edge)
        corners.append(sorted({round(room * (i + 0.5) / count) for i in range(count)}))
    found = []
    for corner in itertools.product(*corners):
        stop = np.minimum(np.add(corner, (1, SAMPLE, SAMPLE)), volume.shape)
        plane = volume.read(Box(zyx(corner), zyx(stop)))[0].astype(np.float64)
        is_number = np.isfinite(plane)
        mean = float(plane[is_number].mean()) if is_number.any() else 0.0
        found.append(np.where(is_number, plane, mean))
    return found
