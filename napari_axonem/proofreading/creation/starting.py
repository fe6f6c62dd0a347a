"""The graph that a project begins with: which edges are on, and the segments that result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.evaluation.edges import FragmentEdges
from napari_axonem.evaluation.overlaps import OverlapTable
from napari_axonem.evaluation.tables import Cells
from napari_axonem.proofreading.tables.edges import Edges, Ids, Index
from napari_axonem.proofreading.tables.edgestore import Incidence
from napari_axonem.proofreading.tables.graph import FragmentGraph

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a project begins with."""

    on: Bools
    """Whether each contact is on."""

    strays: Edges
    """Edges without a contact that hold the pieces of imported objects together."""

    segment: Ids
    """The segment of each fragment, shape (fragments + 1,)."""

    incidence: Incidence
    """Where the edges of each fragment are."""


def segment_of_fragments(overlaps: OverlapTable, count: int) -> npt.NDArray[np.uint64]:
    """Return the segment that holds most voxels of each fragment, shape (fragments + 1,).

    Parameters
    ----------
    overlaps
        Voxels that fragments share with segments.
    count
        Number of fragments and one.
    """
    order = np.lexsort((overlaps.voxels, overlaps.segment))
    group = np.zeros(count, dtype=np.uint64)
    group[overlaps.segment[order].astype(np.int64)] = overlaps.truth[order]
    group[0] = 0
    return group


def within_groups(found: FragmentEdges, group: npt.NDArray[np.uint64]) -> Bools:
    """Return which contacts lie within one group of fragments; group 0 is none."""
    low, high = group[found.u], group[found.v]
    inside: Bools = (low == high) & (low != 0)
    return inside


def read_scores(
    path: Path, found: FragmentEdges, fragment_ids: npt.NDArray[np.uint64]
) -> npt.NDArray[np.float32]:
    """Return the score of each contact in the merge tree of an agglomeration, nan where none.

    Parameters
    ----------
    path
        An npz with columns ``u``, ``v``, ids of fragments as in their volume, and ``score``.
    fragment_ids
        The id that each fragment was imported with.

    Raises
    ------
    VolumeError
        It cannot be read, or its columns differ in length.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            ends = [stored[name].astype(np.uint64) for name in ("u", "v")]
            score = stored["score"].astype(np.float32)
        rows, score = np.stack(ends, axis=1), score.reshape(len(ends[0]))
    except (OSError, KeyError, ValueError) as error:
        raise VolumeError(
            f"no merge tree can be read ({error})",
            where=path,
            remedy="give an npz with columns u, v and score",
        ) from error
    place = np.minimum(np.searchsorted(fragment_ids, rows), len(fragment_ids) - 1)
    known = (fragment_ids[place] == rows).all(axis=1)
    pairs, score = np.sort(place[known], axis=1), score[known]
    key = pairs[:, 0] << 32 | pairs[:, 1]
    order = np.argsort(key)
    key, score = key[order], score[order]
    wanted = found.u.astype(np.int64) << 32 | found.v
    if not len(key):
        return np.full(len(wanted), np.nan, np.float32)
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[at] == wanted, score[at], np.nan).astype(np.float32)


def started(
    found: FragmentEdges, on: Bools, group: npt.NDArray[np.uint64], cells: Cells, rank: Index
) -> Start:
    """Return the graph in which some contacts are on.

    Where a group of fragments does not hang together by contacts, edges without a contact
    join its parts.
    """
    edges = Edges.of_contacts(found, on)
    incidence = Incidence.of(edges, len(rank))
    graph = FragmentGraph(edges, rank, incidence=incidence)
    strays = _strays(graph.segment, cells, group)
    graph.add_edges(strays)
    joined = np.column_stack([strays.u, strays.v, np.ones(len(strays))]).astype(np.int64)
    strays_off = graph.edges.late.on
    strays_off[:] = False  # so that switching them on joins what they hold together
    graph.apply(joined)
    return Start(on, strays, graph.segment.copy(), incidence)


def _strays(segment: Ids, cells: Cells, group: npt.NDArray[np.uint64]) -> Edges:
    """Return edges that chain the separate segments of each group together."""
    names = np.unique(segment[1:][group[1:] != 0]).astype(np.int64)
    names = names[np.argsort(group[names], kind="stable")]
    chained = group[names[:-1]] == group[names[1:]]
    low, high = np.sort(np.stack([names[:-1][chained], names[1:][chained]]), axis=0)
    point, facing = (
        cells.point[np.searchsorted(cells.fragment, side)].astype(np.int32).reshape(-1, 3)
        for side in (low, high)
    )
    return Edges(
        low.astype(np.uint32),
        high.astype(np.uint32),
        np.zeros(len(low), np.int64),
        np.full(len(low), np.nan, np.float32),
        point,
        facing,
        np.ones(len(low), np.bool_),
    )
