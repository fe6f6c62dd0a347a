"""Which true objects, segments and skeletons are worst, and where that is best seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ids, Ints
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.overlaps import OverlapTable
from napari_axonem.evaluation.report.findings import RunFindings
from napari_axonem.evaluation.report.histogram import Runs
from napari_axonem.evaluation.skeletons.skeletons import Floats
from napari_axonem.evaluation.tables import CellTable
from napari_axonem.geometry import Grid, Zyx, zyx


@dataclass(frozen=True, slots=True)
class Worst:
    """An object or a segment, and what it adds to a score."""

    id: int
    """Id of the true object or the segment."""

    term: float
    """What it adds to variation of information, in bits."""

    voxels: int
    """Its voxels, with truth."""

    others: tuple[int, ...]
    """What it is divided into, or made of: segments or true objects, largest overlap first;
    segment 0 is left out."""

    place: Zyx | None
    """A voxel where it is seen, None where no place is known."""


@dataclass(frozen=True, slots=True)
class WorstSkeleton:
    """A skeleton and what it takes from expected run length."""

    place: int
    """Place among the skeletons."""

    loss_nm: float
    """By how much expected run length would grow if it were followed without an error, nm."""

    cause: str
    """Which error takes most: ``merged``, ``split`` or ``omitted``."""

    voxel: Zyx
    """A voxel where that is seen; it may lie outside of the volume."""

    segments: tuple[int, ...]
    """The segments there."""


def worst_objects(
    table: OverlapTable,
    ids: Ids,
    terms: Floats,
    cells: CellTable | None,
    mistakes: list[Mistake],
    *,
    of_truth: bool,
    limit: int,
) -> list[Worst]:
    """Return the true objects, or the segments, with the largest terms of VOI.

    Parameters
    ----------
    ids, terms
        As `napari_axonem.evaluation.scores.voi_terms` gives them.
    cells
        Where pieces lie, if known.
    mistakes
        What is wrong, worst first; the place is that of the first one that concerns the object.
    of_truth
        Whether these are true objects.
    """
    order = np.lexsort((ids, -terms))[:limit]
    order = order[terms[order] > 0]
    kind = "false_split" if of_truth else "false_merge"
    found = []
    for place in order.tolist():
        id_ = int(ids[place])
        own, other = (table.truth, table.segment) if of_truth else (table.segment, table.truth)
        rows = np.flatnonzero((own == id_) & (table.truth != 0))
        rows = rows[np.argsort(-table.voxels[rows], kind="stable")]
        others = tuple(int(n) for n in other[rows].tolist() if n)
        concerned = (m for m in mistakes if m.kind == kind and _concerns(m, id_, of_truth))
        mistake = next(concerned, None)
        voxel = _second_cell(cells, id_, of_truth) if mistake is None else _voxel_of(mistake)
        size = int(table.voxels[rows].sum())
        found.append(Worst(id_, float(terms[place]), size, others, voxel))
    return found


def worst_skeletons(found: RunFindings, runs: Runs, grid: Grid, limit: int) -> list[WorstSkeleton]:
    """Return the skeletons that take most from expected run length.

    Those without an error are left out, whatever rounding, or a length in a file that is not the
    sum of its edges, makes of them.
    """
    scores = found.erl.per_skeleton
    losses = scores.length * (scores.length - scores.erl) / scores.length.sum()
    order = np.lexsort((np.arange(len(losses)), -losses))[:limit]
    found_all = (_described(found, runs, grid, s, float(losses[s])) for s in order.tolist())
    return [one for one in found_all if one is not None]


def _described(
    found: RunFindings, runs: Runs, grid: Grid, skeleton: int, loss: float
) -> WorstSkeleton | None:
    skeletons, scores = found.skeletons, found.erl.per_skeleton
    begin, end = (int(p) for p in skeletons.edge_pointer[skeleton : skeleton + 2])
    edges = skeletons.edges[begin:end]
    u, v = found.node_segment[edges].T
    errors = {
        "merged": (u == v) & (u != 0) & np.isin(u, found.erl.merging_segments),
        "omitted": (u == 0) | (v == 0),
        "split": (u != v) & (u != 0) & (v != 0),
    }
    # a split costs more than its edge: it ends two runs, whatever else is lost
    lost = {"merged": scores.merged[skeleton], "omitted": scores.omitted[skeleton]}
    lost["split"] = scores.correct[skeleton] - scores.erl[skeleton]
    causes = [name for name in lost if errors[name].any() and lost[name] > 0]
    if not causes:
        return None
    cause = max(causes, key=lambda name: lost[name])
    at = np.flatnonzero(errors[cause])
    edge = at[len(at) // 2]
    if cause == "split":
        edge = at[_between_longest(runs, skeleton, u[at], v[at])]
    voxel = zyx(grid.to_voxel(skeletons.positions[edges[edge, 0]]))
    segments = tuple(sorted({int(u[edge]), int(v[edge])} - {0}))
    return WorstSkeleton(skeleton, loss, cause, voxel, segments)


def _between_longest(runs: Runs, skeleton: int, u: Ids, v: Ids) -> int:
    """Return which of some split edges has the longest runs on both sides."""
    mine = runs.skeleton == skeleton
    length = dict(zip(runs.segment[mine].tolist(), runs.length[mine].tolist(), strict=True))
    pairs = zip(u.tolist(), v.tolist(), strict=True)
    shorter = [min(length.get(a, 0.0), length.get(b, 0.0)) for a, b in pairs]
    return int(np.argmax(shorter))


def _concerns(mistake: Mistake, id_: int, of_truth: bool) -> bool:
    return id_ == mistake.truth[0] if of_truth else id_ in mistake.segments


def _voxel_of(mistake: Mistake) -> Zyx | None:
    """Return the first point of a mistake's red side, which is beside the contact."""
    return mistake.red[0] if mistake.red else None


def _second_cell(cells: CellTable | None, id_: int, of_truth: bool) -> Zyx | None:
    """Return a voxel deep in the second largest cell of an object, or in its largest."""
    if cells is None:
        return None
    own: npt.NDArray[np.uint32] = cells.cells.truth if of_truth else cells.cells.fragment
    rows: Ints = np.flatnonzero((own == id_) & (cells.cells.truth > 0))
    if not len(rows):
        return None
    rows = rows[np.argsort(-cells.cells.voxels[rows], kind="stable")]
    return zyx(cells.cells.point[rows[min(1, len(rows) - 1)]])
