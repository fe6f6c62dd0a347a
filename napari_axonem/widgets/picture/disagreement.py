"""Which cells disagree with the truth, and how: what the overlay of errors shows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from napari_axonem.evaluation.grouping import distinct, firsts_of, ranges
from napari_axonem.evaluation.standing.index import CellIndex
from napari_axonem.evaluation.tables import Cells
from napari_axonem.proofreading.tables.columns import is_true, table_of
from napari_axonem.widgets.picture.tables import Marked, pairs_of

SPLIT_OFF, FOREIGN = 1, 2
"""Codes: a part of a true object outside of its main segment; a part of a segment that does
not belong to its main object."""

Ids = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]


MembersOf = Callable[..., npt.NDArray[np.int64]]
"""Returns the fragments of some segments."""


class CellRows:
    """Where the cells of fragments and of true objects are in a table, without going through it.

    Parameters
    ----------
    cells
        What fragments share with true objects, sorted by fragment and true object.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells

    @cached_property
    def pairs(self) -> npt.NDArray[np.uint64]:
        """Fragment and true object of each cell as one number, ascending, shape (cells,)."""
        return pairs_of(self.cells.fragment, self.cells.truth)

    def of_fragments(self, fragments: npt.NDArray[np.int64]) -> Rows:
        """Return the rows of the cells of some fragments, in their order."""
        index, count = self._by_fragment
        found: Rows = index.of(fragments[fragments < count])  # some may have no voxel left
        return found

    def of_truths(self, truths: npt.NDArray[np.integer]) -> Rows:
        """Return the rows of the cells of some true objects."""
        first, rows = self._by_truth
        known = truths[truths < len(first) - 1].astype(np.int64)
        found: Rows = rows[ranges(first[known], first[known + 1] - first[known])].astype(np.int64)
        return found

    def look_up(self) -> None:
        """Have the places of cells looked up, so that nobody has to wait for it."""
        _ = self.pairs, self._by_fragment, self._by_truth

    @cached_property
    def _by_fragment(self) -> tuple[CellIndex, int]:
        count = int(self.cells.fragment.max(initial=0)) + 1
        return CellIndex(self.cells, count), count

    @cached_property
    def _by_truth(self) -> tuple[Rows, npt.NDArray[np.int32]]:
        truth = self.cells.truth
        count = int(truth.max(initial=0)) + 1
        rows = np.arange(len(truth) + 1, dtype=np.int32)
        # a sparse matrix is put into order by counting, in a tenth of the time of sorting
        turned = csr_array((rows[:-1], truth.astype(np.int32), rows), (len(truth), count)).tocsc()
        return firsts_of(truth, count), turned.data


class Disagreement:
    """How each cell disagrees with the truth.

    Parameters
    ----------
    rows
        The cells.
    code
        `SPLIT_OFF`, `FOREIGN` or 0 for each cell.
    """

    def __init__(self, rows: CellRows, code: npt.NDArray[np.uint8]) -> None:
        self.rows, self.code = rows, code

    @property
    def cells(self) -> Cells:
        """What fragments share with true objects, sorted by fragment and true object."""
        return self.rows.cells

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
        code[known] = _codes(ours[known], cells.truth[known], cells.voxels[known], smallest)
        return cls(CellRows(cells), code)

    def after(
        self,
        cells: Cells,
        segment: Ids,
        members: MembersOf,
        smallest: int,
        changed: Collection[int],
    ) -> Disagreement:
        """Return the same after an edit that made or unmade the segments `changed`.

        Only the true objects that those segments overlap are looked at again.
        """
        if cells is not self.cells:  # a fragment was cut
            return Disagreement.of(cells, segment, smallest)
        truths = distinct(cells.truth[self.rows.of_fragments(members(*changed))])
        touched = self.rows.of_truths(truths[truths != 0])
        concerned = distinct(segment[cells.fragment[touched]])
        whole = self.rows.of_fragments(members(*concerned[concerned != 0].tolist()))
        # Those rows are there to make the segments concerned complete; of the true objects
        # that only they have, not all rows are.
        rows = distinct(np.append(touched, whole))
        ours, truth = segment[cells.fragment[rows]], cells.truth[rows]
        known = (ours != 0) & (truth != 0)
        rows, ours, truth = rows[known], ours[known], truth[known]
        again = _codes(ours, truth, cells.voxels[rows], smallest)
        code = self.code.copy()
        code[touched] = 0
        renewed = is_true(table_of(truths), truth)
        code[rows[renewed]] = again[renewed]
        return Disagreement(self.rows, code)

    def marked(
        self,
        members: MembersOf,
        only: tuple[Collection[int], Collection[int]] | None = None,
    ) -> Marked:
        """Return the cells for the overlay, all or those of some segments and true objects."""
        if only is None:
            return Marked(self.rows.pairs, self.code)
        code = np.zeros_like(self.code)
        rows = self.rows.of_fragments(members(*only[0]))
        truths = np.fromiter(only[1], np.int64)
        rows = rows[is_true(table_of(truths), self.cells.truth[rows])]
        code[rows] = self.code[rows]
        return Marked(self.rows.pairs, code)


def _codes(ours: Ids, true: Ids, voxels: npt.NDArray[Any], smallest: int) -> npt.NDArray[np.uint8]:
    """Return the codes of some cells, taken for all there are."""
    pair, of_cell = np.unique(pairs_of(ours, true), return_inverse=True)
    shared = np.bincount(of_cell, weights=voxels, minlength=len(pair))
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
