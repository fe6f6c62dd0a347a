"""Putting the rows of a fragment that was cut into a table that exists already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.tables import Cells, CellTable, Contacts, join_key


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
    cells = _stacked(rest.cells, part.cells, fragments)
    key = _keys(cells)
    order = np.argsort(key, kind="stable")
    key = key[order]
    contacts = Contacts(
        *(np.concatenate([_by_key(rest, f.name), _by_key(part, f.name)]) for f in fields(Contacts))
    )
    cell_a, cell_b = np.searchsorted(key, contacts.cell_a), np.searchsorted(key, contacts.cell_b)
    # both were sorted by cells before: a stable sort of their numbers just merges them
    by_cells = np.argsort(cell_a * len(key) + cell_b, kind="stable")
    return CellTable(
        Cells(*(getattr(cells, f.name)[order] for f in fields(Cells))),
        _taken(replace(contacts, cell_a=cell_a, cell_b=cell_b), by_cells),
    )


def replaced_cells(cells: Cells, part: CellTable, fragments: Sequence[int]) -> Cells:
    """Return what `replaced` does to cells alone, in any order."""
    keep = ~np.isin(cells.fragment, fragments)
    rest = Cells(*(getattr(cells, f.name)[keep] for f in fields(Cells)))
    return _stacked(rest, part.cells, fragments)


def _stacked(rest: Cells, cells: Cells, fragments: Sequence[int]) -> Cells:
    """Return the cells of the rest, then those of `fragments`."""
    own = np.isin(cells.fragment, fragments)
    return Cells(
        *(
            np.concatenate([getattr(rest, f.name), getattr(cells, f.name)[own]])
            for f in fields(Cells)
        )
    )


def _by_key(table: CellTable, name: str) -> npt.NDArray[np.generic]:
    """Return a column of the contacts, cells named by their keys instead of their rows."""
    column: npt.NDArray[np.generic] = getattr(table.contacts, name)
    return _keys(table.cells)[column] if name in ("cell_a", "cell_b") else column


def _keys(cells: Cells) -> npt.NDArray[np.uint64]:
    return join_key(cells.fragment.astype(np.uint64), cells.truth.astype(np.uint64))


def _taken(contacts: Contacts, rows: npt.NDArray[np.generic]) -> Contacts:
    return Contacts(*(getattr(contacts, f.name)[rows] for f in fields(Contacts)))
