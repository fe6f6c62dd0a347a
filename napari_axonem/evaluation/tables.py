"""Tables of cells and contacts: what is kept of the voxels, and how parts are merged exactly.

A *cell* is the set of voxels that one fragment shares with one true object. A cell is named by
one 64-bit key, the fragment in the upper half and the true object in the lower, so that tables
of different blocks can be merged without a common numbering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ids, Ints, group_starts

Points = npt.NDArray[np.int32]
U32 = npt.NDArray[np.uint32]
T = TypeVar("T", "CellSums", "ContactSums")


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells, unique and sorted by (fragment, truth)."""

    fragment: U32
    """Id of the fragment, uint32, shape (n,); 0 is the voxels without a fragment."""

    truth: U32
    """Id of the true object, uint32, shape (n,); 0 is the voxels without truth."""

    voxels: Ints
    """Number of voxels, int64, shape (n,)."""

    start: Points
    """First voxel (z, y, x) of the bounding box, int32, shape (n, 3)."""

    stop: Points
    """Voxel (z, y, x) after the last of the bounding box, int32, shape (n, 3)."""

    point: Points
    """A voxel (z, y, x) of the cell that lies deep inside, int32, shape (n, 3)."""

    depth: npt.NDArray[np.float32]
    """How far in nm `point` is from the nearest voxel around the cell, float32, shape (n,): no
    voxel of it is farther. Seen block by block, it may be less."""

    def __len__(self) -> int:
        return len(self.voxels)


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Pairs of cells that touch, unique and sorted by (cell_a, cell_b)."""

    cell_a: Ints
    """Row of the lower cell, int64, shape (m,)."""

    cell_b: Ints
    """Row of the upper cell, int64, shape (m,); greater than `cell_a`."""

    area: Ints
    """Number of common voxel faces, int64, shape (m,); 0 where only background lies between."""

    affinity: npt.NDArray[np.float32]
    """Mean affinity over the faces, 0 to 1, float32, shape (m,); nan without affinities."""

    point: Points
    """A voxel (z, y, x) of `cell_a` with a face on `cell_b`, near the middle of the contact,
    int32, shape (m, 3). Where `area` is 0, background lies between."""

    facing: Points
    """The voxel (z, y, x) of `cell_b` on the other side of that face, int32, shape (m, 3)."""

    def __len__(self) -> int:
        return len(self.area)


@dataclass(frozen=True, slots=True, eq=False)
class CellTable:
    """The cells of a volume or a box, and their contacts."""

    cells: Cells
    contacts: Contacts

    def restrict(self, keep: npt.NDArray[np.bool_]) -> CellTable:
        """Return the table of the cells marked in `keep`, bool of shape (n,).

        Contacts stay where both cells do.
        """
        cells, contacts = self.cells, self.contacts
        row = np.cumsum(keep) - 1
        both = keep[contacts.cell_a] & keep[contacts.cell_b]
        return CellTable(
            Cells(*(getattr(cells, f.name)[keep] for f in fields(cells))),
            Contacts(
                row[contacts.cell_a[both]],
                row[contacts.cell_b[both]],
                *(getattr(contacts, f.name)[both] for f in fields(contacts)[2:]),
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class CellSums:
    """Cells of some blocks, in any order and repeated: terms still to be added up."""

    key: Ids
    voxels: Ints
    start: Points
    stop: Points
    point: Points
    depth: npt.NDArray[np.float32]
    """How deep inside `point` lies, nm, float32; the deepest point is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class ContactSums:
    """Contacts of some blocks, in any order and repeated: terms still to be added up."""

    key_a: Ids
    key_b: Ids
    area: Ints
    affinity: Ints
    """Sum over the faces in fixed point: the same in whatever order it is added."""

    point: Points
    facing: Points
    support: Ints
    """How many faces of a block `point` stands for; the one with most is kept. `GAP` is
    added where they face each other across background."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Cells and contacts of some blocks."""

    cells: CellSums
    contacts: ContactSums

    @property
    def rows(self) -> int:
        """Number of rows of both."""
        return len(self.cells.key) + len(self.contacts.key_a)


