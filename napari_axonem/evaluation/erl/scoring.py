"""Expected run length of a segmentation along skeletons of the truth.

References
----------
.. [1] M. Januszewski et al., "High-precision automated reconstruction of neurons with
   flood-filling networks", Nature Methods 15 (2018) 605-610. Expected run length.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_axonem.errors import SettingsError, SkeletonError
from napari_axonem.evaluation.erl.definitions import (
    Bools,
    Definition,
    Pairs,
    find_merging,
)
from napari_axonem.evaluation.grouping import Ids, Ints, group_keys, sums_of
from napari_axonem.evaluation.skeletons.lookup import MaskedVoxels
from napari_axonem.evaluation.skeletons.skeletons import Floats, Skeletons
from napari_axonem.geometry import Nm


@dataclass(frozen=True, slots=True)
class Interval:
    """The score of the skeletons of some lengths."""

    start_nm: float
    """Shortest length that belongs to it."""

    stop_nm: float
    """Length from which on skeletons do not belong to it any more."""

    skeletons: int
    """Number of skeletons in it."""

    erl_nm: float | None
    """Expected run length in nm, None where no skeleton with a length is in it."""

    truth_erl_nm: float | None
    """Expected run length of the truth against itself in nm, None as above."""

    @property
    def normalised(self) -> float | None:
        """The one over the other, between 0 and 1, None as above."""
        if self.erl_nm is None or not self.truth_erl_nm:
            return None
        return self.erl_nm / self.truth_erl_nm


@dataclass(frozen=True, slots=True, eq=False)
class SkeletonScores:
    """What became of each skeleton; arrays of shape (S,), float64 in nm except `ids`."""

    ids: Ids
    """Id of the object, uint64."""

    length: Floats
    """Length of the skeleton as the truth states it."""

    omitted: Floats
    """Length of edges with a node on no segment."""

    split: Floats
    """Length of edges whose nodes lie on different segments."""

    merged: Floats
    """Length of edges on one segment that counts as merging."""

    correct: Floats
    """Length of edges on one segment that does not."""

    erl: Floats
    """Run length to be expected on the skeleton."""


@dataclass(frozen=True, slots=True, eq=False)
class Erl:
    """Expected run length, with everything that has to be said with it."""

    erl_nm: float
    """Expected run length in nm."""

    truth_erl_nm: float
    """Expected run length of the truth against itself in nm."""

    definition: Definition
    """Which segments count as merging, and who is penalised."""

    merge_threshold: int
    """Nodes on a segment that are enough for merging."""

    resolution_nm: Nm
    """Edges (z, y, x) in nm of the voxels in which nodes were looked up."""

    masked: bool
    """Whether a mask told where no segment may reach."""

    intervals: tuple[Interval, ...]
    """The same for skeletons by length."""

    per_skeleton: SkeletonScores
    """The same for each skeleton."""

    merging_segments: Ids
    """Ids of the segments that count as merging, uint64, ascending; may hold 0."""

    @property
    def normalised(self) -> float:
        """`erl_nm` over `truth_erl_nm`, between 0 and 1."""
        return self.erl_nm / self.truth_erl_nm

    @property
    def skeletons(self) -> int:
        """Number of skeletons."""
        return len(self.per_skeleton.ids)


def erl(
    skeletons: Skeletons,
    node_segment: Ids,
    resolution_nm: Nm,
    *,
    definition: Definition = "em_erl",
    merge_threshold: int = 0,
    intervals: Sequence[float] = (),
    masked: MaskedVoxels | None = None,
) -> Erl:
    """Score a segmentation by the length along which skeletons are followed without error [1]_.

    An edge is *omitted* where a node of it lies on segment 0, else *split* where its nodes lie on
    different segments, else *merged* as `definition` says, else *correct*. The run length of
    skeleton s is the sum over segments of (correct length)² / length of s; the score is the
    mean over skeletons, weighted by their lengths.

    Parameters
    ----------
    node_segment
        Id of the segment under each node, uint64, shape (N,), from `lookup`.
    resolution_nm
        Edges (z, y, x) of the voxels in which it was looked up; only stated in the result.
    merge_threshold
        T of the definition, in nodes.
    intervals
        Rising lengths in nm; between each and the next, without the next, is one interval.
    masked
        Voxels of segments where no segment may reach, from `masked_voxels`.

    Raises
    ------
    SettingsError
        The definition is not known, the threshold is negative, or intervals do not rise.
    SkeletonError
        No skeleton has a length, or there is not one segment for each node.
    """
    if node_segment.shape != skeletons.node_skeleton.shape:
        raise SkeletonError(
            f"{len(node_segment)} looked-up nodes for {len(skeletons.node_skeleton)} nodes"
        )
    if not skeletons.lengths.any():
        raise SkeletonError(
            f"no length in {len(skeletons)} skeletons",
            remedy="give skeletons with edges, such as 'napari-axonem skeletonize' makes",
        )
    segments, place = group_keys(node_segment)
    pairs = _pairs(skeletons, segments, place)
    merging = find_merging(definition, pairs, merge_threshold, masked)
    on_merging = merging.segments[place[skeletons.edges[:, 0]]]
    merged = on_merging & merging.skeletons[skeletons.edge_skeleton]
    scores = _score(skeletons, node_segment, place, merged)
    total = _mean(scores, np.ones(len(skeletons), dtype=np.bool_))
    return Erl(
        erl_nm=total[0],
        truth_erl_nm=total[1],
        definition=definition,
        merge_threshold=merge_threshold,
        resolution_nm=resolution_nm,
        masked=masked is not None,
        intervals=_intervals(scores, intervals),
        per_skeleton=scores,
        merging_segments=segments[merging.segments],
    )


def _pairs(skeletons: Skeletons, segments: Ids, place: Ints) -> Pairs:
    """Count the nodes of each pair of skeleton and segment."""
    key = skeletons.node_skeleton.astype(np.int64) * len(segments) + place
    pairs, of_pair = group_keys(key)
    nodes = np.bincount(of_pair, minlength=len(pairs))
    skeleton, segment = np.divmod(pairs, max(1, len(segments)))
    return Pairs(skeleton, segment, nodes, len(skeletons), segments)


def _score(skeletons: Skeletons, node_segment: Ids, place: Ints, merged: Bools) -> SkeletonScores:
    u, v = skeletons.edges.T
    omitted = (node_segment[u] == 0) | (node_segment[v] == 0)
    split = ~omitted & (node_segment[u] != node_segment[v])
    merged = merged & ~omitted & ~split
    correct = ~omitted & ~split & ~merged
    of_edge = skeletons.edge_skeleton
    lengths = skeletons.edge_lengths.astype(np.float64)

    def length(kind: Bools) -> Floats:
        return sums_of(of_edge[kind], lengths[kind], len(skeletons))

    return SkeletonScores(
        ids=skeletons.ids,
        length=skeletons.lengths,
        omitted=length(omitted),
        split=length(split),
        merged=length(merged),
        correct=length(correct),
        erl=_run_lengths(skeletons, of_edge[correct], place[u[correct]], lengths[correct]),
    )


def _run_lengths(skeletons: Skeletons, skeleton: Ints, segment: Ints, length: Floats) -> Floats:
    """Return the expected run length of each skeleton from its correct edges."""
    key = skeleton * (segment.max(initial=0) + 1) + segment
    runs, of_run = group_keys(key)
    run = sums_of(of_run, length, len(runs))
    owner = runs // (segment.max(initial=0) + 1)
    whole = skeletons.lengths[owner]
    # A skeleton without a length has no run either: its terms are 0, not 0 / 0.
    terms = np.divide(run * run, whole, out=np.zeros_like(run), where=whole > 0)
    return sums_of(owner, terms, len(skeletons))


def _mean(scores: SkeletonScores, chosen: Bools) -> tuple[float, float]:
    """Return the score of chosen skeletons, some with a length, and the truth's own, in nm."""
    length = scores.length[chosen]
    whole = float(length.sum())
    return float((length * scores.erl[chosen]).sum() / whole), float((length**2).sum() / whole)


def _intervals(scores: SkeletonScores, bounds: Sequence[float]) -> tuple[Interval, ...]:
    if len(bounds) == 1 or any(not a < b for a, b in itertools.pairwise(bounds)):
        raise SettingsError(
            f"{','.join(f'{b:g}' for b in bounds)} are not at least two rising lengths",
            where="intervals",
            remedy="give them in nm, such as 0,20000,40000,150000",
        )
    return tuple(_interval(scores, a, b) for a, b in itertools.pairwise(bounds))


def _interval(scores: SkeletonScores, start: float, stop: float) -> Interval:
    chosen = (scores.length >= start) & (scores.length < stop)
    number = int(chosen.sum())
    if not scores.length[chosen].any():
        return Interval(start, stop, number, None, None)
    return Interval(start, stop, number, *_mean(scores, chosen))
