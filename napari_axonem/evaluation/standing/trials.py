"""What repairs would do to run lengths, worked out for many at once, and none of them done.

A repair changes what skeletons have on one or two segments, and whether these are merging. Nothing
else of a skeleton is looked at (`napari_axonem.evaluation.standing.merging.Squares`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_axonem.evaluation.grouping import Ints, sums_of, total
from napari_axonem.evaluation.standing.merging import Bools, RunSettings, Squares
from napari_axonem.evaluation.standing.shares import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What skeletons have on the segments that trials are about, a row for each that has any."""

    trial: Ints
    """Number of the trial, int64, shape (r,)."""

    skeleton: Ints
    """Place of the skeleton, int64, shape (r,)."""

    nodes: Ints
    """Nodes on the segment, int64, shape (r,)."""

    length: Floats
    """Length in nm of edges with both nodes there, shape (r,)."""

    status: Ints
    """Status of the segment, int64, shape (r,)."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Some trial repairs.

    Parameters
    ----------
    settings
        What counts as merged.
    count
        How many they are.
    counted
        Skeletons that have a length, bool, shape (S,); the others count for nothing.
    """

    settings: RunSettings
    count: int
    counted: Bools

    def joined(self, held: Held, crossing: tuple[Ints, Floats], reach: Ints) -> Held:
        """Return what is held when the segments of each trial are one.

        Parameters
        ----------
        held
            What is held on either of them.
        crossing
            Edges from one to the other: the row in the sorted pairs of trial and skeleton
            (`pairs`) and the length in nm, each shape (e,).
        reach
            Voxels of the one segment where none may reach, shape (count,).
        """
        names, group = self.pairs(held)
        nodes = total(group, held.nodes, len(names))
        length = sums_of(group, held.length, len(names)) + sums_of(*crossing, len(names))
        trial = names // len(self.counted)
        big = np.bincount(trial[self.settings.is_big(nodes)], minlength=self.count)
        status = self.settings.status(big, reach)[trial]
        return Held(trial, names % len(self.counted), nodes, length, status)

    def cut(self, held: Held, off: tuple[Ints, Ints], reach: Ints) -> Held:
        """Return what is held when some skeletons' shares of a segment are one of their own.

        Parameters
        ----------
        held
            What is held on the segment.
        off
            Trials and the skeletons that each cuts off, each shape (c,).
        reach
            Voxels of the segment where none may reach, which stay with it, shape (count,).
        """
        trial, skeleton = off
        apart = np.isin(
            held.trial * len(self.counted) + held.skeleton, trial * len(self.counted) + skeleton
        )
        place = 2 * held.trial + apart
        big = np.bincount(place[self.settings.is_big(held.nodes)], minlength=2 * self.count)
        reaching = np.stack([reach, np.zeros_like(reach)], axis=1).ravel()
        status = self.settings.status(big, reaching)[place]
        return Held(held.trial, held.skeleton, held.nodes, held.length, status)

    def pairs(self, held: Held) -> tuple[Ints, Ints]:
        """Return the sorted pairs of trial and skeleton as numbers, and that of each row."""
        return np.unique(held.trial * len(self.counted) + held.skeleton, return_inverse=True)

    def gains(self, before: Held, after: Held, now: Squares) -> Floats:
        """Return by how much the squared lengths that count grow, shape (count,).

        Parameters
        ----------
        now
            Sums of all skeletons.
        """
        names, group = self.pairs(before)
        later = np.searchsorted(names, after.trial * len(self.counted) + after.skeleton)
        old, new = (
            Squares.of(self.settings, (place, len(names)), held.status, held.nodes, held.length)
            for place, held in ((group, before), (later, after))
        )
        own = now.take(names % len(self.counted))
        growth = own.changed(old, new).total() - own.total()
        growth[~self.counted[names % len(self.counted)]] = 0
        return sums_of(names // len(self.counted), growth, self.count)