GAP = -(1 << 40)
"""Added to the support of pairs across background: any true contact has more."""


def merge_sums(parts: Sequence[Sums]) -> Sums:
    """Add up the tables of different blocks; rows come out unique and sorted."""
    cells = _concatenate(_NO_CELLS, [part.cells for part in parts])
    contacts = stack_contacts([part.contacts for part in parts])
    return Sums(_merge_cells(cells), _merge_contacts(contacts))


def stack_contacts(parts: Sequence[ContactSums]) -> ContactSums:
    """Return the rows of all parts, one after the other."""
    return _concatenate(_NO_CONTACTS, parts)


def finish(sums: Sums, affinity_scale: float) -> CellTable:
    """Turn merged sums into a table.

    Parameters
    ----------
    affinity_scale
        What affinity 1 is in the fixed point of `ContactSums.affinity`; nan without
        affinities.
    """
    cells, contacts = sums.cells, sums.contacts
    area = contacts.area
    mean = np.full(len(area), np.nan)
    np.divide(contacts.affinity, affinity_scale * area, out=mean, where=area > 0)
    return CellTable(
        Cells(*split_key(cells.key), *(getattr(cells, f.name) for f in fields(cells)[1:])),
        Contacts(
            np.searchsorted(cells.key, contacts.key_a),
            np.searchsorted(cells.key, contacts.key_b),
            area,
            mean.astype(np.float32),
            contacts.point,
            contacts.facing,
        ),
    )


def join_key(fragment: Ids, truth: Ids) -> Ids:
    """Return the keys of cells from ids below 2**32."""
    return (fragment << np.uint64(32)) | truth


def split_key(key: Ids) -> tuple[U32, U32]:
    """Return fragment and truth of keys."""
    return (key >> np.uint64(32)).astype(np.uint32), key.astype(np.uint32)


def _merge_cells(rows: CellSums) -> CellSums:
    order = np.lexsort((*_by_place(rows.point), -rows.depth, rows.key))
    rows = _take(rows, order)
    first = group_starts(rows.key)
    if not len(first):
        return rows
    return CellSums(
        rows.key[first],
        np.add.reduceat(rows.voxels, first),
        np.minimum.reduceat(rows.start, first, axis=0),
        np.maximum.reduceat(rows.stop, first, axis=0),
        rows.point[first],
        rows.depth[first],
    )


def _merge_contacts(rows: ContactSums) -> ContactSums:
    order = np.lexsort((*_by_place(rows.point), -rows.support, rows.key_b, rows.key_a))
    rows = _take(rows, order)
    first = group_starts(rows.key_a, rows.key_b)
    if not len(first):
        return rows
    return ContactSums(
        rows.key_a[first],
        rows.key_b[first],
        np.add.reduceat(rows.area, first),
        np.add.reduceat(rows.affinity, first),
        rows.point[first],
        rows.facing[first],
        rows.support[first],
    )


def _by_place(points: Points) -> tuple[npt.NDArray[Any], ...]:
    """Return sort keys, least important first, that order points by z, then y, then x."""
    return points[:, 2], points[:, 1], points[:, 0]


def _take(rows: T, order: Ints) -> T:
    return type(rows)(*(getattr(rows, field.name)[order] for field in fields(rows)))


def _concatenate(empty: T, parts: Sequence[T]) -> T:
    whole = [empty, *parts]
    return type(empty)(
        *(np.concatenate([getattr(part, f.name) for part in whole]) for f in fields(empty))
    )


_IDS = np.empty(0, np.uint64)
_INTS = np.empty(0, np.int64)
_POINTS = np.empty((0, 3), np.int32)
_NO_CELLS = CellSums(_IDS, _INTS, _POINTS, _POINTS, _POINTS, np.empty(0, np.float32))
_NO_CONTACTS = ContactSums(_IDS, _IDS, _INTS, _INTS, _POINTS, _POINTS, _INTS)
