"""The few colours that mean something; all are told apart with any colour vision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

FALSE_SPLIT = "#ff9f1c"
"""Orange: a part of a true object that is cut off from it."""

FALSE_MERGE = "#19c3e6"
"""Cyan: a part of a segment that belongs to another true object."""

RED = "#f0384a"
"""The first side of a split."""

BLUE = "#3f6bff"
"""The second side of a split."""

FOCUS = "#ffffff"
"""The outline of the objects that the current error is about."""

BETTER = "#2b88c8"
"""A score that became better: blue, because green and red are one colour to many."""

WORSE = "#cb4f1c"
"""A score that became worse."""

OF_KIND = {"false_split": FALSE_SPLIT, "false_merge": FALSE_MERGE}
"""The colour of each kind of error."""

MANY = 5000
"""Colours of objects: two that touch look alike in fewer than 1 of 100 cases."""

ROOT = 1.2207440846
"""The root of x**4 = x + 1, on which the sequence R3 is built."""

LIGHTNESS, LEAST_CHROMA = (35.0, 90.0), 22.0
"""CIELAB colours of objects: grey and black are left to the image."""

TAKEN, APART = (0.094, 0.528), 0.035
"""Hues of the colours of errors, which are left to them, and how far away objects stay."""


def object_colormap(seed: int = 0) -> CyclicLabelColormap:
    """Return the colour map of objects; another `seed` gives other colours.

    The colours fill what a screen can show of CIELAB evenly, in the order of the sequence R3
    (Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018): there equal
    distances look about equal, and each colour is far from the ones before it, so that the
    ids of neighbours, which are often close, differ. Grey is left to the image, and the
    colours of errors to errors.
    """
    colours = np.ones((MANY + 1, 4))
    colours[1:, :3] = object_colours(seed)
    colours[0] = 0
    return CyclicLabelColormap(colors=colours, name="objects", background_value=0)


def object_colours(seed: int = 0) -> npt.NDArray[np.float64]:
    """Return the colours (red, green, blue; 0..1) of objects, shape (`MANY`, 3)."""
    steps = np.arange(1, 10 * MANY)[:, None] / np.array([ROOT, ROOT**2, ROOT**3])
    even = (steps + np.random.default_rng(seed).random(3)) % 1
    lightness = LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * even[:, 0]
    a, b = 220 * even[:, 1] - 110, 220 * even[:, 2] - 110
    rgb = from_lab(np.stack([lightness, a, b], axis=1))
    shown = ((rgb >= 0) & (rgb <= 1)).all(axis=1) & (np.hypot(a, b) >= LEAST_CHROMA)
    rgb = rgb[shown]
    away = np.abs(_hue(rgb)[:, None] - np.array(TAKEN))
    return rgb[np.minimum(away, 1 - away).min(axis=1) > APART][:MANY]


def from_lab(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return CIELAB colours as sRGB, both for daylight D65 (IEC 61966-2-1); shape (n, 3).

    Components outside of 0..1 are those of colours that a screen cannot show. (scikit-image
    would take half a second to be imported, before the first picture.)
    """
    y = (lab[:, 0] + 16) / 116
    cubes = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], axis=1)
    xyz = np.where(cubes > 6 / 29, cubes**3, (cubes - 4 / 29) * 3 * (6 / 29) ** 2)
    linear = xyz * (0.95047, 1.0, 1.08883) @ np.linalg.inv(_XYZ_OF_RGB).T
    curved = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    rgb: npt.NDArray[np.float64] = np.where(linear > 0.0031308, curved, 12.92 * linear)
    return rgb


_XYZ_OF_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)


def _hue(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the hue, 0..1 from red to red, of colours that are not grey; shape (n,)."""
    low, high = rgb.min(axis=1), rgb.max(axis=1)
    main = rgb.argmax(axis=1)
    rows = np.arange(len(rgb))
    ahead, behind = rgb[rows, (main + 1) % 3], rgb[rows, (main + 2) % 3]
    hue: npt.NDArray[np.float64] = ((ahead - behind) / (high - low) / 6 + main / 3) % 1
    return hue


def code_colormap(*colours: str) -> DirectLabelColormap:
    """Return the colour map of a layer of codes: 1 for the first of `colours`, 0 transparent."""
    clear = np.zeros(4)
    table: dict[int | None, object] = {0: clear, None: clear}
    return DirectLabelColormap(color_dict=table | dict(enumerate(colours, start=1)))
