"""What a merging segment does to the skeletons on it, from what they share alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.erl import Definition
from napari_axonem.evaluation.grouping import Ints, sums_of
from napari_axonem.evaluation.standing.shares import Floats

Bools = npt.NDArray[np.bool_]

SHARED, REACHING = 1, 2
"""Why a segment is merging: skeletons share it, or it reaches where none may."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What counts as merged; see `napari_axonem.evaluation.erl.definitions`."""

    definition: Definition = "em_erl"

    merge_threshold: int = 0
    """Nodes on a segment that are enough for merging."""

    def is_big(self, nodes: Ints) -> Bools:
        """Tell which numbers of a skeleton's nodes on a segment are enough for merging."""
        if self.definition == "em_erl":
            return nodes >= self.merge_threshold
        return nodes > self.merge_threshold

    def status(self, big: Ints, reach: Ints) -> Ints:
        """Return whether segments are merging: `SHARED`, `REACHING`, their sum, or 0.

        Parameters
        ----------
        big
            Skeletons with enough nodes on each, int64, shape (n,).
        reach
            Voxels of each where no segment may reach, int64, shape (n,).
        """
        reaching = (reach > self.merge_threshold).astype(np.int64)
        status: Ints = SHARED * (big > 1).astype(np.int64) + REACHING * reaching
        return status

    def penalises(self, status: Ints, nodes: Ints) -> Bools:
        """Tell which shares of a skeleton make all its edges on merging segments merged."""
        shared, big = (status & SHARED) > 0, self.is_big(nodes)
        if self.definition == "paper2021":
            return shared & big
        return shared | (big & ((status & REACHING) > 0))


USUAL_RUNS = RunSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Sums over what skeletons have on segments, of which the expected run length is made.

    They are sums over single segments, so that what a change takes away and adds is known from
    the segments that it concerns.
    """

    sound: Floats
    """Squared lengths on segments that are not merging, float64, shape (n,)."""

    merging: Floats
    """Squared lengths on segments that are, float64, shape (n,)."""

    penalties: Floats
    """Shares that penalise the skeleton, whole numbers in float64, shape (n,)."""

    @classmethod
    def of(
        cls,
        settings: RunSettings,
        group: tuple[Ints, int],
        status: Ints,
        nodes: Ints,
        length: Floats,
    ) -> Squares:
        """Add up shares.

        Parameters
        ----------
        group
            Where each share is added to, shape (k,), and the number of sums.
        status, nodes, length
            Status of the segment of each share, nodes and length on it, each shape (k,).
        """
        square = length * length
        sound = np.where(status == 0, square, 0)
        penalties = settings.penalises(status, nodes).astype(np.float64)
        return cls(*(sums_of(group[0], v, group[1]) for v in (sound, square - sound, penalties)))

    def total(self) -> Floats:
        """Return the squared lengths that count, shape (n,)."""
        total: Floats = self.sound + np.where(self.penalties == 0, self.merging, 0)
        return total

    def changed(self, before: Squares, after: Squares) -> Squares:
        """Return the sums when some shares take the place of others."""
        return Squares(
            self.sound + (after.sound - before.sound),
            self.merging + (after.merging - before.merging),
            self.penalties + (after.penalties - before.penalties),
        )

    def take(self, rows: Ints) -> Squares:
        """Return some of the sums."""
        return Squares(self.sound[rows], self.merging[rows], self.penalties[rows])

    def put(self, rows: Ints, sums: Squares) -> None:
        """Replace some of the sums."""
        self.sound[rows], self.merging[rows] = sums.sound, sums.merging
        self.penalties[rows] = sums.penalties
