"""Chains: centrelines as points with radii, some of them branches of others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from napari_axonem.volumes.phantom.arrays import Bools, Doubles, Ints

SPACING = 110.0
"""Distance in nm of two points of a chain before relaxation."""


class Kind(IntEnum):
    """What a chain is a centreline of."""

    AXON = 0
    DENDRITE = 1
    GLIA = 2


@dataclass(frozen=True, slots=True)
class Chains:
    """Centrelines of all neurites. Chain c has the points ``start[c]:start[c + 1]``."""

    points: Doubles
    """Positions (z, y, x) in nm, shape (n, 3)."""

    radii: Doubles
    """Radius at each point in nm, shape (n,)."""

    start: Ints
    """First point of each chain, and the number of points; shape (m + 1,)."""

    kind: Ints
    """`Kind` of each chain, shape (m,)."""

    parent_point: Ints
    """Point of another chain from which a branch starts, -1 for a trunk; shape (m,)."""

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def chain_of_point(self) -> Ints:
        """The chain of each point, shape (n,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def neurites(self) -> Ints:
        """Return the neurite of each chain, numbered from 0: a trunk with all its branches."""
        chain_of_point = self.chain_of_point
        root = np.arange(len(self))
        branch = np.flatnonzero(self.parent_point >= 0)
        # A branch comes after its parent, so that one pass in rising order reaches the trunk.
        for chain in branch:
            root[chain] = root[chain_of_point[self.parent_point[chain]]]
        neurite: Ints = np.unique(root, return_inverse=True)[1]
        return neurite

    def cut(self, keep: Bools, fewest: int) -> Chains:
        """Return the chains without the points where `keep` is false.

        Each run of points that remains is a chain of its own, if it has at least `fewest`
        points. A branch stays one where its first point and the point it starts from remain.
        """
        chain_of_point = self.chain_of_point
        first = np.zeros(len(keep), dtype=bool)
        first[self.start[:-1]] = True
        opens = keep & (first | ~np.roll(keep, 1))
        run_of_point = np.cumsum(opens) - 1
        sizes = np.bincount(run_of_point[keep], minlength=int(opens.sum()))
        keep = keep & (sizes[run_of_point] >= fewest) if len(sizes) else keep
        opens &= keep
        heads = np.flatnonzero(opens)
        new_index = np.where(keep, np.cumsum(keep) - 1, -1)
        parent = self.parent_point[chain_of_point[heads]]
        parent = np.where(first[heads] & (parent >= 0), new_index[parent], -1)
        return Chains(
            points=self.points[keep],
            radii=self.radii[keep],
            start=np.append(new_index[heads], int(keep.sum())),
            kind=self.kind[chain_of_point[heads]],
            parent_point=parent,
        )


def join(
    points: list[Doubles], radii: list[Doubles], kind: list[int], parent_point: list[int]
) -> Chains:
    """Return chains given as lists with one element each; a branch comes after its parent."""
    start = np.concatenate([[0], np.cumsum([len(p) for p in points])]).astype(np.int64)
    return Chains(
        points=np.concatenate(points) if points else np.empty((0, 3)),
        radii=np.concatenate(radii) if radii else np.empty(0),
        start=start,
        kind=np.asarray(kind, dtype=np.int64),
        parent_point=np.asarray(parent_point, dtype=np.int64),
    )
