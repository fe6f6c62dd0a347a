"""Where to click to repair a mistake, taken from tables alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, group_starts, ranges
from napari_axonem.evaluation.parts import PartCells
from napari_axonem.evaluation.ranking import Ranking
from napari_axonem.evaluation.tables import CellTable
from napari_axonem.geometry import Zyx

MAX_POINTS = 5
"""Fragments of a side that get a point, the largest; more only for fragments on both sides."""


@dataclass(frozen=True, slots=True, eq=False)
class Clicks:
    """The points of some mistakes, voxels (z, y, x)."""

    position: Ints
    """Voxel on the contact on the red side, int64, shape (k, 3); where the sides do not touch,
    a voxel deep in the red side."""

    facing: Ints
    """The voxel across the contact, int64, shape (k, 3); `position` where there is none."""

    red: list[tuple[Zyx, ...]]
    blue: list[tuple[Zyx, ...]]


def join_clicks(table: CellTable, parts: PartCells, splits: Ranking) -> Clicks:
    """Return one point on either side of the largest contact of each false split."""
    position, facing = _contact_voxels(table, parts, splits)
    return Clicks(position, facing, _singles(position), _singles(facing))


def cut_clicks(
    table: CellTable,
    parts: PartCells,
    solid: npt.NDArray[np.bool_],
    merges: Ranking,
    min_voxels: int,
) -> Clicks:
    """Return points in the largest fragments of both sides of each false merge.

    A side gets a point in each of its `MAX_POINTS` largest pieces (a piece is a cell: what it
    shares with one fragment) of at least `min_voxels` that are `solid`, or else in its largest
    piece, one that is solid if any is. A fragment
    chosen on one side that has such a piece on the other side too gets a point there as well:
    it has to be cut itself.
    """
    position, facing = _contact_voxels(table, parts, merges)
    sides = np.stack([merges.red, merges.blue], axis=1).ravel()  # red and blue take turns
    lengths = parts.first_cell[sides + 1] - parts.first_cell[sides]
    cell = parts.cells[ranges(parts.first_cell[sides], lengths)]
    side = np.repeat(np.arange(len(sides)), lengths)
    voxels = table.cells.voxels[cell]
    order = np.lexsort((cell, -voxels, ~solid[cell], side))
    cell, side, voxels = cell[order], side[order], voxels[order]
    place = np.arange(len(side)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    sizable = (voxels >= min_voxels) & solid[cell]
    chosen = (place == 0) | (sizable & (place < MAX_POINTS))
    chosen |= sizable & _chosen_anywhere(side // 2, table.cells.fragment[cell], chosen)
    points = tuples(table.cells.point[cell[chosen]])
    ends = np.searchsorted(side[chosen], np.arange(len(sides) + 1)).tolist()
    lists = [tuple(points[a:b]) for a, b in itertools.pairwise(ends)]
    return Clicks(position, facing, lists[::2], lists[1::2])


def _chosen_anywhere(
    mistake: Ints, fragment: npt.NDArray[np.uint32], chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Tell which pieces belong to a fragment that has a chosen piece in the same mistake."""
    order = np.lexsort((fragment, mistake))
    first = group_starts(mistake[order], fragment[order])
    if not len(first):
        return chosen
    lengths = np.diff(first, append=len(order))
    spread = np.empty_like(chosen)
    spread[order] = np.repeat(np.logical_or.reduceat(chosen[order], first), lengths)
    return spread


def _contact_voxels(table: CellTable, parts: PartCells, rows: Ranking) -> tuple[Ints, Ints]:
    """Return the voxels on the red and on the other side of the contact of each mistake."""
    cells, contacts = table.cells, table.contacts
    touches = rows.contact >= 0
    touch, apart = np.flatnonzero(touches), np.flatnonzero(~touches)
    position = np.zeros((len(rows), 3), np.int64)
    position[apart] = cells.point[_largest_cells(table, parts, rows.red[apart])]
    facing = position.copy()
    contact = rows.contact[touch]
    straight = parts.of_cell[contacts.cell_a[contact]] == rows.red[touch]
    near, far = contacts.point[contact], contacts.facing[contact]
    position[touch] = np.where(straight[:, None], near, far)
    facing[touch] = np.where(straight[:, None], far, near)
    return position, facing


def _largest_cells(table: CellTable, parts: PartCells, rows: Ints) -> Ints:
    """Return the largest cell of each of some parts."""
    lengths = parts.first_cell[rows + 1] - parts.first_cell[rows]
    cell = parts.cells[ranges(parts.first_cell[rows], lengths)]
    row = np.repeat(np.arange(len(rows)), lengths)
    order = np.lexsort((cell, -table.cells.voxels[cell], row))
    return cell[order[group_starts(row[order])]]


def _singles(points: Ints) -> list[tuple[Zyx, ...]]:
    return [(point,) for point in tuples(points)]


def tuples(points: npt.NDArray[Any]) -> list[tuple[Any, Any, Any]]:
    """Return points (z, y, x), shape (n, 3), as tuples of Python's own numbers."""
    return list(zip(*points.T.tolist(), strict=True))
