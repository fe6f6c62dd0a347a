"""Counts and places as words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Nm


def number_words(values: npt.ArrayLike, between: str = ",") -> str:
    """Return numbers for people: up to three digits behind the point, and never ``1e+08``."""
    numbers = np.asarray(values, np.float64).tolist()
    return between.join(np.format_float_positional(n, precision=3, trim="-") for n in numbers)


def point_words(position_nm: Nm) -> str:
    """Return what errors call a position (z, y, x) in nm."""
    return f"point {number_words(position_nm)} nm"


def count_words(count: int, one: str, many: str = "") -> str:
    """Return a number of things."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
