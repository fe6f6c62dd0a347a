"""Which mistakes are listed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.mistakes import MIN_VOXELS
from napari_axonem.evaluation.standing.rows import Rows
from napari_axonem.geometry import Box

Mask = npt.NDArray[np.bool_]

Rank: TypeAlias = Literal["repair", "voi", "erl"]
"""The order of the list.

- ``repair``: by gain in VOI, but a join that would spoil what it joins waits, and the cuts that it
  waits for come first (`napari_axonem.evaluation.standing.waiting`). With skeletons, the first of
  these are put in order by the sum of their gains in VOI and in expected run length, with
  `ERL_BITS` for a normalised one of 1, and what would lower it comes after what does not;
- ``voi``: by gain in VOI alone;
- ``erl``: by gain in expected run length among those that are listed, which are the first of
  ``repair``, and at least 100 are looked at; without skeletons as ``repair``.
"""

ERL_BITS = 0.5
"""Bits of VOI that a normalised expected run length of 1 is worth."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter for mistakes. The ones that only the two limits keep out can be had in groups."""

    kind: Literal["false_split", "false_merge", ""] = ""
    """Only this kind; both where it is empty."""

    min_voxels: int = MIN_VOXELS
    """Only those whose smaller side has so many voxels (`Mistake.size_voxels`)."""

    min_area: int = 0
    """Only those whose contact has so many voxel faces. Contacts across background, which have
    none, and parts that touch nothing are listed all the same."""

    box: Box | None = None
    """Only those whose position is in this box of voxels."""

    truth: Collection[int] | None = None
    """Only those that concern one of these true objects, such as all axons."""

    rank: Rank = "repair"
    """In which order."""

    def concerns(self, rows: Rows) -> Mask:
        """Tell which mistakes are of the kind, the place and the objects asked for."""
        chosen = np.ones(len(rows), np.bool_)
        if self.kind:
            chosen &= rows.merge == (self.kind == "false_merge")
        if self.box is not None:
            inside = (rows.position >= self.box.start) & (rows.position < self.box.stop)
            chosen &= inside.all(axis=1)
        if self.truth is not None:
            wanted = np.fromiter(self.truth, np.uint32, len(self.truth))
            chosen &= np.isin(rows.red_truth, wanted) | np.isin(rows.blue_truth, wanted)
        return chosen

    def is_tiny(self, rows: Rows) -> Mask:
        """Tell which mistakes are below one of the limits."""
        tiny: Mask = (rows.size < self.min_voxels) | ((rows.area > 0) & (rows.area < self.min_area))
        return tiny

    def lists(self, rows: Rows) -> Mask:
        """Tell which mistakes are listed one by one."""
        listed: Mask = self.concerns(rows) & ~self.is_tiny(rows)
        return listed


USUAL = Choice()
"""What is listed unless told otherwise."""
