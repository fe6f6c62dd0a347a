"""Expected run length that follows edits."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.erl import Definition, SkeletonScores
from napari_axonem.evaluation.grouping import Ints, total
from napari_axonem.evaluation.parts import part_key
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.evaluation.standing.changes import changed_among
from napari_axonem.evaluation.standing.lists import Lists
from napari_axonem.evaluation.standing.shares import FragmentShares, Shares, sums_of
from napari_axonem.evaluation.standing.trials import Trials
from napari_axonem.evaluation.tables import split_key

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What counts as merged; see `napari_axonem.evaluation.erl.definitions`."""

    definition: Definition = "em_erl"

    merge_threshold: int = 0
    """Nodes on a segment that are enough for merging."""


USUAL_RUNS = RunSettings()

SHARED, REACHING = 1, 2
"""Why a segment is merging: skeletons share it, or it reaches where none may."""

NONE_OMITTED = np.zeros(0, np.int64), np.zeros(0)


class Runs:
    """The run lengths of skeletons along segments that are sets of fragments.

    An edit moves what skeletons share with the fragments concerned from one segment to
    another. Only the skeletons that have nodes there are scored again, and those on a segment
    that thereby begins or ceases to be merging. All counts are exact, so that the score after
    any edits equals `napari_axonem.evaluation.erl.erl` but for the rounding of one sum.

    Parameters
    ----------
    skeletons
        The skeletons.
    node_fragment
        The fragment under each node, shape (N,), 0 for none.
    segment
        Segment of each fragment, shape (fragments + 1,), 0 for 0; copied.
    settings
        The definition.
    masked
        Voxels of each fragment where no segment may reach, int64, shape (fragments + 1,), or
        None without such a mask.

    Raises
    ------
    SkeletonError
        No skeleton has a length, or there is not one fragment for each node.
    """

    def __init__(
        self,
        skeletons: Skeletons,
        node_fragment: npt.NDArray[np.integer],
        segment: npt.NDArray[np.uint32],
        settings: RunSettings = USUAL_RUNS,
        masked: Ints | None = None,
    ) -> None:
        if len(node_fragment) != len(skeletons.node_skeleton):
            raise SkeletonError(
                f"{len(node_fragment)} fragments for {len(skeletons.node_skeleton)} nodes"
            )
        if not skeletons.lengths.any():
            raise SkeletonError(f"no length in {len(skeletons)} skeletons")
        self._skeletons, self._settings, self._masked = skeletons, settings, masked
        self._segment = np.array(segment, np.uint32)
        self._whole = float(skeletons.lengths.sum())
        self._shared = FragmentShares(skeletons, node_fragment.astype(np.int64), len(segment))
        none = np.zeros(0, np.int64)
        self._lists = Lists(len(skeletons), (none, none), none, none, none, np.zeros(0))
        self._omitted, self._merged, self._correct, self._squares = np.zeros((4, len(skeletons)))
        names = np.unique(self._segment).astype(np.int64)
        self._big = np.zeros(int(names[-1]) + 2, np.int64)  # skeletons with enough nodes on each
        self._reach = np.zeros_like(self._big)  # masked voxels of each segment
        if masked is not None:
            np.add.at(self._reach, self._segment, masked)
        shares = self._shared.shares(self._shared.everything(), self._segment)
        nothing = Shares(none, none, none, np.zeros(0), *NONE_OMITTED)
        self._trials, self._trying = Trials(len(skeletons)), True
        self._scored = none  # skeletons that the last shift concerned
        self._shift(nothing, shares, names)
        self._score(np.arange(len(skeletons)))
        self._trying = False

    def follow(self, segment: npt.NDArray[np.uint32], among: Ints | None = None) -> None:
        """Take the segments as they are now; arguments as in `Standing.follow`."""
        changed = changed_among(self._segment, segment, among)
        if len(changed):
            self._move(changed, segment[changed])

    def erl(self) -> float:
        """Return the expected run length in nm."""
        return float(self._squares.sum()) / self._whole

    def scores(self) -> SkeletonScores:
        """Return what became of each skeleton."""
        length = self._skeletons.lengths
        rest = self._merged + self._correct
        return SkeletonScores(
            ids=self._skeletons.ids,
            length=length,
            omitted=self._omitted.copy(),
            split=self._shared.whole - self._omitted - rest,
            merged=self._merged.copy(),
            correct=self._correct.copy(),
            erl=np.divide(self._squares, length, out=np.zeros_like(length), where=length > 0),
        )

    def merging_segments(self) -> Ints:
        """Return the segments that count as merging, ascending."""
        everything = np.arange(len(self._big))
        merging: Ints = np.flatnonzero(self._status(everything) > 0)
        return merging

    def truth_erl(self) -> float:
        """Return the expected run length in nm of a segmentation without a mistake."""
        return float(np.square(self._skeletons.lengths).sum()) / self._whole

    def nodes_on(self, segments: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the skeletons with nodes on some segments.

        Returns
        -------
        Segment, skeleton and number of nodes, one row for each pair that shares any.
        """
        owner, name, nodes, _ = self._lists.take(self._on(segments))
        rows = np.isin(name, segments)
        return name[rows], owner[rows], nodes[rows]

    def gain_if_joined(self, one: int, other: int) -> float:
        """Return by how many nm `erl` would rise if two segments were joined."""

        def join() -> Callable[[], None]:
            sides = [np.flatnonzero(self._segment == segment) for segment in (one, other)]
            members, name = (sides[0], other) if len(sides[0]) < len(sides[1]) else (sides[1], one)
            before = self._segment[members]
            if len(members):
                self._move(members, np.full(len(members), name, np.uint32))
            return lambda: self._move(members, before) if len(members) else None

        pair = min(one, other), max(one, other)
        return self._gain(pair, pair, join)

    def gain_if_cut(self, segment: int, skeletons: Ints) -> float:
        """Return by how many nm `erl` would rise if what skeletons have on a segment were cut off.

        Voxels under the mask stay with the segment.

        Parameters
        ----------
        skeletons
            Places of the skeletons.
        """

        def cut() -> Callable[[], None]:
            owner, name, nodes, length = self._lists.take(skeletons)
            rows = name == segment
            owner, nodes, length = owner[rows], nodes[rows], length[rows]
            fresh = len(self._big) - 1  # kept free
            old, new = (
                Shares(owner, np.full(len(owner), of), nodes, length, *NONE_OMITTED)
                for of in (segment, fresh)
            )
            touched = np.array([segment, fresh])
            self._shift(old, new, touched)
            return lambda: self._shift(new, old, touched)

        return self._gain((segment, skeletons.tobytes()), (segment,), cut)

    def _gain(
        self, key: Hashable, segments: Sequence[int], repair: Callable[[], Callable[[], None]]
    ) -> float:
        """Return the gain of a repair that is done for a trial, then undone by what it returns."""
        known = self._trials.find(key, segments)
        if known is not None:
            return known
        before = self._squares.copy()
        self._trying, self._scored = True, self._scored[:0]
        try:
            undo = repair()
            scored = self._scored
            nm = float((self._squares - before).sum()) / self._whole
            undo()
        finally:
            self._trying = False
        self._trials.keep(key, scored, nm)
        return nm

    def _move(self, fragments: Ints, names: npt.NDArray[np.uint32]) -> None:
        """Give fragments other segments."""
        rows = self._shared.rows(fragments)
        before = self._segment[fragments]
        touched = np.union1d(before, names).astype(np.int64)
        self._reserve(int(touched[-1]))
        old = self._shared.shares(rows, self._segment)
        self._segment[fragments] = names
        new = self._shared.shares(rows, self._segment)
        status = self._status(touched)
        if self._masked is not None:
            np.subtract.at(self._reach, before, self._masked[fragments])
            np.add.at(self._reach, names, self._masked[fragments])
        self._shift(old, new, touched, status)

    def _shift(self, old: Shares, new: Shares, touched: Ints, status: Ints | None = None) -> None:
        """Exchange shares, and score what that concerns.

        Parameters
        ----------
        touched
            The segments in `old` and `new`.
        status
            What `_status` of these was, where it has changed already.
        """
        before = self._status(touched) if status is None else status
        np.subtract.at(self._omitted, old.omitting, old.omitted)
        np.add.at(self._omitted, new.omitting, new.omitted)
        skeletons = np.union1d(old.skeleton, new.skeleton)
        self._exchange(skeletons, old, new)
        flipped = touched[self._status(touched) != before]
        if len(flipped):
            skeletons = np.union1d(skeletons, self._on(flipped))
        self._score(skeletons)
        self._scored = skeletons
        if not self._trying:
            self._trials.change(touched, skeletons)

    def _exchange(self, skeletons: Ints, old: Shares, new: Shares) -> None:
        """Exchange shares of skeletons in their lists."""
        owner, name, nodes, length = self._lists.take(skeletons)
        np.subtract.at(self._big, name[self.is_big(nodes)], 1)
        key = np.concatenate(
            [part_key(owner, name), *(part_key(s.skeleton, s.segment) for s in (old, new))]
        )
        pairs = np.unique(key)
        place = np.searchsorted(pairs, key)
        nodes = total(place, np.concatenate([nodes, -old.nodes, new.nodes]), len(pairs))
        length = sums_of(place, np.concatenate([length, -old.length, new.length]), len(pairs))
        there = nodes > 0
        owner, name = (half.astype(np.int64) for half in split_key(pairs[there]))
        nodes, length = nodes[there], length[there]
        np.add.at(self._big, name[self.is_big(nodes)], 1)
        counts = np.bincount(np.searchsorted(skeletons, owner), minlength=len(skeletons))
        self._lists.put(skeletons, counts, owner, name, nodes, length)

    def _score(self, skeletons: Ints) -> None:
        """Score some skeletons from what they share with segments."""
        _, name, nodes, length = self._lists.take(skeletons)
        count = len(skeletons)
        place = np.repeat(np.arange(count), self._lists.lengths(skeletons))
        status = self._status(name)
        penalised = np.zeros(count, np.bool_)
        penalised[place[self._penalises(status, nodes)]] = True
        run = np.where(penalised[place] & (status > 0), 0, length)
        squares = sums_of(place, run * run, count)
        self._correct[skeletons] = sums_of(place, run, count)
        self._merged[skeletons] = sums_of(place, length - run, count)
        self._squares[skeletons] = np.where(self._skeletons.lengths[skeletons] > 0, squares, 0)

    def is_big(self, nodes: Ints) -> Bools:
        """Tell which numbers of a skeleton's nodes on a segment are enough for merging."""
        threshold = self._settings.merge_threshold
        return nodes >= threshold if self._settings.definition == "em_erl" else nodes > threshold

    def _status(self, segments: Ints) -> Ints:
        """Return whether segments are merging: `SHARED` by skeletons, `REACHING` into the mask."""
        status: Ints = np.where(self._big[segments] > 1, SHARED, 0)
        if self._masked is not None:
            reaching = self._reach[segments] > self._settings.merge_threshold
            status = status | np.where(reaching, REACHING, 0)
        return status

    def _penalises(self, status: Ints, nodes: Ints) -> Bools:
        """Tell which shares of a skeleton make all its edges on merging segments merged."""
        shared, big = (status & SHARED) > 0, self.is_big(nodes)
        if self._settings.definition == "paper2021":
            return shared & big
        return shared | (big & ((status & REACHING) > 0))

    def _on(self, segments: Ints) -> Ints:
        """Return the skeletons with nodes on some segments, and perhaps others."""
        owner, name, *_ = self._lists.columns
        return np.unique(owner[np.isin(name, segments)])

    def _reserve(self, segment: int) -> None:
        """Make room for a segment, and for one more that is free."""
        if segment + 2 > len(self._big):
            more = np.zeros(segment + 2 + segment // 4 - len(self._big), np.int64)
            self._big, self._reach = np.append(self._big, more), np.append(self._reach, more)
