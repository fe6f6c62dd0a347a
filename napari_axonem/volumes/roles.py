"""Which of the arrays in a file is the image, the truth, the labels: a guess from names.

A guess is shown to the user, who can change it; nothing is decided by it alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ROLES: dict[str, tuple[str, ...]] = {
    "image": ("image", "raw", "im", "em", "img", "grey", "gray", "intensity"),
    "truth": ("truth", "gt", "groundtruth", "ground_truth", "neuron_ids"),
    "fragments": ("fragments", "watershed", "supervoxels", "ws", "oversegmentation", "sv"),
    "segmentation": ("segmentation", "seg", "ffn", "prediction", "pred", "segments", "labels"),
}
"""For each role the names that mean it, most telling first."""


def guess_roles(names: Iterable[str]) -> dict[str, str]:
    """Return the array that most likely has each role; roles without one are left out.

    Parameters
    ----------
    names
        Paths of arrays inside of a file, such as ``volumes/raw``.
    """
    words = {name: _words(name) for name in names}
    guess: dict[str, str] = {}
    for role, telling in ROLES.items():
        for word in telling:
            hits = [name for name, parts in words.items() if word in parts]
            if hits and role not in guess:
                guess[role] = min(hits, key=len)
    return guess


def _words(name: str) -> set[str]:
    """Return the last part of a path, whole and in words."""
    last = name.rstrip("/").rsplit("/", 1)[-1].lower()
    return {last, *re.split(r"[^a-z]+", last)}
