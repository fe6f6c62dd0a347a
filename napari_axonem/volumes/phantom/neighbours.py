"""Pairs of balls that touch, in bounded memory, for balls of very different sizes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial import cKDTree

from napari_axonem.volumes.phantom.arrays import Doubles, Ints

CHUNK = 20_000
"""Balls asked about at a time: bounds the memory of a query to a few 100 MB at most."""


class Balls:
    """Balls sorted by size, so that a few large ones do not slow the search for small ones.

    Parameters
    ----------
    centres
        Positions (z, y, x) in nm, shape (n, 3).
    radii
        In nm, shape (n,).
    """

    def __init__(self, centres: Doubles, radii: Doubles) -> None:
        self.centres = centres
        self.radii = radii
        # Classes of radii double, so that a query is at most eight times too large in volume.
        power = np.ceil(np.log2(np.maximum(radii, 16.0))).astype(np.int64)
        self.classes = [np.flatnonzero(power == p) for p in np.unique(power)]
        self.trees = [cKDTree(centres[members]) for members in self.classes]


def touching(asked: Balls, others: Balls) -> Iterator[tuple[Ints, Ints]]:
    """Yield pairs (i, j) where ball i of `asked` overlaps ball j of `others`, in chunks.

    All pairs of one ball i may be spread over several chunks.
    """
    for group in asked.classes:
        for start in range(0, len(group), CHUNK):
            members = group[start : start + CHUNK]
            tree = cKDTree(asked.centres[members])
            for others_group, others_tree in zip(others.classes, others.trees, strict=True):
                reach = float(asked.radii[members].max() + others.radii[others_group].max())
                pairs = tree.sparse_distance_matrix(others_tree, reach, output_type="ndarray")
                i, j = members[pairs["i"]], others_group[pairs["j"]]
                close = pairs["v"] < asked.radii[i] + others.radii[j]
                yield i[close], j[close]
