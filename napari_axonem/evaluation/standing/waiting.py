"""Which joins have to wait for cuts.

A segment that two true objects share to a large part is *spoilt*: run lengths along it count as
merged. To join a piece to such a segment lowers variation of information, and yet it takes from
the piece's skeleton what was right. So a join waits while the segment that it would make is
spoilt; the cuts that free it come first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, ranges, total

Bools = npt.NDArray[np.bool_]

FOREIGN_VOXELS = 2000
"""Voxels of a true object that spoil a segment of another one, where no skeletons say so."""


Spoils = Callable[[Ints], Bools]
"""Tells from how much a segment has of a true object, shape (n,), whether it spoils it."""


def enough_voxels(voxels: Ints) -> Bools:
    """Tell which numbers of voxels are enough to spoil a segment of another object."""
    enough: Bools = voxels >= FOREIGN_VOXELS
    return enough


def spoilt_if_joined(
    pairs: tuple[Ints, Ints], shares: tuple[Ints, Ints, Ints], spoils: Spoils
) -> Bools:
    """Tell which segments would be spoilt if two were joined.

    Parameters
    ----------
    pairs
        The segments to join, each shape (k,).
    shares
        What segments have of objects: segment, object and amount, each shape (n,), in the order
        of segments. The objects are true ones, or skeletons.
    spoils
        Which amounts are enough.
    """
    segment, thing, amount = shares
    rows, of_pair = [], []
    for side in pairs:
        first = np.searchsorted(segment, side)
        lengths = np.searchsorted(segment, side, side="right") - first
        rows.append(ranges(first, lengths))
        of_pair.append(np.repeat(np.arange(len(side)), lengths))
    row, pair = np.concatenate(rows), np.concatenate(of_pair)
    width = int(thing.max(initial=0)) + 1
    names, group = np.unique(pair * width + thing[row], return_inverse=True)
    enough = spoils(total(group, amount[row], len(names)))
    spoilt: Bools = np.bincount(names[enough] // width, minlength=len(pairs[0])) > 1
    return spoilt


def cuts_first(
    joins: Bools, pairs: tuple[Ints, Ints], waits: Bools, cuts: tuple[Ints, Ints]
) -> Ints:
    """Return an order of mistakes in which a join comes after the cuts that it waits for.

    Parameters
    ----------
    joins
        Which mistakes, in the order of falling gain, are false splits, shape (n,).
    pairs
        Their segments, each shape (n,).
    waits
        Which of them are joins that wait, shape (n,).
    cuts
        The rows of the cuts that may be pulled forward, in the order of falling gain, and the
        segment of each; they may be rows beyond the first n.

    Returns
    -------
    Rows. A join with no cut to wait for, but for one that is not listed, comes last.
    """
    of_segment: dict[int, list[int]] = {}
    for row, segment in zip(*(c.tolist() for c in cuts), strict=True):
        of_segment.setdefault(segment, []).append(row)
    order: dict[int, None] = {}
    last: list[int] = []
    sides = zip(*(side.tolist() for side in pairs), strict=True)
    for row, (is_join, wait, ends) in enumerate(
        zip(joins.tolist(), waits.tolist(), sides, strict=True)
    ):
        if is_join and wait:
            before = sorted({cut for end in ends for cut in of_segment.get(end, ())})
            if not before:
                last.append(row)
                continue
            order |= dict.fromkeys(before)
        order[row] = None
    return np.array([*order, *last], np.int64)
