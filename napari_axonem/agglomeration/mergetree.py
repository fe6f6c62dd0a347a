"""At which score fragments join: the result of an agglomeration, cut at any threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ids = npt.NDArray[np.uint32]
Index = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MergeTree:
    """The merges of an agglomeration, in the order of falling scores.

    Each merge is stood for by one edge of the graph: that of the largest contact between the two
    segments that it joins. These edges form a forest, so that the segments at a threshold are
    the components of those whose score reaches it.
    """

    fragments: int
    """Number of fragments; their ids are 1..n."""

    u: Ids
    """Lower fragment of each merge, uint32, shape (m,)."""

    v: Ids
    """Upper fragment of each merge, uint32, shape (m,)."""

    score: Scores
    """Mean affinity between the two segments when they join, float64, shape (m,), falling."""

    edge_score: Scores
    """For each edge of the graph, in its order, the score at which its two fragments come to lie
    in one segment, float64; -1 where they never do. An edge belongs inside of a segment at a
    threshold when its score reaches it."""

    def __len__(self) -> int:
        return len(self.score)

    def segments_at(self, threshold: float) -> Ids:
        """Return the segment of each fragment at a threshold.

        Parameters
        ----------
        threshold
            Segments are joined whose mean affinity is at least that, 0 to 1.

        Returns
        -------
        uint32, shape (fragments + 1,): the lowest fragment of the segment; 0 for background.
        """
        count = int(np.searchsorted(-self.score, -threshold, side="right"))
        n = self.fragments + 1
        ones = np.ones(count, dtype=np.int8)
        matrix = coo_array((ones, (self.u[:count], self.v[:count])), shape=(n, n))
        parts, component = connected_components(matrix.tocsr(), directed=False)
        lowest = np.zeros(parts, dtype=np.uint32)
        # The last write wins, so that the lowest id of each component is written last.
        lowest[component[::-1]] = np.arange(n - 1, -1, -1, dtype=np.uint32)
        segments: Ids = lowest[component]
        return segments
