"""What comes off a large segment when edges in it go off, found without looking at all of it.

Searches begin at both ends of what went off and go on from fragment to fragment along edges that
are on; those that meet become one. In each round all go on but the one that has come farthest. As
soon as at most one is under way, the others have found the parts that come off, and everything
else is the rest: that costs what the parts cost, and not what the segment costs.

Source of the searches in turns: Even and Shiloach, "An on-line edge-deletion problem", 1981.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from napari_axonem.evaluation.grouping import firsts_of
from napari_axonem.proofreading.tables.columns import each_once
from napari_axonem.proofreading.tables.edges import Index
from napari_axonem.proofreading.tables.edgestore import EdgeStore

MOST_ROUNDS = 1000
"""After so many, looking at the whole segment takes less time."""


def groups_of(ends: tuple[npt.NDArray[Any], npt.NDArray[Any]], count: int) -> Index:
    """Return the connected component of each of `count` nodes under pairs of them."""
    u, v = (column.astype(np.int32, copy=False) for column in ends)
    if (u[1:] < u[:-1]).any():
        order = np.argsort(u, kind="stable")
        u, v = u[order], v[order]
    # put together here, of the type that scipy wants, in half the time of its way by triples
    first = firsts_of(u, count).astype(np.int32)
    matrix = csr_array((np.ones(len(u)), v, first), shape=(count, count))
    component: Index = connected_components(matrix, directed=False)[1]
    return component


def fallen(
    edges: EdgeStore, seeds: Index, deleted: npt.NDArray[np.bool_], most: int
) -> tuple[Index, Index] | None:
    """Return what is connected to one of the seeds but not to the greatest part.

    Parameters
    ----------
    edges
        With the states as they are now.
    seeds
        Fragments of one segment, each once, such that everything that was connected before is now
        connected to one of them or another.
    deleted
        Whether each fragment is deleted, shape (fragments + 1,): it connects nothing.
    most
        Fragments that may be looked at.

    Returns
    -------
    The fragments of the parts that come off, and a number for the part of each, both shape (n,);
    or None where it takes less time to look at the whole segment.
    """
    # The system hands out pages of zeros as they are used.
    search_of = np.zeros(len(deleted), np.int32)
    search_of[seeds] = np.arange(1, len(seeds) + 1)
    is_at_border = np.zeros(len(deleted), np.bool_)
    group = np.arange(-1, len(seeds))  # of each search; search 0 is none
    size = np.ones(len(group), np.int64)
    seen, border = [seeds], seeds
    for _ in range(MOST_ROUNDS):
        of_border = group[search_of[border]]
        under_way = np.unique(of_border)
        if len(under_way) <= 1:
            return _all_but(group, search_of, np.concatenate(seen), under_way)
        if size.sum() > most:
            return None
        in_group = np.bincount(group[1:], weights=size[1:])
        waits = of_border == under_way[in_group[under_way].argmax()]
        is_at_border[border] = ~waits
        near, far = _led_to(edges, border[~waits], is_at_border, deleted)
        is_at_border[border] = False
        ahead = search_of[far] == 0
        search_of[far[ahead]] = search_of[near[ahead]]
        new = each_once(far[ahead])
        size += np.bincount(search_of[new], minlength=len(size))
        meeting = group[search_of[near]], group[search_of[far]]
        if (meeting[0] != meeting[1]).any():
            group[1:] = groups_of(meeting, len(seeds))[group[1:]]
        seen.append(new)
        border = np.concatenate([border[waits], new])
    return None


def _led_to(
    edges: EdgeStore,
    border: Index,
    is_at_border: npt.NDArray[np.bool_],
    deleted: npt.NDArray[np.bool_],
) -> tuple[Index, Index]:
    """Return which fragments of the border edges lead from, and which ones they lead to."""
    rows = edges.at(border)
    rows = rows[edges.on[rows]]
    u, v = edges.u[rows].astype(np.int64), edges.v[rows].astype(np.int64)
    forth, back = is_at_border[u] & ~deleted[v], is_at_border[v] & ~deleted[u]
    return np.concatenate([u[forth], v[back]]), np.concatenate([v[forth], u[back]])


def _all_but(
    group: Index, search_of: npt.NDArray[np.int32], seen: Index, under_way: Index
) -> tuple[Index, Index]:
    """Return what searches have seen, and its groups, but for the one that is not at its end.

    Where all are at their ends, it is the one that has seen most.
    """
    part = group[search_of[seen]]
    rest = under_way[0] if len(under_way) else np.bincount(part).argmax()
    comes_off = part != rest
    return seen[comes_off], part[comes_off]
