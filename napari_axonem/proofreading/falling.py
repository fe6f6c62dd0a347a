"""What comes off a large segment when edges in it go off, found without looking at all of it.

Searches begin at both ends of what went off and go on from fragment to fragment along edges that
are on; those that meet become one. In each round all go on but the one that has come farthest. As
soon as at most one is under way, the others have found the parts that come off, and everything
else is the rest: that costs what the parts cost, and not what the segment costs.

Source of the searches in turns: Even and Shiloach, "An on-line edge-deletion problem", 1981.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from napari_axonem.proofreading.edges import Index
from napari_axonem.proofreading.edgestore import EdgeStore

MOST_ROUNDS = 1000
"""After so many, looking at the whole segment takes less time."""


def groups_of(pairs: Index, count: int) -> Index:
    """Return the connected component of each of `count` nodes under pairs, shape (n, 2)."""
    ends = pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32)
    matrix = csr_array(coo_array((np.ones(len(pairs), np.int8), ends), shape=(count, count)))
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
        pairs = _led_to(edges, border[~waits], deleted)
        ahead = pairs[search_of[pairs[:, 1]] == 0]
        search_of[ahead[:, 1]] = search_of[ahead[:, 0]]
        new = np.unique(ahead[:, 1])
        size += np.bincount(search_of[new], minlength=len(size))
        meeting = group[search_of[pairs]]
        group[1:] = groups_of(meeting[meeting[:, 0] != meeting[:, 1]], len(seeds))[group[1:]]
        seen.append(new)
        border = np.concatenate([border[waits], new])
    return None


def _led_to(edges: EdgeStore, border: Index, deleted: npt.NDArray[np.bool_]) -> Index:
    """Return pairs of fragments, those of the border first, that edges connect."""
    rows = edges.at(border)
    rows = rows[edges.on[rows]]
    ends = np.stack([edges.u[rows], edges.v[rows]], axis=1).astype(np.int64)
    pairs = np.concatenate([ends, ends[:, ::-1]])
    is_of_border = np.isin(pairs[:, 0], border) & ~deleted[pairs[:, 1]]
    led: Index = pairs[is_of_border]
    return led


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
