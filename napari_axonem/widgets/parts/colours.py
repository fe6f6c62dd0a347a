"""The few colours that mean something; all are told apart with any colour vision."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

from napari_axonem.proofreading.record.operation import Colour

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

OF_SIDE = {
    Colour.RED: RED,
    Colour.BLUE: BLUE,
    Colour.YELLOW: "#ffff17",
    Colour.GREEN: "#0aa079",
    Colour.PURPLE: "#892f7d",
    Colour.ORANGE: "#e3be76",
    Colour.CYAN: "#2fd0e8",
    Colour.PINK: "#95799a",
    Colour.BROWN: "#641601",
}
"""The colour of the points and of the side of a split."""

OF_KIND = {"false_split": FALSE_SPLIT, "false_merge": FALSE_MERGE}
"""The colour of each kind of error."""

MANY = 5000
"""Colours of objects: two that touch look alike in fewer than 1 of 100 cases."""

TOLD_APART, SEEDS = 20.0, 30
"""How far apart in CIELAB colours are at least that are told apart at a glance, and how many
seeds are tried to have all of them so."""

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
    return from_lab(object_labs(seed))


@lru_cache(maxsize=4)
def object_labs(seed: int = 0) -> npt.NDArray[np.float64]:
    """Return the same as CIELAB colours; they must not be changed."""
    shift = np.random.default_rng(seed).random(3)
    found = np.zeros((0, 3))
    for first in range(1, 10 * MANY, MANY):  # most of these are never needed
        if len(found) < MANY:
            found = np.concatenate([found, _evenly(first, min(first + MANY, 10 * MANY), shift)])
    labs: npt.NDArray[np.float64] = found[:MANY]
    labs.setflags(write=False)
    return labs


def _evenly(first: int, stop: int, shift: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return those of some evenly spread CIELAB colours that objects may have, shape (n, 3)."""
    steps = np.arange(first, stop)[:, None] / np.array([ROOT, ROOT**2, ROOT**3])
    even = (steps + shift) % 1
    lightness = LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * even[:, 0]
    lab = np.stack([lightness, *(220 * even[:, 1:] - 110).T], axis=1)
    rgb = from_lab(lab)
    shown = ((rgb >= 0) & (rgb <= 1)).all(axis=1) & (np.hypot(*lab[:, 1:].T) >= LEAST_CHROMA)
    lab, rgb = lab[shown], rgb[shown]
    away = np.abs(_hue(rgb)[:, None] - np.array(TAKEN))
    fitting: npt.NDArray[np.float64] = lab[np.minimum(away, 1 - away).min(axis=1) > APART]
    return fitting


def telling_seed(first: int, centre: int, others: Sequence[int]) -> int:
    """Return a seed by which one object looks unlike others, such as those that touch it.

    Parameters
    ----------
    first
        Tried first. The first of `SEEDS` that tells it from all others is returned, or else
        the one that tells it best.
    centre, others
        Ids of objects.
    """
    best = first, -1.0
    for seed in range(first, first + SEEDS) if len(others) else ():
        distance = float(told_apart(centre, others, seed).min())
        if distance >= TOLD_APART:
            return seed
        best = max(best, (seed, distance), key=lambda pair: pair[1])
    return best[0]


def told_apart(centre: int, others: Sequence[int], seed: int = 0) -> npt.NDArray[np.float64]:
    """Return how far the colour of one object is from those of others in CIELAB, shape (n,)."""
    lab = object_labs(seed)
    own, theirs = ((np.asarray(ids, np.int64) - 1) % len(lab) for ids in (centre, others))
    distance: npt.NDArray[np.float64] = np.linalg.norm(lab[theirs] - lab[own], axis=-1)
    return distance


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


def hexadecimal(rgba: npt.ArrayLike) -> str:
    """Return a colour (red, green, blue and perhaps opacity; 0..1) as ``#rrggbb``."""
    red, green, blue = np.rint(np.asarray(rgba, float)[:3] * 255).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


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


def covering(colour: str, opacity: float) -> str:
    """Return a colour that covers what is below it only so much, 0 to 1."""
    return f"{colour}{round(255 * opacity):02x}"
