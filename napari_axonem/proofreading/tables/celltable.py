"""The table of cells of a project whose fragments are cut now and then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.replacement import part_of, replaced
from napari_axonem.evaluation.tables import Cells, CellTable, Contacts
from napari_axonem.proofreading.tables.refinement import Refinement


class LazyTable(CellTable):
    """A table whose contacts are worked out when somebody asks for them.

    Scores need the cells alone, and on a volume of millions of fragments the contacts take
    seconds to put into order.
    """

    def __init__(self, cells: Cells, contacts: Callable[[], Contacts]) -> None:
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "_make", contacts)
        object.__setattr__(self, "_made", None)

    @property
    def contacts(self) -> Contacts:
        """Pairs of cells that touch."""
        if self._made is None:  # type: ignore[attr-defined]
            object.__setattr__(self, "_made", self._make())  # type: ignore[attr-defined]
        made: Contacts = self._made  # type: ignore[attr-defined]
        return made


class CellBook:
    """Cells and contacts as they are now.

    Parameters
    ----------
    table
        What they were at creation.
    """

    def __init__(self, table: CellTable) -> None:
        self._table = table
        self._now = table
        self._cells = table.cells
        self._since: list[Refinement] = []  # that are not in `_table` yet
        self._not_in_cells: list[Callable[[], Refinement]] = []

    def refine(self, refinement: Callable[[], Refinement]) -> None:
        """Follow the cut of a fragment; it is fetched when somebody looks at the table."""
        self._not_in_cells.append(refinement)

    @property
    def cells(self) -> Cells:
        """The cells as they are now; the same object until a fragment is cut."""
        return self.table.cells

    @property
    def table(self) -> CellTable:
        """Cells and contacts as they are now; the same object until a fragment is cut."""
        if self._not_in_cells:
            before, since = self._table, list(self._since)
            for fetch in self._not_in_cells:
                since.append(fetch())
                self._cells = cells_after(self._cells, since[-1])
            self._not_in_cells.clear()
            cells = self._cells
            self._since = since
            self._now = LazyTable(cells, lambda: self._settled(before, since, cells))
        return self._now

    def _settled(self, before: CellTable, since: list[Refinement], cells: Cells) -> Contacts:
        """Work out the contacts, and let later tables begin from there."""
        contacts = contacts_after(before, since, cells)
        if cells is self._cells and not self._not_in_cells:
            self._table, self._since = self._now, []
        return contacts


def cells_after(cells: Cells, refinement: Refinement) -> Cells:
    """Return the cells after the cut of one fragment, in their order."""
    new = refinement.table.cells
    parent, child = refinement.parent, refinement.child
    if not parent:
        return _stacked([_without_background(cells, refinement), _of(new, child)])
    first, last = np.searchsorted(cells.fragment, [parent, parent + 1])
    rest = _taken(cells, slice(0, first)), _taken(cells, slice(last, None))
    return _stacked([rest[0], _of(new, parent), rest[1], _of(new, child)])


def contacts_after(table: CellTable, refinements: Sequence[Refinement], cells: Cells) -> Contacts:
    """Return the contacts after some fragments were cut, one after the other.

    What the cuts concern is put together in a small table first, so that the large one is gone
    through once, however many they are.

    Parameters
    ----------
    cells
        The cells after all of them.
    """
    concerned = np.unique([part for refinement in refinements for part in refinement.parts])
    named = np.unique(np.concatenate([r.table.cells.fragment for r in refinements]))
    keep = np.isin(table.cells.fragment, np.union1d(concerned, named))
    small = table.restrict(keep)
    for refinement in refinements:
        small = replaced(small, refinement.table, refinement.parts)
    whole = replaced(table, part_of(small, concerned.tolist()), concerned.tolist())
    if len(whole.cells) > len(cells):  # background that was painted over completely
        whole = whole.restrict(_keys_in(whole.cells, cells))
    return whole.contacts


def _without_background(cells: Cells, refinement: Refinement) -> Cells:
    """Take what a fragment was made of away from the background."""
    child = _of(refinement.table.cells, refinement.child)
    stop = int(np.searchsorted(cells.fragment, 1))
    voxels = cells.voxels.copy()
    rows = np.searchsorted(cells.truth[:stop], child.truth)
    voxels[rows] -= child.voxels
    return _taken(replace(cells, voxels=voxels), voxels > 0)


def _of(cells: Cells, fragment: int) -> Cells:
    return _taken(cells, cells.fragment == fragment)


def _taken(cells: Cells, rows: slice | npt.NDArray[np.bool_]) -> Cells:
    return Cells(*(getattr(cells, f.name)[rows] for f in fields(Cells)))


def _stacked(parts: Sequence[Cells]) -> Cells:
    return Cells(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Cells)))


def _keys_in(cells: Cells, others: Cells) -> npt.NDArray[np.bool_]:
    key, other = (c.fragment.astype(np.uint64) << np.uint64(32) | c.truth for c in (cells, others))
    return np.isin(key, other)
