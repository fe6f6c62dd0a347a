"""Scores that follow edits: the parts of each segment, and sums over them that never drift.

A sum of floating-point terms that is corrected again and again keeps the rounding of every
correction. So ``n log2 n`` is summed as integers in units of 2**-k bits, with k as large as the
sum of all voxels in one object allows in 62 bits: then adding and taking away is exact, and the
score after any sequence of edits is that of the segments alone, to the last bit. On a volume of
10**10 voxels the unit is below 10**-6 bits of voxels, or 10**-16 bits of VOI.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation.grouping import Ints, total
from napari_axonem.evaluation.parts import Parts, part_key
from napari_axonem.evaluation.scores import Rand, Voi, entropy_term, rand_of_pairs
from napari_axonem.evaluation.standing.lists import Lists
from napari_axonem.evaluation.tables import split_key


class Tally:
    """The parts of every segment, and the scores they amount to.

    Parameters
    ----------
    parts
        The parts of all segments.

    Raises
    ------
    AxonemError
        No voxel has a truth.
    """

    def __init__(self, parts: Parts) -> None:
        known = parts.truth > 0
        self.known_voxels = int(parts.voxels[known].sum())
        """Voxels with truth."""
        if not self.known_voxels:
            raise AxonemError("no voxel has a truth other than 0", where="truth")
        highest = math.ceil(self.known_voxels * math.log2(max(2, self.known_voxels)))
        self._scale = 2.0 ** (62 - highest.bit_length())
        sizes = np.bincount(parts.truth[known], weights=parts.voxels[known]).astype(np.int64)
        self._in_truth = _Sums(0, 0).moved(self._change(sizes[:0], sizes))
        segments = parts.segment[parts.first]
        self._lists = Lists(
            int(segments.max()) + 1, (segments, parts.first), parts.truth, parts.voxels
        )
        nothing = np.zeros(0, np.int64)
        begin = Parts.of_rows(nothing, nothing, nothing), parts
        self._in_parts = self._in_segments = _Sums(0, 0)
        self._in_parts, self._in_segments = self._exchanged(*begin)

    def parts(self, segments: Ints) -> Parts:
        """Return the parts of some segments, which are ascending and different."""
        truth, voxels = self._lists.take(segments)
        return Parts.of_rows(np.repeat(segments, self._lists.lengths(segments)), truth, voxels)

    def move(self, touched: Ints, old: Ints, new: Ints, truth: Ints, voxels: Ints) -> None:
        """Follow cells that changed their segment.

        Parameters
        ----------
        touched
            The segments in `old` and `new`, ascending and different.
        old, new
            Segment of each cell before and after, shape (n,).
        truth, voxels
            True object and size of each cell, shape (n,).
        """
        before, after = self._moved(touched, old, new, truth, voxels)
        self._in_parts, self._in_segments = self._exchanged(before, after)
        lengths = np.zeros(len(touched), np.int64)
        lengths[np.searchsorted(touched, after.segment[after.first])] = after.parts_of_segment
        self._lists.put(touched, lengths, after.truth, after.voxels)

    def voi(self) -> Voi:
        """Return the variation of information, equal to `napari_axonem.evaluation.scores.voi`."""
        return self._voi(self._in_parts, self._in_segments)

    def voi_after(self, touched: Ints, old: Ints, new: Ints, truth: Ints, voxels: Ints) -> Voi:
        """Return what `voi` would be after `move`; nothing is changed."""
        return self._voi(*self._exchanged(*self._moved(touched, old, new, truth, voxels)))

    def rand(self) -> Rand:
        """Return the scores of `napari_axonem.evaluation.scores.adapted_rand`."""
        return rand_of_pairs(self._in_parts.pairs, self._in_segments.pairs, self._in_truth.pairs)

    def _voi(self, in_parts: _Sums, in_segments: _Sums) -> Voi:
        unit = self._scale * self.known_voxels
        split = (self._in_truth.entropy - in_parts.entropy) / unit
        merge = (in_segments.entropy - in_parts.entropy) / unit
        # n log2 n is convex: only the rounding of a term can bring a sum below 0
        return Voi(max(0.0, split), max(0.0, merge))

    def _moved(
        self, touched: Ints, old: Ints, new: Ints, truth: Ints, voxels: Ints
    ) -> tuple[Parts, Parts]:
        """Return the parts of the segments concerned, before and after a move."""
        before = self.parts(touched)
        key = np.concatenate(
            [part_key(before.segment, before.truth), part_key(old, truth), part_key(new, truth)]
        )
        change = np.concatenate([before.voxels, -voxels, voxels])
        # thousands of cells make few parts: sorting keys and looking them up beats an argsort
        names = np.unique(key)
        sums = total(np.searchsorted(names, key), change, len(names))
        segment, true = (half.astype(np.int64) for half in split_key(names[sums > 0]))
        return before, Parts.of_rows(segment, true, sums[sums > 0])

    def _exchanged(self, before: Parts, after: Parts) -> tuple[_Sums, _Sums]:
        """Return the sums over parts and over segments when some parts take others' place."""
        parts = (p.voxels[p.truth > 0] for p in (before, after))
        return (
            self._in_parts.moved(self._change(*parts)),
            self._in_segments.moved(self._change(before.known, after.known)),
        )

    def _change(self, before: Ints, after: Ints) -> _Sums:
        """Return by how much the sums change when some groups take others' place."""
        voxels, sign = np.concatenate([before, after]), np.ones(len(before) + len(after), np.int64)
        sign[: len(before)] = -1
        terms = np.rint(entropy_term(voxels) * self._scale).astype(np.int64)
        low, high = voxels & _LOW, voxels >> _BITS  # squares of sizes do not fit into 64 bits
        squares = int(sign @ (low * low)) + (int(sign @ (low * high)) << (_BITS + 1))
        squares += int(sign @ (high * high)) << (2 * _BITS)
        return _Sums(int(sign @ terms), squares - int(sign @ voxels))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over groups of voxels, exact."""

    entropy: int
    """``n log2 n`` in units of the tally."""

    pairs: int
    """``n (n - 1)``."""

    def moved(self, change: _Sums) -> _Sums:
        """Return the sums after a change."""
        return _Sums(self.entropy + change.entropy, self.pairs + change.pairs)


_BITS = 20
_LOW = (1 << _BITS) - 1
