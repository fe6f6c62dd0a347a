"""How segments stand against the truth, kept up to date through edits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.parts import group_parts
from napari_axonem.evaluation.scores import Rand, Voi
from napari_axonem.evaluation.standing.changes import changed_among
from napari_axonem.evaluation.standing.choice import USUAL, Choice
from napari_axonem.evaluation.standing.index import CellIndex
from napari_axonem.evaluation.standing.lengths import RunLengths
from napari_axonem.evaluation.standing.listing import Listing
from napari_axonem.evaluation.standing.order import in_order
from napari_axonem.evaluation.standing.tally import Tally
from napari_axonem.evaluation.tables import U32, Cells, CellTable
from napari_axonem.geometry import Grid


@dataclass(frozen=True, slots=True)
class MistakeGroup:
    """Mistakes too small to be listed, of one kind in one true object."""

    kind: Literal["false_split", "false_merge"]

    truth: int
    """The true object; of false merges, the one whose parts are to be cut off."""

    count: int
    """How many they are."""

    size_voxels: int
    """Sum of their sizes."""

    gain_voi: float
    """Sum of their gains, each taken alone, in bits."""


class Standing:
    """Scores and mistakes of segments that are sets of fragments.

    All answers equal those from scratch (`napari_axonem.evaluation.parts.voi_of`,
    `napari_axonem.evaluation.mistakes.find_mistakes`), the order of mistakes included. An edit
    costs what the segments that it makes and unmakes cost: their parts for the scores, at once;
    their fragments and contacts for the mistakes, once these are asked for.

    Parameters
    ----------
    table
        Cells and contacts of fragments and truth. It is not copied.
    segment
        Segment of each fragment, shape (fragments + 1,), ids below 2**32, 0 for 0; copied.
    grid
        The grid of the volume.

    Raises
    ------
    AxonemError
        No voxel has a truth, or the segments do not fit the table.
    """

    def __init__(self, table: CellTable, segment: npt.ArrayLike, grid: Grid) -> None:
        self._grid = grid
        self._table = table
        self._segment: U32 = np.array(segment, dtype=np.uint32)
        self._tally = Tally(group_parts(table, self._segment)[0])
        # at once, and not when the first edit waits for it
        self._cells: CellIndex | None = CellIndex(table.cells, len(self._segment))
        self._listing: Listing | None = None
        self._touched = np.zeros(0, np.int64)  # since the listing was last renewed
        self._refined = np.zeros(0, np.int64)
        self._listed = len(self._segment)  # fragments that the listing knows

    def follow(self, segment: npt.NDArray[np.uint32], among: Ints | None = None) -> None:
        """Take the segments as they are now.

        Parameters
        ----------
        segment
            Segment of each fragment; fragments come only by `refine`.
        among
            Fragments that may have changed, each once; all where it is None, which takes longer.
        """
        changed = changed_among(self._segment, segment, among)
        if not len(changed):
            return
        cells = self._cell_index.of(changed)
        fragment = self._table.cells.fragment[cells]
        touched = np.union1d(self._segment[changed], segment[changed]).astype(np.int64)
        self._tally.move(
            touched,
            self._segment[fragment].astype(np.int64),
            segment[fragment].astype(np.int64),
            self._table.cells.truth[cells].astype(np.int64),
            self._table.cells.voxels[cells],
        )
        self._segment[changed] = segment[changed]
        self._touch(touched)

    def refine(self, table: CellTable, fragments: Iterable[int], segment: U32) -> None:
        """Take a table in which some fragments of one segment have exchanged voxels.

        Parameters
        ----------
        table
            What `napari_axonem.evaluation.replacement.replaced` gave.
        fragments
            The fragments whose rows it replaced, new ones included.
        segment
            Segment of each fragment; only new ones differ from before.
        """
        concerned = np.fromiter(fragments, np.int64)
        added = segment[len(self._segment) :]
        self._segment = np.append(self._segment, added)
        self._table, self._cells = table, None
        self._refined = np.union1d(self._refined, concerned)
        self._touch(self._segment[concerned])

    def voi(self) -> Voi:
        """Return the variation of information."""
        return self._tally.voi()

    def rand(self) -> Rand:
        """Return the adapted Rand scores."""
        return self._tally.rand()

    def cells_of(self, fragments: npt.NDArray[np.int64]) -> Cells:
        """Return the cells of some fragments."""
        rows = self._cell_index.of(fragments)
        return Cells(*(getattr(self._table.cells, f.name)[rows] for f in fields(Cells)))

    def voi_after(self, cells: Cells, segment: int, becomes: Ints) -> Voi:
        """Return what the score would be after some cells of one segment changed theirs.

        Parameters
        ----------
        cells
            Cells with voxels of the segment, which may be those of a refinement to come.
        segment
            The segment that they are part of.
        becomes
            The segment that each would be part of, shape (n,).
        """
        old = np.full(len(cells), segment)
        touched = np.union1d(old, becomes)
        return self._tally.voi_after(
            touched, old, becomes, cells.truth.astype(np.int64), cells.voxels
        )

    def mistakes(
        self,
        choice: Choice = USUAL,
        limit: int | None = None,
        lengths: RunLengths | None = None,
    ) -> list[Mistake]:
        """Return mistakes, those to be repaired first at the front.

        Parameters
        ----------
        choice
            Which ones, in which order.
        limit
            At most so many.
        lengths
            Run lengths along the same segments, which then say what a join would spoil.
        """
        return in_order(self._renewed(), self._tally, choice, limit, lengths)

    def count(self, choice: Choice = USUAL) -> int:
        """Return how many mistakes `mistakes` lists."""
        return self._renewed().count(choice.lists)

    def groups(self, choice: Choice = USUAL) -> list[MistakeGroup]:
        """Return what is too small to be listed, by kind and true object, worst first."""
        rows = self._renewed().all(lambda rows: choice.concerns(rows) & choice.is_tiny(rows))
        key = rows.red_truth.astype(np.int64) * 2 + rows.merge
        names, group = np.unique(key, return_inverse=True)
        count = np.bincount(group, minlength=len(names))
        size = np.bincount(group, weights=rows.size, minlength=len(names)).astype(np.int64)
        gain = np.bincount(group, weights=rows.gain, minlength=len(names))
        gain_voi = gain / self._tally.known_voxels
        columns = (names.tolist(), count.tolist(), size.tolist(), gain_voi.tolist())
        return [
            MistakeGroup("false_merge" if name % 2 else "false_split", name // 2, *rest)
            for name, *rest in sorted(zip(*columns, strict=True), key=lambda row: (-row[3], row[0]))
        ]

    @property
    def _cell_index(self) -> CellIndex:
        if self._cells is None:
            self._cells = CellIndex(self._table.cells, len(self._segment))
        return self._cells

    def _touch(self, segments: npt.NDArray[np.integer]) -> None:
        """Note segments whose mistakes are to be looked for again."""
        if self._listing is not None:
            self._touched = np.union1d(self._touched, segments.astype(np.int64))

    def _renewed(self) -> Listing:
        """Return the list of mistakes, brought up to date."""
        if self._listing is None:
            self._listing = Listing(self._table, self._segment, self._grid, self._tally)
        else:
            if len(self._refined):
                self._listing.retable(self._table, self._segment, self._refined)
            if len(self._touched):
                added = np.arange(self._listed, len(self._segment))
                self._listing.renew(self._touched, self._segment, added)
        self._touched = np.zeros(0, np.int64)
        self._refined = np.zeros(0, np.int64)
        self._listed = len(self._segment)
        return self._listing
