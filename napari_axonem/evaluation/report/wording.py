"""Figures as words, each with its unit."""

from __future__ import annotations

from collections.abc import Sequence

THIN = "\u2009"
"""A thin space, between a number and what belongs to it."""


def length_words(nm: float) -> str:
    """Return a length: µm from one on, nm below."""
    return f"{nm / 1000:,.2f}{THIN}µm" if nm >= 1000 else f"{nm:,.0f}{THIN}nm"


def bits_words(bits: float) -> str:
    """Return an amount of information."""
    return f"{bits:.4f}{THIN}bits"


def share_words(share: float) -> str:
    """Return a share of 1 in per cent."""
    return f"{share:.1%}"


def place_words(nm: Sequence[float]) -> str:
    """Return a position (z, y, x) in nm."""
    return ", ".join(f"{value:,.0f}" for value in nm) + f"{THIN}nm"
