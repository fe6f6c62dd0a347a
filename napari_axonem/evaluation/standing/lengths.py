"""Run lengths with the true objects whose skeletons they follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_axonem.evaluation.grouping import Ints, ranges
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.standing.runs import Runs
from napari_axonem.evaluation.standing.shares import Floats


@dataclass(frozen=True, slots=True, eq=False)
class RunLengths:
    """What the repair of a mistake does to the expected run length."""

    runs: Runs
    """Run lengths along the segments that mistakes are listed of."""

    truth: Ints
    """True object of each skeleton, int64, shape (S,); 0 where it is none."""

    def gain(self, mistake: Mistake) -> float:
        """Return by how many nm the repair of one mistake alone would raise it."""
        return float(self.gains([mistake])[0])

    def gains(self, mistakes: Sequence[Mistake]) -> Floats:
        """Return by how many nm the repair of each mistake alone would raise it, shape (k,).

        Together they take little more time than a few of them alone.
        """
        merge = np.array([mistake.kind == "false_merge" for mistake in mistakes], np.bool_)
        joins = [m.segments for m in mistakes if m.kind == "false_split"]
        cuts = [(*m.segments, m.truth[0]) for m in mistakes if m.kind == "false_merge"]
        pairs, parts = (np.array(rows, np.int64).reshape(-1, 2).T for rows in (joins, cuts))
        gains = np.zeros(len(mistakes))
        gains[~merge] = self.runs.gains_if_joined(*pairs)
        gains[merge] = self.runs.gains_if_cut(parts[0], self._skeletons_of(parts[1]))
        return gains

    def _skeletons_of(self, truth: Ints) -> tuple[Ints, Ints]:
        """Return the skeletons of true objects, with the place of the object."""
        order = np.argsort(self.truth, kind="stable")
        known = self.truth[order]
        first = np.searchsorted(known, truth)
        counts = np.searchsorted(known, truth, side="right") - first
        return np.repeat(np.arange(len(truth)), counts), order[ranges(first, counts)]
