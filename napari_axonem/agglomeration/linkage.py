"""Hierarchical agglomeration of a graph of fragments by mean affinity.

The two segments with the highest mean affinity over all their contacts are joined, again and
again (Funke et al., "Large scale image segmentation with structured loss based deep learning for
connectome reconstruction", 2019; average linkage over contacts). The mean between a joined pair
and a third segment never exceeds both of the means before, so pairs that are each other's best
can be joined at once, whatever else is joined before: the tree is that of one merge after another
(Bruynooghe, 1978). So most merges are made in rounds over whole arrays, and only what a few large
segments gather one by one is left to a queue (`onebyone`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.agglomeration.contacts import Contacts, Merges
from napari_axonem.agglomeration.mergetree import Index, MergeTree
from napari_axonem.agglomeration.onebyone import merge_one_by_one

UNIT = 1 << 24
"""Affinity 1 as an integer: sums of them are exact, in whatever order they are added."""

WORTH = 0.003
"""A round that would join fewer contacts than this part of all is left to the queue."""

LOWEST = 0.05
"""Segments whose mean affinity is less are never joined."""


def merge_scores(
    u: npt.ArrayLike,
    v: npt.ArrayLike,
    area: npt.ArrayLike,
    affinity: npt.ArrayLike,
    fragments: int,
    lowest: float = LOWEST,
) -> MergeTree:
    """Compute at which score the fragments of a graph join.

    Parameters
    ----------
    u, v
        The two fragments of each edge, 1..n, every pair at most once, shape (m,).
    area
        Faces that they share; an edge of area 0 joins nothing.
    affinity
        Mean affinity over those faces, 0 to 1; an edge of nan joins nothing.
    fragments
        Number of fragments.
    lowest
        Where to stop.

    Returns
    -------
    The merges and the score of every edge. Ties are broken by the order of the edges and of the
    segments, so that equal tables give equal trees.
    """
    ends = np.asarray(u, np.int64), np.asarray(v, np.int64)
    faces, mean = np.asarray(area, np.int64), np.asarray(affinity, np.float64)
    edge_score = np.full(len(faces), -1.0)
    rows = np.flatnonzero((faces > 0) & np.isfinite(mean))
    now = Contacts(
        np.minimum(*ends)[rows],
        np.maximum(*ends)[rows],
        faces[rows],
        np.rint(mean[rows] * UNIT).astype(np.int64) * faces[rows],
        rows,
    )
    contact, edge = np.arange(len(rows)), rows  # where each edge of the graph went
    merges: list[Merges] = []
    while True:
        score = now.total / now.area / UNIT
        joins = _best_of_both(now, score, fragments + 1) & (score >= lowest)
        if joins.sum() <= WORTH * len(now):
            break
        merges.append((now.stands[joins], score[joins]))
        inside = joins[contact]
        edge_score[edge[inside]] = score[contact[inside]]
        now, went = _contracted(now, joins, fragments + 1)
        contact = went[contact]
        edge, contact = edge[contact >= 0], contact[contact >= 0]
    rest, joined_at = merge_one_by_one(now, fragments + 1, UNIT, lowest)
    edge_score[edge] = joined_at[contact]
    return _tree(fragments, ends, [*merges, rest], edge_score)


def _best_of_both(
    now: Contacts, score: npt.NDArray[np.float64], count: int
) -> npt.NDArray[np.bool_]:
    """Tell which contacts are the best one of both of their segments."""
    order = np.lexsort((-np.arange(len(now)), score))
    rank = np.empty(len(now), np.int64)
    rank[order] = np.arange(len(now))
    best = np.full(count, -1, np.int64)
    np.maximum.at(best, now.a, rank)
    np.maximum.at(best, now.b, rank)
    found: npt.NDArray[np.bool_] = (best[now.a] == rank) & (best[now.b] == rank)
    return found


def _contracted(now: Contacts, joins: npt.NDArray[np.bool_], count: int) -> tuple[Contacts, Index]:
    """Join pairs of segments; return the contacts left, and where each went (-1: inside)."""
    becomes = np.arange(count)
    becomes[now.b[joins]] = now.a[joins]
    ends = becomes[now.a], becomes[now.b]
    low, high = np.minimum(*ends), np.maximum(*ends)
    key = low * count + high
    rows = np.flatnonzero(~joins)
    # the largest contact first, so that it stands for those that it is added up with
    rows = rows[np.lexsort((-now.area[rows], key[rows]))]
    sorted_key = key[rows]
    is_first = np.append(True, sorted_key[1:] != sorted_key[:-1])[: len(rows)]
    first = np.flatnonzero(is_first)
    went = np.full(len(now), -1, np.int64)
    went[rows] = np.cumsum(is_first) - 1
    if not len(first):
        return now.taken(first), went
    left = Contacts(
        low[rows][first],
        high[rows][first],
        np.add.reduceat(now.area[rows], first),
        np.add.reduceat(now.total[rows], first),
        now.stands[rows][first],
    )
    return left, went


def _tree(
    fragments: int,
    ends: tuple[Index, Index],
    merges: list[Merges],
    edge_score: npt.NDArray[np.float64],
) -> MergeTree:
    edge = np.concatenate([np.zeros(0, np.int64), *(e for e, _ in merges)])
    score = np.concatenate([np.zeros(0), *(s for _, s in merges)])
    order = np.lexsort((edge, -score))
    edge, score = edge[order], score[order]
    low, high = np.minimum(*ends)[edge], np.maximum(*ends)[edge]
    return MergeTree(fragments, low.astype(np.uint32), high.astype(np.uint32), score, edge_score)
