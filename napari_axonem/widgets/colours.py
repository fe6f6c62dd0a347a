"""The few colours that mean something; all are told apart with any colour vision."""

from __future__ import annotations

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap
from skimage.color import hsv2rgb

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

BETTER = "#2fa36b"
"""A score that became better."""

WORSE = "#e0483e"
"""A score that became worse."""

OF_KIND = {"false_split": FALSE_SPLIT, "false_merge": FALSE_MERGE}
"""The colour of each kind of error."""

MANY = 5000
"""Colours of objects: enough that two neighbours hardly ever look alike."""

ROOT = 1.2207440846
"""The root of x**4 = x + 1, on which the sequence R3 is built."""


HUES = ((0.0, 0.5, 0.5, 1.0), (0.14, 0.46, 0.56, 1.04))
"""Hues of objects: all but those near orange (0.09) and cyan (0.53). Even numbers on the left."""


def object_colormap(seed: int = 0) -> CyclicLabelColormap:
    """Return the colour map of objects; another `seed` shuffles it.

    Hue, saturation and value follow a sequence that fills their space evenly (R3, see
    Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018), in mixed order;
    grey is left to the image, and the colours of errors to errors.
    """
    steps = np.arange(1, MANY + 1)[:, None] / np.array([ROOT, ROOT**2, ROOT**3])
    even, saturation, value = np.random.default_rng(seed).permutation(steps % 1).T
    hue = np.interp(even, *HUES)
    colours = np.ones((MANY + 1, 4))
    colours[1:, :3] = hsv2rgb(
        np.stack([hue % 1, 0.55 + 0.45 * saturation, 0.7 + 0.3 * value], axis=1)
    )
    colours[0] = 0
    return CyclicLabelColormap(colors=colours, name="objects", background_value=0)


def code_colormap(*colours: str) -> DirectLabelColormap:
    """Return the colour map of a layer of codes: 1 for the first of `colours`, 0 transparent."""
    clear = np.zeros(4)
    table: dict[int | None, object] = {0: clear, None: clear}
    return DirectLabelColormap(color_dict=table | dict(enumerate(colours, start=1)))
