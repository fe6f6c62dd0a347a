"""The list of false splits and false merges, worst first, with where to click.

A mistake is worth what its repair gains: the exact fall of total variation of information when
the two segments are joined, or the one part is cut off, and nothing else is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.clicks import Clicks, cut_clicks, join_clicks, tuples
from napari_axonem.evaluation.grouping import Ints, ranges
from napari_axonem.evaluation.parts import (
    PartCells,
    Parts,
    cell_segments,
    group_parts,
)
from napari_axonem.evaluation.ranking import (
    LEAST_GAIN,
    Meetings,
    Ranking,
    Touching,
    false_merges,
    false_splits,
    rank,
    touching_parts,
)
from napari_axonem.evaluation.tables import CellTable
from napari_axonem.evaluation.thickness import solid_cells, thin_parts
from napari_axonem.geometry import Box, Grid, Nm, Zyx

MIN_VOXELS = 100
"""Mistakes of fewer voxels are left out unless told otherwise.

On the labelled FIB-25 block such slivers, from outlines that differ by a voxel, are more than
half of the rows and less than a tenth of the gain.
"""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One false split or false merge, and what would repair it."""

    kind: Literal["false_split", "false_merge"]

    segments: tuple[int, ...]
    """The two segments to join, in ascending order; or the one to cut."""

    truth: tuple[int, ...]
    """False split: the true objects in which the segments touch, largest overlap first (the
    overlap is the smaller of both segments'). False merge: the object to cut off, and the one
    to cut it from."""

    position_nm: Nm
    """Centre (z, y, x) in nm of a voxel on the contact, on the red side."""

    size_voxels: int
    """Voxels of the smaller side in `truth[0]`; of a false merge, of the part to cut off."""

    gain_voi: float
    """Fall of total VOI by the repair, in bits, positive."""

    box: Box
    """Voxels that hold the smaller side and the contact."""

    red: tuple[Zyx, ...]
    """Voxels (z, y, x) to click on one side: of the first segment at the contact; or in the
    part to cut off, largest fragments first."""

    blue: tuple[Zyx, ...]
    """Voxels (z, y, x) to click on the other side: of the second segment at the contact; or in
    the true object that the part is cut from. A fragment that lies on both sides has a point in
    both lists."""

    thin: bool = False
    """Of a false merge, that what is to be cut off is mostly thin layers in fragments of other
    objects (`napari_axonem.evaluation.thickness`): an outline that is off a little."""


