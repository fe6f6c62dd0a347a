"""Run lengths with the true objects whose skeletons they follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_axonem.evaluation.grouping import Ints
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.standing.runs import Runs


@dataclass(frozen=True, slots=True, eq=False)
class RunLengths:
    """What the repair of a mistake does to the expected run length."""

    runs: Runs
    """Run lengths along the segments that mistakes are listed of."""

    truth: Ints
    """True object of each skeleton, int64, shape (S,); 0 where it is none."""

    def gain(self, mistake: Mistake) -> float:
        """Return by how many nm the repair of one mistake alone would raise it."""
        if mistake.kind == "false_split":
            return self.runs.gain_if_joined(*mistake.segments)
        (segment,) = mistake.segments
        return self.runs.gain_if_cut(segment, np.flatnonzero(self.truth == mistake.truth[0]))
