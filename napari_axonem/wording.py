"""Counts and places as words."""

from __future__ import annotations

from napari_axonem.geometry import Nm


def point_words(position_nm: Nm) -> str:
    """Return what errors call a position (z, y, x) in nm."""
    return f"point {','.join(f'{value:.12g}' for value in position_nm)} nm"


def count_words(count: int, one: str, many: str = "") -> str:
    """Return a number of things."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
