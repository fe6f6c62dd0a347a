"""Which joins have to wait for cuts, and what that makes them worth.

A segment that two true objects share to a large part is *spoilt*: run lengths along it count as
merged. To join a piece to such a segment lowers variation of information, and yet it takes from
the piece's skeleton what was right. So a join waits while the segment that it would make is
spoilt; the cuts that free it come first. It is one piece of work with these, worth what all of
them gain for each repair: a large join that waits for a hundred small cuts is not worth beginning
with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.grouping import Ints, group_starts, ranges, total

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

FOREIGN_VOXELS = 2000
"""Voxels of a true object that spoil a segment of another one, where no skeletons say so."""


Spoils = Callable[[Ints], Bools]
"""Tells from how much a segment has of a true object, shape (n,), whether it spoils it."""


def enough_voxels(voxels: Ints) -> Bools:
    """Tell which numbers of voxels are enough to spoil a segment of another object."""
    enough: Bools = voxels >= FOREIGN_VOXELS
    return enough


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """What segments have of objects, which are true ones or skeletons; unique and sorted."""

    segment: Ints
    """Id of the segment, int64, shape (n,)."""

    thing: Ints
    """The object, int64, shape (n,), never negative."""

    amount: Ints
    """How much of it, int64, shape (n,)."""

    @classmethod
    def of_rows(cls, segment: Ints, thing: Ints, amount: Ints) -> Holdings:
        """Add up rows in any order."""
        width = int(thing.max(initial=0)) + 1
        key = segment * width + thing
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = group_starts(key)
        sums = np.add.reduceat(amount[order], first) if len(first) else amount
        return cls(key[first] // width, key[first] % width, sums)


def spoilt_if_joined(pairs: tuple[Ints, Ints], held: Holdings, spoils: Spoils) -> Bools:
    """Tell which segments would be spoilt if two were joined.

    Parameters
    ----------
    pairs
        The segments to join, each shape (k,).
    held
        What they have of objects.
    spoils
        Which amounts are enough.
    """
    first = [np.searchsorted(held.segment, side) for side in pairs]
    lengths = [
        np.searchsorted(held.segment, side, side="right") - begin
        for side, begin in zip(pairs, first, strict=True)
    ]
    spoilt = np.zeros(len(pairs[0]), np.bool_)
    mixed = np.flatnonzero(lengths[0] + lengths[1] > 1)  # one object alone spoils nothing
    row = np.concatenate([ranges(f[mixed], n[mixed]) for f, n in zip(first, lengths, strict=True)])
    pair = np.concatenate([np.repeat(np.arange(len(mixed)), n[mixed]) for n in lengths])
    width = int(held.thing.max(initial=0)) + 1
    names, group = np.unique(pair * width + held.thing[row], return_inverse=True)
    enough = spoils(total(group, held.amount[row], len(names)))
    spoilt[mixed] = np.bincount(names[enough] // width, minlength=len(mixed)) > 1
    return spoilt


def worth_of_repair(
    gain: Floats, pairs: tuple[Ints, Ints], waits: Bools, cuts: tuple[Ints, Bools]
) -> Floats:
    """Return what mistakes are worth for each repair, counting joins that wait with their cuts.

    A join waits for the cuts of its two segments that free them; where none does, for all of
    them. It is worth the mean gain of itself and of these, but no more than its own gain; a cut
    is worth that too, where it is more than its own. So no mistake is worth more than the larger
    of its own gain and that of a join that waits for it.

    Parameters
    ----------
    gain
        Gain of each mistake, shape (n,).
    pairs
        Their segments, each shape (n,).
    waits
        Which of them are joins that wait, shape (n,).
    cuts
        Rows of cuts, shape (c,), and which of these free their segment, shape (c,).

    Returns
    -------
    Shape (n,); minus infinity for a join with no cut to wait for, but for one that is not listed.
    """
    worth = gain.astype(np.float64)
    joins = np.flatnonzero(waits)
    row, frees = cuts
    segments, of_cut = np.unique(pairs[0][row], return_inverse=True)
    ends = np.stack([_places(segments, side[joins]) for side in pairs])
    freeing = np.bincount(of_cut[frees], minlength=len(segments) + 1)[ends].sum(axis=0) > 0
    for chosen, mine in ((frees, freeing), (np.ones_like(frees), ~freeing)):
        cut, place, end, join = row[chosen], of_cut[chosen], ends[:, mine], joins[mine]
        count = np.bincount(place, minlength=len(segments) + 1)[end].sum(axis=0)
        gains = np.bincount(place, gain[cut], minlength=len(segments) + 1)[end].sum(axis=0)
        mean = np.where(count > 0, (gain[join] + gains) / (1 + count), -np.inf)
        worth[join] = np.minimum(gain[join], mean)
        most = np.full(len(segments) + 1, -np.inf)
        np.maximum.at(most, end.ravel(), np.tile(worth[join], 2))
        worth[cut] = np.maximum(worth[cut], most[place])
    return worth


def _places(names: Ints, wanted: Ints) -> Ints:
    """Return where names are that are sorted; one beyond the last for those that are not."""
    place = np.searchsorted(names, wanted)
    known = np.append(names, -1)[place] == wanted
    return np.where(known, place, len(names))
