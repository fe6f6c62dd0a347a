"""How much of the skeletons lies in runs of which length: what expected run length is the mean of.

Choose a point on the skeletons at random, every nanometre with equal chance. It lies on a run: a
stretch of one skeleton inside of one segment, without an error. The mean length of that run, 0
where the point is on an error, is the expected run length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_axonem.evaluation.erl import Erl
from napari_axonem.evaluation.grouping import Ids, Ints
from napari_axonem.evaluation.skeletons.skeletons import Floats, Skeletons

BINS = 24
"""About how many bins a histogram has."""


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Stretches of skeletons without an error."""

    skeleton: Ints
    """Place of the skeleton, int64, shape (r,)."""

    segment: Ids
    """Id of the segment, uint64, shape (r,)."""

    length: Floats
    """Length in nm, float64, shape (r,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Shares of the length of all skeletons, between 0 and 1."""

    edges: Floats
    """Bounds of the bins in nm, rising from 0, shape (b + 1,)."""

    truth: Floats
    """Share that lies on skeletons of each length, shape (b,)."""

    segmentation: Floats
    """Share that lies on runs of each length, shape (b,)."""

    lost: float
    """Share that lies on no run: omitted, split or merged."""


def runs_of(skeletons: Skeletons, node_segment: Ids, result: Erl) -> Runs:
    """Return the runs that `result` was computed from; pieces of one pair count together."""
    u, v = node_segment[skeletons.edges].T
    owner = skeletons.edge_skeleton
    # a skeleton is penalised on all merging segments or on none
    penalised = result.per_skeleton.merged > 0
    merged = penalised[owner] & np.isin(u, result.merging_segments)
    correct = (u == v) & (u != 0) & ~merged
    segments, place = np.unique(u[correct], return_inverse=True)
    key = owner[correct] * max(1, len(segments)) + place
    names, run = np.unique(key, return_inverse=True)
    lengths = skeletons.edge_lengths[correct].astype(np.float64)
    skeleton, segment = np.divmod(names, max(1, len(segments)))
    return Runs(skeleton, segments[segment], np.bincount(run, weights=lengths).astype(np.float64))


def histogram(skeletons: Skeletons, runs: Runs) -> Histogram:
    """Return how the length of all skeletons is spread over runs of different lengths."""
    whole = float(skeletons.lengths.sum())
    edges = _edges(float(skeletons.lengths.max()))
    truth, _ = np.histogram(skeletons.lengths, edges, weights=skeletons.lengths)
    shown = np.minimum(runs.length, edges[-1])  # rounding may make a run longer than its skeleton
    found, _ = np.histogram(shown, edges, weights=runs.length)
    lost = max(0.0, 1 - float(runs.length.sum()) / whole)
    return Histogram(edges, truth / whole, found / whole, lost)


def _edges(longest: float) -> Floats:
    """Return bounds at round lengths."""
    rough = longest / BINS
    power = 10 ** np.floor(np.log10(rough))
    step = power * min((s for s in (1, 2, 2.5, 5, 10) if s * power >= rough), default=10)
    edges: Floats = np.arange(0, longest + step, step)
    return edges if edges[-1] >= longest else np.append(edges, edges[-1] + step)
