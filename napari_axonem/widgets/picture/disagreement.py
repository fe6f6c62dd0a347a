"""Which cells disagree with the truth, and how: what the overlay of errors shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.cells import Cells
from napari_axonem.widgets.picture.tables import Marked

SPLIT_OFF, FOREIGN = 1, 2
"""Codes: a part of a true object outside of its main segment; a part of a segment that does
not belong to its main object."""

Ids = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """How each cell disagrees with the truth."""

    cells: Cells
    """What fragments share with true objects, sorted by fragment and true object."""

    code: npt.NDArray[np.uint8]
    """`SPLIT_OFF`, `FOREIGN` or 0 for each cell."""

    @classmethod
    def of(cls, cells: Cells, segment: Ids, smallest: int) -> Disagreement:
        """Find the cells that disagree.

        A part that is both split off and foreign is foreign: it has to be cut off before it
        can be joined.

        Parameters
        ----------
        cells
            All cells.
        segment
            The segment of each fragment, shape (fragments + 1,).
        smallest
            Voxels that a segment must share with a true object for it to count.
        """
        code = np.zeros(len(cells.fragment), np.uint8)
        ours = segment[cells.fragment]
        known = np.flatnonzero((cells.truth != 0) & (ours != 0))
        code[known] = _codes(cells, ours, known, smallest)
        return cls(cells, code)

    def after(
        self, cells: Cells, segment: Ids, smallest: int, changed: frozenset[int]
    ) -> Disagreement:
        """Return the same after an edit that made or unmade the segments `changed`.

        Only the true objects that those segments overlap are looked at again.
        """
        if cells is not self.cells:  # a fragment was cut
            return Disagreement.of(cells, segment, smallest)
        ours = segment[cells.fragment]
        known = (cells.truth != 0) & (ours != 0)
        touched = _among(cells.truth, cells.truth[known & _among(ours, list(changed))])
        whole = known & _among(ours, ours[known & touched])
        rows = np.flatnonzero(whole | (known & touched))
        again = _codes(cells, ours, rows, smallest)
        # The other rows are there to make the objects concerned complete, and are not
        # complete themselves.
        code = self.code.copy()
        code[rows[touched[rows]]] = again[touched[rows]]
        return Disagreement(cells, code)

    def marked(
        self, segment: Ids, only: tuple[frozenset[int], frozenset[int]] | None = None
    ) -> Marked:
        """Return the cells for the overlay, all or those of some segments and true objects."""
        wrong = self.code != 0
        if only is not None:
            wrong &= _among(segment[self.cells.fragment], list(only[0]))
            wrong &= _among(self.cells.truth, list(only[1]))
        rows = np.flatnonzero(wrong)
        return Marked.of(self.cells.fragment[rows], self.cells.truth[rows], self.code[rows])


def _codes(cells: Cells, ours: Ids, rows: Rows, smallest: int) -> npt.NDArray[np.uint8]:
    """Return the codes of some cells, taken for all there are."""
    in_segment, in_truth = ours[rows], cells.truth[rows]
    key = (in_segment.astype(np.uint64) << np.uint64(32)) | in_truth
    pair, of_cell = np.unique(key, return_inverse=True)
    shared = np.bincount(of_cell, weights=cells.voxels[rows], minlength=len(pair))
    segment, truth = (pair >> np.uint64(32)).astype(np.uint32), pair.astype(np.uint32)
    code = np.zeros(len(pair), np.uint8)
    code[segment != _main(truth, segment, shared)[truth]] = SPLIT_OFF
    code[truth != _main(segment, truth, shared)[segment]] = FOREIGN
    code[shared < smallest] = 0
    codes: npt.NDArray[np.uint8] = code[of_cell]
    return codes


def _main(group: Ids, member: Ids, shared: npt.NDArray[Any]) -> Ids:
    """Return the member that shares most with each group, shape (highest group + 1,)."""
    main = np.zeros(int(group.max(initial=0)) + 1, np.uint32)
    order = np.lexsort((-member.astype(np.int64), shared))
    main[group[order]] = member[order]  # of several writes the last one stays
    return main


def _among(values: Ids, chosen: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Tell which values are among the chosen ones; a table is much faster than a search."""
    ids = np.asarray(chosen, dtype=np.int64)
    table = np.zeros(max(int(values.max(initial=0)), int(ids.max(initial=0))) + 1, np.bool_)
    table[ids] = True
    among: npt.NDArray[np.bool_] = table[values]
    return among
