"""What skeletons share with fragments: nodes and lengths, counted once.

Fragments change only by a refinement, so that an edit needs no node: it moves what is counted
here from one segment to another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, firsts_of, group_starts, ranges, sums_of
from napari_axonem.evaluation.parts import part_key
from napari_axonem.evaluation.skeletons.skeletons import Skeletons

Floats = npt.NDArray[np.float64]

BITS = 52
"""Bits that the sum of all lengths may have."""


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What skeletons have on segments, as rows still to be added up."""

    skeleton: Ints
    """Place of the skeleton, int64, shape (n,)."""

    segment: Ints
    """Id of the segment, int64, shape (n,); 0 is none."""

    nodes: Ints
    """Number of nodes there, int64, shape (n,)."""

    length: Floats
    """Length in nm of edges with both nodes there, shape (n,); 0 on segment 0."""

    omitting: Ints
    """Skeletons with edges that have a node on segment 0, int64, shape (m,)."""

    omitted: Floats
    """Length in nm of those edges, shape (m,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Which counts concern some fragments."""

    nodes: Ints
    between: Ints


class FragmentShares:
    """Nodes and lengths of skeletons on fragments.

    Lengths are rounded to multiples of a power of two that is so small that float64 adds up all
    of them exactly: below 10**-6 nm for a metre of skeleton.

    Parameters
    ----------
    skeletons
        The skeletons.
    node_fragment
        The fragment under each node, int64, shape (N,), 0 for none.
    n_fragments
        Number of fragments, ids 0 to n - 1.
    """

    def __init__(self, skeletons: Skeletons, node_fragment: Ints, n_fragments: int) -> None:
        count = len(skeletons)
        lengths = _exact(skeletons.edge_lengths.astype(np.float64))
        of_edge = skeletons.edge_skeleton
        self.whole = sums_of(of_edge, lengths, count)
        """Length of the edges of each skeleton in nm."""
        key, nodes = np.unique(
            node_fragment * count + skeletons.node_skeleton.astype(np.int64), return_counts=True
        )
        self._fragment, self._skeleton = np.divmod(key, max(1, count))
        self._nodes = nodes
        low, high = np.sort(node_fragment[skeletons.edges], axis=1).T
        inside = low == high
        row = np.searchsorted(key, low[inside] * count + of_edge[inside])
        self._within = sums_of(row, lengths[inside], len(key))
        self._first = firsts_of(self._fragment, n_fragments)
        apart = np.flatnonzero(~inside)
        order = apart[np.lexsort((high[apart], low[apart], of_edge[apart]))]
        first = group_starts(low[order], high[order], of_edge[order])
        self._length: Floats = np.add.reduceat(lengths[order], first) if len(first) else np.zeros(0)
        order = order[first]
        self._low, self._high, self._between = low[order], high[order], of_edge[order]
        self._first_between = firsts_of(self._between, count)
        ends = np.concatenate([self._low, self._high])
        self._incident = np.argsort(ends, kind="stable") % max(1, len(order))
        self._first_incident = firsts_of(ends, n_fragments)

    def everything(self) -> Rows:
        """Return all counts."""
        return Rows(np.arange(len(self._fragment)), np.arange(len(self._low)))

    def rows(self, fragments: Ints) -> Rows:
        """Return the counts that concern some fragments."""
        incident = self._incident[_slots(self._first_incident, fragments)]
        return Rows(_slots(self._first, fragments), np.unique(incident))

    def shares(self, rows: Rows, segment: npt.NDArray[np.uint32]) -> Shares:
        """Return what some counts amount to, when fragments are in segments.

        Parameters
        ----------
        segment
            Segment of each fragment, shape (fragments + 1,), 0 for 0.
        """
        own = segment[self._fragment[rows.nodes]].astype(np.int64)
        within, skeleton = self._within[rows.nodes], self._skeleton[rows.nodes]
        low, high = segment[self._low[rows.between]], segment[self._high[rows.between]]
        between, length = self._between[rows.between], self._length[rows.between]
        same, none = (low == high) & (low > 0), (low == 0) | (high == 0)
        return Shares(
            np.concatenate([skeleton, between[same]]),
            np.concatenate([own, low[same].astype(np.int64)]),
            np.concatenate([self._nodes[rows.nodes], np.zeros(int(same.sum()), np.int64)]),
            np.concatenate([np.where(own > 0, within, 0), length[same]]),
            np.concatenate([skeleton[own == 0], between[none]]),
            np.concatenate([within[own == 0], length[none]]),
        )

    def between(
        self, skeleton: Ints, one: Ints, other: Ints, segment: npt.NDArray[np.uint32]
    ) -> Floats:
        """Return the length in nm of the edges from one segment to another, shape (k,).

        Parameters
        ----------
        skeleton
            Place of the skeleton whose edges are asked for, shape (k,).
        one, other
            The segments, neither 0, each shape (k,).
        segment
            Segment of each fragment, shape (fragments + 1,).
        """
        if not len(skeleton):
            return np.zeros(0)
        pairs, pair = np.unique(
            part_key(np.minimum(one, other), np.maximum(one, other)), return_inverse=True
        )
        names, place = np.unique(skeleton, return_inverse=True)
        rows = _slots(self._first_between, names)
        low, high = segment[self._low[rows]], segment[self._high[rows]]
        crosses = np.flatnonzero(low != high)
        rows, low, high = rows[crosses], low[crosses], high[crosses]
        key = part_key(np.minimum(low, high), np.maximum(low, high))
        found = np.minimum(np.searchsorted(pairs, key), len(pairs) - 1)
        wanted = np.flatnonzero(pairs[found] == key)
        owner = np.searchsorted(names, self._between[rows[wanted]])
        lengths = sums_of(
            owner * len(pairs) + found[wanted], self._length[rows[wanted]], len(names) * len(pairs)
        )
        between: Floats = lengths[place * len(pairs) + pair]
        return between


def _exact(lengths: Floats) -> Floats:
    """Round lengths so that no sum of them has to be rounded."""
    most = math.ceil(float(lengths.sum())) + 1
    unit = 2.0 ** (most.bit_length() - BITS)
    rounded: Floats = np.rint(lengths / unit) * unit
    return rounded


def _slots(first: Ints, keys: Ints) -> Ints:
    return ranges(first[keys], first[keys + 1] - first[keys])
