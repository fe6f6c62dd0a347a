"""Which fragments each segment has, kept up to date through edits."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from napari_axonem.evaluation.standing.lists import Lists
from napari_axonem.proofreading.tables.columns import each_once
from napari_axonem.proofreading.tables.edges import Ids, Index

LONG = 10_000
"""Lists of more fragments are not put together anew when they gain some."""


class Members:
    """The fragments of every segment, found without looking at all fragments.

    A list still has what left its segment, until that is half of it, and what comes to a long list
    is put to its end: a large segment that loses or gains a few fragments costs nothing.

    Parameters
    ----------
    segment
        The segment of each fragment, shape (fragments + 1,). Fragment 0 is in no list.
    """

    def __init__(self, segment: Ids) -> None:
        count = len(segment)
        # a sparse matrix is put into order by counting, in a tenth of the time of sorting
        columns = np.arange(count, dtype=np.int32)
        rows = csr_array(
            (columns, segment.astype(np.int32), np.arange(count + 1, dtype=np.int32)),
            shape=(count, count),
        ).tocsc()
        start, members = rows.indptr.astype(np.int64), rows.indices
        filled = np.flatnonzero(np.diff(start))
        self._lists = Lists(count, (filled, start[filled]), members)
        self._left: dict[int, int] = {}
        """How many of each list have left its segment."""
        if count:
            background = np.zeros(1, np.int64)
            alone = np.setdiff1d(self.of(background, segment), background)
            self._put(background, alone, segment[alone])

    def of(self, segments: Index, segment: Ids) -> Index:
        """Return the fragments of some segments, each once.

        Parameters
        ----------
        segment
            The segment of each fragment as it is now, shape (fragments + 1,).
        """
        found: Index = self._lists.take(segments)[0].astype(np.int64)
        if self._left.keys().isdisjoint(segments.tolist()):
            return found
        stayed = found[segment[found] == np.repeat(segments, self.most(segments))]
        return each_once(stayed)  # what left and came back is there twice

    def most(self, segments: Index) -> Index:
        """Return how many fragments each of some segments has at most."""
        return self._lists.lengths(segments)

    def add(self, fragment: int, segment: Ids) -> None:
        """Take down a new fragment."""
        name = segment[fragment : fragment + 1].astype(np.int64)
        members = np.append(self.of(name, segment), fragment)
        self._put(name, members, segment[members])

    def move(self, fragments: Index, new: Ids, segment: Ids) -> None:
        """Move fragments, each once, to new segments.

        Parameters
        ----------
        segment
            The segment of each fragment before that, shape (fragments + 1,).
        """
        if not len(fragments):
            return
        losing, lost = np.unique(segment[fragments].astype(np.int64), return_counts=True)
        for name, count in zip(losing.tolist(), lost.tolist(), strict=True):
            self._left[name] = self._left.get(name, 0) + count
        left = np.array([self._left[name] for name in losing.tolist()])
        worn = losing[2 * left > self.most(losing)]
        gaining = each_once(new.astype(np.int64))
        longer = np.setdiff1d(gaining[self.most(gaining) > LONG], worn)
        for name in longer.tolist():
            self._lists.extend(name, fragments[new == name].astype(np.int32))
        touched = np.union1d(np.setdiff1d(gaining, longer), worn)
        stays = self.of(touched, segment)
        goes = np.zeros(len(segment), np.bool_)
        goes[fragments] = True
        stays, comes = stays[~goes[stays]], ~np.isin(new, longer)
        self._put(
            touched,
            np.concatenate([stays, fragments[comes]]),
            np.concatenate([segment[stays], new[comes]]),
        )

    def _put(self, touched: Index, members: Index, owner: Ids) -> None:
        """Give segments, ascending, these fragments and no other.

        Parameters
        ----------
        owner
            The segment of each of `members`.
        """
        place = np.searchsorted(touched, owner)
        # numpy sorts short integers by counting
        order = np.argsort(place.astype(np.min_scalar_type(len(touched))), kind="stable")
        counts = np.bincount(place, minlength=len(touched))
        self._lists.put(touched, counts, members[order].astype(np.int32))
        for name in touched.tolist():
            self._left.pop(name, None)
