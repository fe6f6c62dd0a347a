"""The list of mistakes, kept up to date from the segments that an edit concerns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, group_starts
from napari_axonem.evaluation.mistakes import Evidence, Mistake, describe, smaller_parts
from napari_axonem.evaluation.parts import PartCells, Parts, group_parts, part_key
from napari_axonem.evaluation.ranking import (
    LEAST_GAIN,
    Meetings,
    Ranking,
    false_merges,
    false_splits,
    touching_parts,
)
from napari_axonem.evaluation.standing.index import CellIndex, ContactIndex
from napari_axonem.evaluation.standing.lists import Lists
from napari_axonem.evaluation.standing.rows import CutRows, RankedRows, Rows, rows_of, stacked
from napari_axonem.evaluation.standing.tally import Tally
from napari_axonem.evaluation.tables import U32, Cells, CellTable, Contacts, Points
from napari_axonem.evaluation.thickness import solid_cells, thin_parts
from napari_axonem.geometry import Grid

REMEMBERED = 1 << 13
"""Descriptions of mistakes that are kept."""

NONE = np.zeros(0, np.int64)


class Listing:
    """All mistakes of some segments, however small.

    Parameters
    ----------
    table
        Cells and contacts of fragments and truth.
    segment
        Segment of each fragment, uint32, shape (fragments + 1,).
    grid
        The grid of the volume.
    tally
        The parts of the segments; it moves first when they change.
    """

    def __init__(self, table: CellTable, segment: U32, grid: Grid, tally: Tally) -> None:
        self._grid, self._tally = grid, tally
        self._take(table, segment)
        order = np.argsort(segment, kind="stable")
        first = group_starts(segment[order])
        self._members = Lists(
            int(segment.max(initial=0)) + 1, (segment[order[first]].astype(np.int64), first), order
        )
        self._renewals = 0
        self._described: dict[tuple[int, ...], Mistake] = {}
        parts, cells = group_parts(table, segment)
        meetings = Meetings.of_table(cells.of_cell, table.contacts)
        splits = false_splits(parts, touching_parts(parts, meetings))
        cuts = self._rows(parts, false_merges(parts, meetings), np.arange(len(table.cells)))
        self._cuts = CutRows(cuts, int(segment.max(initial=0)) + 1)
        self._ranked = RankedRows(stacked([self._rows(parts, splits), cuts]))

    def renew(self, segments: Ints, segment: U32, added: Ints) -> None:
        """Follow a change.

        Parameters
        ----------
        segments
            All segments that gained or lost a fragment, or whose cells changed; ascending.
        segment
            The segment of each fragment now.
        added
            Fragments that are new.
        """
        self._segment = segment
        self._renewals += 1
        members = np.append(self._members.take(segments)[0], added)
        members = members[np.argsort(part_key(segment[members], members))]
        names = segment[members].astype(np.int64)
        first = group_starts(names)
        own = names[first]
        lengths = np.zeros(len(segments), np.int64)
        lengths[np.searchsorted(segments, own)] = np.diff(first, append=len(members))
        self._members.put(segments, lengths, members)
        own_parts = self._tally.parts(own)
        merges = false_merges(own_parts, self._strangers(own_parts, members))
        near, splits = self._splits(own, members)
        cuts = self._rows(own_parts, merges, self._cells.of(members))
        self._cuts.replace(segments, cuts)
        rows = stacked([cuts, self._rows(near, splits)])
        self._ranked.replace(segments, rows, self._renewals)

    def retable(self, table: CellTable, segment: U32, fragments: npt.NDArray[np.int64]) -> None:
        """Take a table in which some fragments have other cells and contacts.

        Parameters
        ----------
        fragments
            Those fragments, new ones included. Their segments are to be renewed.
        """
        old = np.flatnonzero(~_of_fragments(self._table, fragments))
        new = np.flatnonzero(~_of_fragments(table, fragments))
        contacts = np.full(len(self._table.contacts), -1)
        contacts[old] = new  # what stays is in the same order
        self._ranked.renumber(contacts)
        self._cuts.renumber(contacts)
        self._take(table, segment)

    def count(self, wanted: Callable[[Rows], npt.NDArray[np.bool_]]) -> int:
        """Return how many mistakes are `wanted`."""
        return self._ranked.count(wanted)

    def all(self, wanted: Callable[[Rows], npt.NDArray[np.bool_]]) -> Rows:
        """Return all mistakes that are `wanted`, in no order."""
        return self._ranked.all(wanted)

    def first(self, wanted: Callable[[Rows], npt.NDArray[np.bool_]], limit: int | None) -> Rows:
        """Return the worst mistakes that are `wanted`, at most `limit`."""
        return self._ranked.first(wanted, limit)

    def cuts(self, segments: Ints) -> Rows:
        """Return all false merges of some segments, ascending and different, worst first."""
        return self._cuts.of(segments).in_order()

    def described(self, rows: Rows, min_voxels: int) -> list[Mistake]:
        """Return mistakes with their places and points.

        Parameters
        ----------
        min_voxels
            As in `napari_axonem.evaluation.mistakes.describe`.
        """
        ids = (rows.merge, rows.red, rows.red_truth, rows.blue, rows.born)
        keys = [(*key, min_voxels) for key in zip(*(c.tolist() for c in ids), strict=True)]
        unknown = [place for place, key in enumerate(keys) if key not in self._described]
        if len(self._described) + len(unknown) > REMEMBERED + len(keys):
            self._described = {k: self._described[k] for k in keys if k in self._described}
        fresh = self._describe(rows.take(np.array(unknown, np.int64)), min_voxels)
        self._described |= {keys[n]: mistake for n, mistake in zip(unknown, fresh, strict=True)}
        return [self._described[key] for key in keys]

    def _take(self, table: CellTable, segment: U32) -> None:
        self._table, self._segment = table, segment
        self._cells = CellIndex(table.cells, len(segment))
        self._contacts = ContactIndex(table, len(segment))
        self._solid = solid_cells(table.cells, self._grid.voxel_size)

    def _splits(self, own: Ints, members: Ints) -> tuple[Parts, Ranking]:
        """Return the false splits of segments, and the parts of these and their neighbours."""
        rows = self._contacts.between(members, self._segment)
        one, other = self._ends(rows)
        near = self._tally.parts(np.unique(np.concatenate([own, one[0], other[0]])))
        meetings = self._meetings(near, rows)
        return near, false_splits(near, touching_parts(near, meetings))

    def _strangers(self, parts: Parts, members: Ints) -> Meetings:
        """Return where the true objects of segments meet inside of them."""
        return self._meetings(parts, self._contacts.within(members, self._segment))

    def _meetings(self, parts: Parts, rows: Ints) -> Meetings:
        one, other = (parts.find(*end) for end in self._ends(rows))
        return Meetings(one, other, self._table.contacts.area[rows], rows)

    def _ends(self, rows: Ints) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
        """Return segment and true object on both sides of contacts."""
        contacts = self._table.contacts
        return self._parts_of(contacts.cell_a[rows]), self._parts_of(contacts.cell_b[rows])

    def _parts_of(self, cells: Ints) -> tuple[Ints, Ints]:
        of = self._table.cells
        return self._segment[of.fragment[cells]].astype(np.int64), of.truth[cells].astype(np.int64)

    def _rows(self, parts: Parts, ranking: Ranking, cells: Ints = NONE) -> Rows:
        """Return mistakes in terms of parts as rows.

        `cells` are all those of the segments of false merges.
        """
        ranking = ranking.take(ranking.gain > LEAST_GAIN * self._tally.known_voxels)
        contacts = self._table.contacts
        touch = ranking.contact >= 0
        row = ranking.contact[touch]
        area = np.zeros(len(ranking), np.int64)
        area[touch] = contacts.area[row]
        position = np.zeros((len(ranking), 3), np.int32)
        straight = parts.find(*self._parts_of(contacts.cell_a[row])) == ranking.red[touch]
        position[touch] = np.where(straight[:, None], contacts.point[row], contacts.facing[row])
        red = part_key(parts.segment[ranking.red], parts.truth[ranking.red])[~touch]
        position[~touch] = self._deep_points(red, cells)
        thin = ranking.merge & self._thin(parts, cells)[ranking.red]
        return rows_of(parts, ranking, (area, position), thin, self._renewals)

    def _thin(self, parts: Parts, cells: Ints) -> npt.NDArray[np.bool_]:
        """Tell which parts are thin; those whose cells are not given are not asked about."""
        of_cell = parts.find(*self._parts_of(cells))
        return thin_parts(of_cell, self._table.cells.voxels[cells], self._solid[cells], len(parts))

    def _deep_points(self, wanted: npt.NDArray[np.uint64], cells: Ints) -> Points:
        """Return a voxel in the largest cell of each of some parts, given by their keys."""
        if not len(wanted):
            return np.empty((0, 3), np.int32)
        key = part_key(*self._parts_of(cells))
        inside = np.isin(key, wanted)
        key, cells = key[inside], cells[inside]
        order = np.lexsort((cells, -self._table.cells.voxels[cells], key))
        points: Points = self._table.cells.point[cells[order[np.searchsorted(key[order], wanted)]]]
        return points

    def _describe(self, rows: Rows, min_voxels: int) -> list[Mistake]:
        """Return the mistakes of some rows, from the cells of their segments."""
        if not len(rows):
            return []
        segments = np.unique(np.concatenate([rows.red, rows.blue])).astype(np.int64)
        parts = self._tally.parts(segments)
        ranking = Ranking(
            rows.merge,
            parts.find(rows.red, rows.red_truth),
            parts.find(rows.blue, rows.blue_truth),
            rows.contact,
            rows.size,
            rows.gain,
        )
        contacts = np.unique(
            np.concatenate([rows.contact[rows.contact >= 0], self._contacts_of_pairs(rows)])
        )
        needed = np.unique(parts.segment[smaller_parts(parts, ranking)])
        table, solid = self._cut_out(needed, contacts)
        of_cell = parts.find(self._segment[table.cells.fragment], table.cells.truth)
        cells = PartCells.of(of_cell, len(parts))
        touching = touching_parts(parts, Meetings.of_table(of_cell, table.contacts))
        place = np.where(rows.contact >= 0, np.searchsorted(contacts, rows.contact), -1)
        evidence = Evidence(table, parts, cells, touching, solid, rows.thin)
        known = self._tally.known_voxels
        return describe(evidence, replace(ranking, contact=place), self._grid, known, min_voxels)

    def _contacts_of_pairs(self, rows: Rows) -> Ints:
        """Return the contacts between the two segments of each false split."""
        pairs = np.stack([rows.red, rows.blue])[:, ~rows.merge].astype(np.int64)
        sizes = np.stack([self._members.lengths(side) for side in pairs])
        few = np.unique(np.where(sizes[0] <= sizes[1], *pairs))
        found = self._contacts.between(self._members.take(few)[0], self._segment)
        one, other = (end[0] for end in self._ends(found))
        wanted = part_key(*pairs)
        chosen: Ints = found[
            np.isin(part_key(np.minimum(one, other), np.maximum(one, other)), wanted)
        ]
        return chosen

    def _cut_out(self, segments: Ints, contacts: Ints) -> tuple[CellTable, npt.NDArray[np.bool_]]:
        """Return the cells of some segments and some contacts, and which cells are solid."""
        table = self._table
        a, b = table.contacts.cell_a[contacts], table.contacts.cell_b[contacts]
        own = self._cells.of(self._members.take(segments)[0])
        chosen = np.unique(np.concatenate([own, a, b]))
        columns = [getattr(table.contacts, f.name)[contacts] for f in fields(Contacts)[2:]]
        found = CellTable(
            Cells(*(getattr(table.cells, f.name)[chosen] for f in fields(Cells))),
            Contacts(np.searchsorted(chosen, a), np.searchsorted(chosen, b), *columns),
        )
        return found, self._solid[chosen]


def _of_fragments(table: CellTable, fragments: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell which contacts some fragments have."""
    concerned = np.isin(table.cells.fragment, fragments)
    found: npt.NDArray[np.bool_] = (
        concerned[table.contacts.cell_a] | concerned[table.contacts.cell_b]
    )
    return found
