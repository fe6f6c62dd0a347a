"""Which cells disagree with the truth, and how: what the overlay of errors shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.cells import Cells
from napari_axonem.widgets.tables import Marked

SPLIT_OFF, FOREIGN = 1, 2
"""Codes: a part of a true object outside of its main segment; a part of a segment that does
not belong to its main object."""

Ids = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """Cells that disagree with the truth, as columns sorted by fragment and true object."""

    fragment: Ids
    segment: Ids
    truth: Ids
    code: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, cells: Cells, segment: Ids, smallest: int) -> Disagreement:
        """Find the cells that disagree.

        A part that is both split off and foreign is foreign: it has to be cut off before it
        can be joined.

        Parameters
        ----------
        cells
            What fragments share with true objects, sorted by fragment and true object.
        segment
            The segment of each fragment, shape (fragments + 1,).
        smallest
            Voxels that a segment must share with a true object for it to count.
        """
        known = np.flatnonzero((cells.truth != 0) & (segment[cells.fragment] != 0))
        ours, theirs = segment[cells.fragment[known]], cells.truth[known]
        key = (ours.astype(np.uint64) << np.uint64(32)) | theirs
        pair, of_cell = np.unique(key, return_inverse=True)
        shared = np.zeros(len(pair), np.int64)
        np.add.at(shared, of_cell, cells.voxels[known])
        in_segment = (pair >> np.uint64(32)).astype(np.uint32)
        in_truth = pair.astype(np.uint32)
        code = np.zeros(len(pair), np.uint8)
        code[in_segment != _main(in_truth, in_segment, shared)[in_truth]] = SPLIT_OFF
        code[in_truth != _main(in_segment, in_truth, shared)[in_segment]] = FOREIGN
        code[shared < smallest] = 0
        code_of_cell = code[of_cell]
        wrong = code_of_cell != 0
        fragment = cells.fragment[known[wrong]]
        return cls(fragment, ours[wrong], theirs[wrong], code_of_cell[wrong])

    def marked(self, only: tuple[frozenset[int], frozenset[int]] | None = None) -> Marked:
        """Return the cells for the overlay, all or those of some segments and true objects."""
        if only is None:
            return Marked(self.fragment, self.truth, self.code)
        segments, truths = (np.fromiter(ids, np.int64, len(ids)) for ids in only)
        rows = np.isin(self.segment, segments) & np.isin(self.truth, truths)
        return Marked(self.fragment[rows], self.truth[rows], self.code[rows])


def _main(group: Ids, member: Ids, shared: npt.NDArray[np.int64]) -> Ids:
    """Return the member that shares most with each group, shape (highest group + 1,)."""
    main = np.zeros(int(group.max(initial=0)) + 1, np.uint32)
    order = np.lexsort((-member.astype(np.int64), shared))
    main[group[order]] = member[order]  # of several writes the last one stays
    return main