def find_mistakes(
    table: CellTable,
    segment_of_fragment: npt.ArrayLike | None,
    grid: Grid,
    *,
    min_voxels: int = MIN_VOXELS,
    segments: npt.ArrayLike | None = None,
    limit: int | None = None,
    known_voxels: int | None = None,
) -> list[Mistake]:
    """List what is wrong with segments that are given as sets of fragments, worst first.

    Parameters
    ----------
    table
        Cells and contacts of fragments and truth.
    segment_of_fragment
        Segment of each fragment id, uint32, shape (largest id + 1,), 0 for 0; where it is
        None each fragment is a segment.
    grid
        The grid of the volume.
    min_voxels
        Mistakes whose smaller side has fewer voxels are left out.
    segments
        Only mistakes that one of these segments is part of; all where it is None. After an
        edit, those of the segments that it made and those that touch them are all that changed.
    limit
        Describe at most so many, the worst.
    known_voxels
        Voxels with truth in the whole volume, where `table` holds only a part of its cells:
        all those of `segments` and of the segments that touch them.

    Returns
    -------
    Mistakes in the order of falling gain, thin ones behind all others; equal ones by segment and
    true object, so that the list depends on nothing but the arguments.

    Raises
    ------
    AxonemError
        The segments do not fit the table.
    """
    if known_voxels is None:
        known_voxels = int(table.cells.voxels[table.cells.truth > 0].sum())
    if segments is not None:
        table = _with_neighbours(table, segment_of_fragment, np.asarray(segments))
    least = max(1, min_voxels)
    parts, cells = group_parts(table, segment_of_fragment)
    meetings = Meetings.of_table(cells.of_cell, table.contacts)
    touching = touching_parts(parts, meetings)
    splits, merges = false_splits(parts, touching, least), false_merges(parts, meetings, least)
    solid = solid_cells(table.cells, grid.voxel_size)
    thin = thin_parts(cells.of_cell, table.cells.voxels, solid, len(parts))
    ranking = rank(parts, splits, merges, LEAST_GAIN * known_voxels, thin)
    if segments is not None:
        wanted = np.isin(parts.segment, np.asarray(segments))
        ranking = ranking.take(wanted[ranking.red] | wanted[ranking.blue])
    worst = ranking.take(np.arange(len(ranking))[:limit])
    evidence = Evidence(table, parts, cells, touching, solid, worst.merge & thin[worst.red])
    return describe(evidence, worst, grid, known_voxels, least)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What mistakes are described from.

    `parts` are complete for the segments that the mistakes are of, and `touching` for the pairs
    of them. Cells are needed of the contacts, of the smaller side of false splits, and of both
    sides of false merges.
    """

    table: CellTable
    parts: Parts
    cells: PartCells
    touching: Touching

    solid: npt.NDArray[np.bool_]
    """Which cells can be cut out of their fragments, shape (n,)."""

    thin: npt.NDArray[np.bool_]
    """Which mistakes are thin, shape (k,)."""


def describe(
    evidence: Evidence, rows: Ranking, grid: Grid, known_voxels: int, min_voxels: int
) -> list[Mistake]:
    """Return ranked mistakes with their places and points, in their order.

    Parameters
    ----------
    rows
        Mistakes in terms of `evidence`.
    known_voxels
        Voxels with truth in the whole volume.
    min_voxels
        Pieces of at least so many voxels get a point.
    """
    parts = evidence.parts
    clicks = _clicks(evidence, rows, min_voxels)
    columns = (
        rows.merge.tolist(),
        _segments(parts, rows),
        _objects(parts, rows, evidence.touching),
        tuples(grid.to_nm(clicks.position)),
        rows.size.tolist(),
        (rows.gain / max(1, known_voxels)).tolist(),
        _boxes(evidence, rows, clicks),
        clicks.red,
        clicks.blue,
        evidence.thin.tolist(),
    )
    return [
        Mistake("false_merge" if merge else "false_split", *rest)
        for merge, *rest in zip(*columns, strict=True)
    ]


def _with_neighbours(
    table: CellTable, segment_of_fragment: npt.ArrayLike | None, segments: npt.NDArray[Any]
) -> CellTable:
    """Return the cells of `segments` and of all segments that touch them."""
    segment = cell_segments(table.cells.fragment, segment_of_fragment)
    chosen = np.isin(segment, segments)
    a, b = table.contacts.cell_a, table.contacts.cell_b
    touched = np.concatenate([segment[b[chosen[a]]], segment[a[chosen[b]]]])
    return table.restrict(chosen | np.isin(segment, touched))


def _clicks(evidence: Evidence, ranking: Ranking, min_voxels: int) -> Clicks:
    """Return the points of all rows, in their order."""
    table, cells = evidence.table, evidence.cells
    splits, merges = np.flatnonzero(~ranking.merge), np.flatnonzero(ranking.merge)
    joins = join_clicks(table, cells, ranking.take(splits))
    cuts = cut_clicks(table, cells, evidence.solid, ranking.take(merges), min_voxels)
    place = np.argsort(np.concatenate([splits, merges]))
    red, blue = joins.red + cuts.red, joins.blue + cuts.blue
    return Clicks(
        np.concatenate([joins.position, cuts.position])[place],
        np.concatenate([joins.facing, cuts.facing])[place],
        [red[i] for i in place.tolist()],
        [blue[i] for i in place.tolist()],
    )


def _segments(parts: Parts, ranking: Ranking) -> list[tuple[int, ...]]:
    """Return the two segments of each false split, the one of each false merge."""
    red, blue = parts.segment[ranking.red].tolist(), parts.segment[ranking.blue].tolist()
    return [
        (a,) if merge else (a, b)
        for merge, a, b in zip(ranking.merge.tolist(), red, blue, strict=True)
    ]


def _objects(parts: Parts, ranking: Ranking, touching: Touching) -> list[tuple[int, ...]]:
    """Return the true objects of each mistake as `Mistake.truth` has them."""
    order, first = touching.worst_first(parts)
    low, high = touching.low[order], touching.high[order]
    pair = parts.of_segment * np.int64(len(parts) + 1)
    key = pair[low[first]] + parts.of_segment[high[first]]
    group = np.searchsorted(key, pair[ranking.red] + parts.of_segment[ranking.blue])
    bounds = np.append(first, len(order))
    begin, end = bounds[np.minimum(group, len(first))], bounds[np.minimum(group + 1, len(first))]
    shared = parts.truth[low].tolist()
    cut, left = parts.truth[ranking.red].tolist(), parts.truth[ranking.blue].tolist()
    return [
        (cut[row], left[row]) if merge else tuple(shared[a:b])
        for row, (merge, a, b) in enumerate(
            zip(ranking.merge.tolist(), begin.tolist(), end.tolist(), strict=True)
        )
    ]


def smaller_parts(parts: Parts, ranking: Ranking) -> Ints:
    """Return the smaller part of each false split, the part to cut off of each false merge."""
    swap = ~ranking.merge & (parts.voxels[ranking.blue] < parts.voxels[ranking.red])
    smaller: Ints = np.where(swap, ranking.blue, ranking.red)
    return smaller


def _boxes(evidence: Evidence, ranking: Ranking, clicks: Clicks) -> list[Box]:
    """Return boxes that hold the smaller side and the contact."""
    if not len(ranking):
        return []
    table, parts, cells = evidence.table, evidence.parts, evidence.cells
    smaller = smaller_parts(parts, ranking)
    lengths = cells.first_cell[smaller + 1] - cells.first_cell[smaller]
    first = np.cumsum(lengths) - lengths
    members = cells.cells[ranges(cells.first_cell[smaller], lengths)]
    start = np.minimum.reduceat(table.cells.start[members], first, axis=0)
    stop = np.maximum.reduceat(table.cells.stop[members], first, axis=0)
    start = np.minimum(start, np.minimum(clicks.position, clicks.facing))
    stop = np.maximum(stop, np.maximum(clicks.position, clicks.facing) + 1)
    return list(map(Box, tuples(start), tuples(stop)))
