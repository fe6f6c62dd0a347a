"""The order in which mistakes are to be repaired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_axonem.evaluation.grouping import Ints
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.parts import part_key
from napari_axonem.evaluation.standing.choice import ERL_BITS, Choice
from napari_axonem.evaluation.standing.lengths import RunLengths
from napari_axonem.evaluation.standing.rows import Rows, stacked
from napari_axonem.evaluation.standing.tally import Tally
from napari_axonem.evaluation.standing.waiting import (
    Bools,
    Floats,
    Holdings,
    Spoils,
    enough_voxels,
    spoilt_if_joined,
    worth_of_repair,
)

if TYPE_CHECKING:
    from napari_axonem.evaluation.standing.listing import Listing

AHEAD = 100
"""So many mistakes, the first by what they are worth in VOI, are put in order by their gain in run
length too: a gain takes a fraction of a millisecond."""

ROUNDING_NM = 1e-6
"""A run length that falls by no more than this does not fall."""


def in_order(
    listing: Listing, tally: Tally, choice: Choice, limit: int | None, lengths: RunLengths | None
) -> list[Mistake]:
    """Return mistakes in the order of `Choice.rank`; arguments as in `Standing.mistakes`."""
    least = max(1, choice.min_voxels)
    if choice.rank == "voi":
        return listing.described(listing.first(choice.lists, limit), least)
    ahead = limit if limit is None or lengths is None else max(limit, AHEAD)
    worth = _cuts_first(listing, tally, choice, ahead, lengths)
    found = listing.described(worth.rows, least)
    if lengths is not None:
        bits, last = worth.worth / tally.known_voxels, worth.last
        if choice.rank == "erl":
            few, bits, last = len(found), np.zeros_like(bits), np.zeros_like(last)
        else:
            few = AHEAD
        found = [*_by_gains(found[:few], bits[:few], last[:few], lengths), *found[few:]]
    return found[:limit]


@dataclass(frozen=True, slots=True, eq=False)
class _Worth:
    """Mistakes, n of them, and what they are worth."""

    rows: Rows

    worth: Floats
    """Bits times voxels, shape (n,)."""

    last: Bools
    """Which come after all others, shape (n,): thin ones that no join waits for."""

    def take(self, order: Ints) -> _Worth:
        """Return some of them."""
        return _Worth(self.rows.take(order), self.worth[order], self.last[order])


def _by_gains(
    found: list[Mistake], bits: Floats, last: Bools, lengths: RunLengths
) -> list[Mistake]:
    """Return mistakes by worth in VOI plus gain in run length.

    What would lower it comes behind, and then what is to come last.
    """
    gains = lengths.gains(found)
    value = bits + gains * (ERL_BITS / max(1e-9, lengths.runs.truth_erl()))
    order = np.lexsort((-value, gains < -ROUNDING_NM, last))
    return [found[n] for n in order.tolist()]


def _cuts_first(
    listing: Listing, tally: Tally, choice: Choice, limit: int | None, lengths: RunLengths | None
) -> _Worth:
    """Return the first mistakes by what they are worth.

    Cuts that joins wait for are among them.
    """
    ahead = None if limit is None else 2 * max(limit, AHEAD)
    while True:
        rows = listing.first(choice.lists, ahead)
        found = _with_worth(listing, tally, choice, rows, lengths)
        merge = found.rows.merge
        order = np.lexsort((np.arange(len(merge)), ~merge, -found.worth, found.last))[:limit]
        found = found.take(order)
        if ahead is None or len(rows) < ahead or not limit:
            return found
        # nothing that was not read is worth more than what it gains, and thin ones come last
        if (found.last[-1], -found.worth[-1]) < (rows.thin[-1], -rows.gain[-1]):
            return found
        ahead *= 2


def _with_worth(
    listing: Listing, tally: Tally, choice: Choice, rows: Rows, lengths: RunLengths | None
) -> _Worth:
    """Return mistakes with the cuts that joins among them wait for, and what each is worth."""
    joins = np.flatnonzero(~rows.merge)
    pairs = rows.red[joins].astype(np.int64), rows.blue[joins].astype(np.int64)
    held, spoils = _holdings(listing, tally, np.unique(np.concatenate(pairs)), lengths)
    waiting = joins[spoilt_if_joined(pairs, held, spoils)]
    if not len(waiting):
        return _Worth(rows, rows.gain, rows.thin)
    segments = np.unique(np.concatenate([rows.red[waiting], rows.blue[waiting]])).astype(np.int64)
    cuts = listing.cuts(segments)
    # a join may wait for a cut that is too small to be listed by itself, not for one of a kind
    # or in a place that nobody asked for
    cuts = cuts.take(choice.concerns(cuts))
    both, place = _united(rows, cuts)
    waits = np.zeros(len(both), np.bool_)
    waits[waiting] = True
    truth = held.thing if lengths is None else lengths.truth[held.thing]
    large = part_key(held.segment, truth)[spoils(held.amount)]
    frees = np.isin(part_key(cuts.red, cuts.red_truth), large)
    both_pairs = both.red.astype(np.int64), both.blue.astype(np.int64)
    last = both.thin.copy()
    last[place[frees]] = False
    return _Worth(both, worth_of_repair(both.gain, both_pairs, waits, (place, frees)), last)


def _holdings(
    listing: Listing, tally: Tally, segments: Ints, lengths: RunLengths | None
) -> tuple[Holdings, Spoils]:
    """Return what some segments have of true objects, or of skeletons, and how much spoils one."""
    if lengths is None:
        parts = tally.parts(segments)
        known = parts.truth > 0
        rows = parts.segment[known], parts.truth[known], parts.voxels[known]
        return Holdings(*rows), enough_voxels
    nodes = lengths.runs.nodes_on(segments)
    return Holdings.of_rows(*nodes), lengths.runs.settings.is_big


def _united(rows: Rows, cuts: Rows) -> tuple[Rows, Ints]:
    """Return rows with the cuts that are not among them behind, and the place of each cut."""
    merges = np.flatnonzero(rows.merge)
    key = part_key(rows.red[merges], rows.red_truth[merges])
    order = np.argsort(key)
    wanted = part_key(cuts.red, cuts.red_truth)
    place = np.minimum(np.searchsorted(key[order], wanted), max(0, len(key) - 1))
    known = np.zeros(len(cuts), np.bool_)
    if len(key):
        known = key[order[place]] == wanted
    found = np.full(len(cuts), -1)
    found[known] = merges[order[place[known]]]
    found[~known] = len(rows) + np.arange(int((~known).sum()))
    return stacked([rows, cuts.take(~known)]), found
