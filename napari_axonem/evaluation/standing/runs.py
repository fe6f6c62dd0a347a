"""Expected run length that follows edits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import SkeletonError
from napari_axonem.evaluation.erl import SkeletonScores
from napari_axonem.evaluation.grouping import Ints, sums_of, total
from napari_axonem.evaluation.parts import part_key
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.evaluation.standing.changes import changed_among
from napari_axonem.evaluation.standing.lists import Lists
from napari_axonem.evaluation.standing.merging import USUAL_RUNS, RunSettings, Squares
from napari_axonem.evaluation.standing.shares import Floats, FragmentShares, Shares
from napari_axonem.evaluation.standing.trials import Held, Trials
from napari_axonem.evaluation.tables import split_key

AT_ONCE = 1 << 8
"""Trial repairs that are worked out together."""


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
        self._skeletons, self.settings, self._masked = skeletons, settings, masked
        self._segment = np.array(segment, np.uint32)
        self._whole, self._counted = float(skeletons.lengths.sum()), skeletons.lengths > 0
        self._shared = FragmentShares(skeletons, node_fragment.astype(np.int64), len(segment))
        count, none = len(skeletons), np.zeros(0, np.int64)
        names = np.unique(self._segment).astype(np.int64)
        size = int(names[-1]) + 1
        # the same rows twice: of each skeleton by segment, and of each segment by skeleton
        self._of_skeleton = Lists(count, (none, none), none, none, np.zeros(0))
        self._on_segment = Lists(size, (none, none), none, none, np.zeros(0))
        self._omitted, self._merged, self._correct = np.zeros((3, count))
        self._squares = Squares(*np.zeros((3, count)))
        self._big = np.zeros(size, np.int64)  # skeletons with enough nodes on each
        self._reach = np.zeros(size, np.int64)  # masked voxels of each segment
        if masked is not None:
            np.add.at(self._reach, self._segment, masked)
        shares = self._shared.shares(self._shared.everything(), self._segment)
        nothing = Shares(none, none, none, np.zeros(0), none, np.zeros(0))
        self._shift(nothing, shares, names, self._status(names))
        self._score(np.arange(count))

    def follow(self, segment: npt.NDArray[np.uint32], among: Ints | None = None) -> None:
        """Take the segments as they are now; arguments as in `Standing.follow`."""
        changed = changed_among(self._segment, segment, among)
        if len(changed):
            self._move(changed, segment[changed])

    def erl(self) -> float:
        """Return the expected run length in nm."""
        return float(self._squares.total()[self._counted].sum()) / self._whole

    def scores(self) -> SkeletonScores:
        """Return what became of each skeleton."""
        length = self._skeletons.lengths
        rest, squares = self._merged + self._correct, self._squares.total()
        return SkeletonScores(
            ids=self._skeletons.ids,
            length=length,
            omitted=self._omitted.copy(),
            split=self._shared.whole - self._omitted - rest,
            merged=self._merged.copy(),
            correct=self._correct.copy(),
            erl=np.divide(squares, length, out=np.zeros_like(length), where=length > 0),
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
        owner, nodes, _ = self._on_segment.take(segments)
        return np.repeat(segments, self._on_segment.lengths(segments)), owner, nodes

    def gains_if_joined(self, one: Ints, other: Ints) -> Floats:
        """Return by how many nm `erl` would rise if two segments were joined.

        Parameters
        ----------
        one, other
            Pairs of different segments, each joined alone, each shape (k,).
        """
        parts = [slice(first, first + AT_ONCE) for first in range(0, len(one), AT_ONCE)]
        return np.concatenate([np.zeros(0), *(self._if_joined(one[p], other[p]) for p in parts)])

    def gains_if_cut(self, segment: Ints, off: tuple[Ints, Ints]) -> Floats:
        """Return by how many nm `erl` would rise if what skeletons have on a segment were cut off.

        Voxels under the mask stay with the segment.

        Parameters
        ----------
        segment
            Segments, each cut alone, shape (k,).
        off
            Places in `segment`, ascending, and the skeletons that are cut off there, each
            shape (c,).
        """
        gains = [np.zeros(0)]
        for first in range(0, len(segment), AT_ONCE):
            part = segment[first : first + AT_ONCE]
            bounds = np.searchsorted(off[0], [first, first + len(part)])
            trial, skeleton = (column[slice(*bounds)] for column in off)
            gains.append(self._if_cut(part, (trial - first, skeleton)))
        return np.concatenate(gains)

    def _if_joined(self, one: Ints, other: Ints) -> Floats:
        count = len(one)
        trials = Trials(self.settings, count, self._counted)
        held = self._held(np.concatenate([one, other]))
        held = replace(held, trial=held.trial % count)
        names, group = trials.pairs(held)
        both = np.flatnonzero(np.bincount(group, minlength=len(names)) > 1)
        trial, skeleton = np.divmod(names[both], len(self._skeletons))
        between = self._shared.between(skeleton, one[trial], other[trial], self._segment)
        joined = trials.joined(held, (both, between), self._reach[one] + self._reach[other])
        return trials.gains(held, joined, self._squares) / self._whole

    def _if_cut(self, segment: Ints, off: tuple[Ints, Ints]) -> Floats:
        trials = Trials(self.settings, len(segment), self._counted)
        held = self._held(segment)
        cut = trials.cut(held, off, self._reach[segment])
        return trials.gains(held, cut, self._squares) / self._whole

    def _held(self, segments: Ints) -> Held:
        """Return what skeletons have on segments, the trial being the place in these."""
        self._reserve(int(segments.max(initial=0)))
        owner, nodes, length = self._on_segment.take(segments)
        trial = np.repeat(np.arange(len(segments)), self._on_segment.lengths(segments))
        return Held(trial, owner, nodes, length, self._status(segments)[trial])

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

    def _shift(self, old: Shares, new: Shares, touched: Ints, status: Ints) -> None:
        """Exchange shares, and score what that concerns.

        Parameters
        ----------
        touched
            The segments in `old` and `new`, ascending and different.
        status
            What `_status` of these was before.
        """
        np.subtract.at(self._omitted, old.omitting, old.omitted)
        np.add.at(self._omitted, new.omitting, new.omitted)
        skeletons = np.union1d(old.skeleton, new.skeleton)
        self._exchange(skeletons, old, new, touched)
        flipped = touched[self._status(touched) != status]
        if len(flipped):
            skeletons = np.union1d(skeletons, self._on_segment.take(flipped)[0])
        self._score(skeletons)

    def _exchange(self, skeletons: Ints, old: Shares, new: Shares, touched: Ints) -> None:
        """Exchange shares of skeletons in the lists."""
        name, nodes, length = self._of_skeleton.take(skeletons)
        owner = np.repeat(skeletons, self._of_skeleton.lengths(skeletons))
        np.subtract.at(self._big, name[self.settings.is_big(nodes)], 1)
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
        np.add.at(self._big, name[self.settings.is_big(nodes)], 1)
        counts = np.bincount(np.searchsorted(skeletons, owner), minlength=len(skeletons))
        self._of_skeleton.put(skeletons, counts, name, nodes, length)
        here = np.isin(name, touched)
        self._put_on(touched, skeletons, name[here], (owner[here], nodes[here], length[here]))

    def _put_on(
        self, touched: Ints, skeletons: Ints, name: Ints, rows: tuple[Ints, Ints, Floats]
    ) -> None:
        """Replace what some skeletons have on some segments, as these have it in their lists."""
        before = self._on_segment.take(touched)
        stays = ~np.isin(before[0], skeletons)
        names = np.repeat(touched, self._on_segment.lengths(touched))[stays]
        names = np.concatenate([names, name])
        columns = [np.concatenate([b[stays], r]) for b, r in zip(before, rows, strict=True)]
        order = np.argsort(part_key(names, columns[0]))
        counts = np.bincount(np.searchsorted(touched, names), minlength=len(touched))
        self._on_segment.put(touched, counts, *(column[order] for column in columns))

    def _score(self, skeletons: Ints) -> None:
        """Score some skeletons from what they share with segments."""
        name, nodes, length = self._of_skeleton.take(skeletons)
        count = len(skeletons)
        place = np.repeat(np.arange(count), self._of_skeleton.lengths(skeletons))
        status = self._status(name)
        squares = Squares.of(self.settings, (place, count), status, nodes, length)
        penalised = squares.penalties > 0
        run = np.where(penalised[place] & (status > 0), 0, length)
        self._correct[skeletons] = sums_of(place, run, count)
        self._merged[skeletons] = sums_of(place, length - run, count)
        self._squares.put(skeletons, squares)

    def _status(self, segments: Ints) -> Ints:
        """Return whether segments are merging; see `RunSettings.status`."""
        return self.settings.status(self._big[segments], self._reach[segments])

    def _reserve(self, segment: int) -> None:
        """Make room for a segment."""
        if segment >= len(self._big):
            more = np.zeros(segment + 1 + segment // 4 - len(self._big), np.int64)
            self._big, self._reach = np.append(self._big, more), np.append(self._reach, more)
