"""Putting the rows of a fragment that was cut into a table that exists already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.tables import Cells, CellTable, Contacts, join_key

Rows = TypeVar("Rows", Cells, Contacts)


def part_of(table: CellTable, fragments: Sequence[int]) -> CellTable:
    """Return the cells of some fragments, their contacts, and the cells they touch.

    The cells touched are there to name the other side of a contact; what a table of a box
    says of their voxels ends with the box.
    """
    contacts = table.contacts
    ours = np.isin(table.cells.fragment, fragments)
    touching = ours[contacts.cell_a] | ours[contacts.cell_b]
    keep = ours.copy()
    keep[contacts.cell_a[touching]] = True
    keep[contacts.cell_b[touching]] = True
    part = table.restrict(keep)
    mine = np.isin(part.cells.fragment, fragments)
    return CellTable(
        part.cells, _taken(part.contacts, mine[part.contacts.cell_a] | mine[part.contacts.cell_b])
    )


def shifted(table: CellTable, offset: Sequence[int]) -> CellTable:
    """Return a table of a box in the coordinates of the volume.

    Parameters
    ----------
    offset
        First voxel (z, y, x) of the box.
    """
    by = np.asarray(offset, dtype=np.int32)
    cells, contacts = table.cells, table.contacts
    return CellTable(
        replace(cells, start=cells.start + by, stop=cells.stop + by, point=cells.point + by),
        replace(contacts, point=contacts.point + by, facing=contacts.facing + by),
    )


def replaced(table: CellTable, part: CellTable, fragments: Sequence[int]) -> CellTable:
    """Return a table in which some fragments have other cells and contacts.

    Parameters
    ----------
    part
        What `part_of` gave for `fragments` after their voxels changed.
    fragments
        The fragments whose rows are replaced, new ones included.
    """
    rest = table.restrict(~np.isin(table.cells.fragment, fragments))
    own = _rows(part.cells, np.isin(part.cells.fragment, fragments))
    # All are in order: what comes is put between what stays, and nothing large is sorted.
    at = np.searchsorted(_keys(rest.cells), _keys(own))
    cells = Cells(*_between(rest.cells, own, at))
    come_before = np.cumsum(np.bincount(at, minlength=len(rest.cells) + 1))[:-1]
    stay = _of_rows(rest.contacts, np.arange(len(rest.cells)) + come_before)
    come = _of_rows(part.contacts, np.searchsorted(_keys(cells), _keys(part.cells)))
    come = _taken(come, np.argsort(_pairs(come, len(cells)), kind="stable"))
    at = np.searchsorted(_pairs(stay, len(cells)), _pairs(come, len(cells)), side="right")
    return CellTable(cells, Contacts(*_between(stay, come, at)))


def replaced_cells(cells: Cells, part: CellTable, fragments: Sequence[int]) -> Cells:
    """Return what `replaced` does to cells alone, in any order."""
    keep = ~np.isin(cells.fragment, fragments)
    rest, own = _rows(cells, keep), _rows(part.cells, np.isin(part.cells.fragment, fragments))
    return Cells(
        *(np.concatenate([getattr(rest, f.name), getattr(own, f.name)]) for f in fields(Cells))
    )


def _between(stay: Rows, come: Rows, at: npt.NDArray[np.int64]) -> list[npt.NDArray[Any]]:
    """Return the columns of a table with those of another one put before its rows `at`."""
    return [
        np.insert(getattr(stay, f.name), at, getattr(come, f.name), axis=0) for f in fields(stay)
    ]


def _of_rows(contacts: Contacts, row: npt.NDArray[np.int64]) -> Contacts:
    """Return the same contacts where each cell has another row."""
    return replace(contacts, cell_a=row[contacts.cell_a], cell_b=row[contacts.cell_b])


def _pairs(contacts: Contacts, count: int) -> npt.NDArray[np.int64]:
    """Return each pair of cells, of so many, as one number."""
    pairs: npt.NDArray[np.int64] = contacts.cell_a.astype(np.int64) * count + contacts.cell_b
    return pairs


def _rows(cells: Cells, rows: npt.NDArray[np.generic]) -> Cells:
    return Cells(*(getattr(cells, f.name)[rows] for f in fields(Cells)))


def _keys(cells: Cells) -> npt.NDArray[np.uint64]:
    return join_key(cells.fragment.astype(np.uint64), cells.truth.astype(np.uint64))


def _taken(contacts: Contacts, rows: npt.NDArray[np.generic]) -> Contacts:
    return Contacts(*(getattr(contacts, f.name)[rows] for f in fields(Contacts)))
