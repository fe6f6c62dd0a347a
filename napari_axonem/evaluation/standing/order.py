"""The order in which mistakes are to be repaired."""

from __future__ import annotations

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
    cuts_first,
    enough_voxels,
    spoilt_if_joined,
)

if TYPE_CHECKING:
    from napari_axonem.evaluation.standing.listing import Listing

AHEAD = 100
"""Mistakes, the worst by VOI, whose gain in run length is worked out, where fewer are listed: a
gain takes a fraction of a millisecond."""


def in_order(
    listing: Listing, tally: Tally, choice: Choice, limit: int | None, lengths: RunLengths | None
) -> list[Mistake]:
    """Return mistakes in the order of `Choice.rank`; arguments as in `Standing.mistakes`."""
    least = max(1, choice.min_voxels)
    if choice.rank == "voi":
        return listing.described(listing.first(choice.lists, limit), least)
    gains = choice.rank != "repair" and lengths is not None
    ahead = max(limit, AHEAD) if gains and limit is not None else limit
    rows = _cuts_first(listing, tally, choice, listing.first(choice.lists, ahead), lengths)
    found = listing.described(rows.take(slice(ahead)), least)
    if gains and lengths is not None:
        worth = 1.0 if choice.rank == "both" else 0.0
        unit = ERL_BITS / max(1e-9, lengths.runs.truth_erl())
        value = [worth * one.gain_voi + unit * lengths.gain(one) for one in found]
        found = [found[n] for n in np.argsort(-np.array(value), kind="stable").tolist()]
    return found[:limit]


def _cuts_first(
    listing: Listing, tally: Tally, choice: Choice, rows: Rows, lengths: RunLengths | None
) -> Rows:
    """Return mistakes, and cuts that joins among them wait for, in the order of repair."""
    waits = _waiting(listing, tally, rows, lengths)
    if not waits.any():
        return rows
    segments = np.unique(np.concatenate([rows.red[waits], rows.blue[waits]])).astype(np.int64)
    cuts = listing.cuts(segments)
    # a join may wait for a cut that is too small to be listed by itself, not for one of a kind
    # or in a place that nobody asked for
    cuts = cuts.take(choice.concerns(cuts))
    both, place = _united(rows, cuts)
    pairs = rows.red.astype(np.int64), rows.blue.astype(np.int64)
    order = cuts_first(~rows.merge, pairs, waits, (place, cuts.red.astype(np.int64)))
    return both.take(order)


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


def _waiting(listing: Listing, tally: Tally, rows: Rows, lengths: RunLengths | None) -> Bools:
    """Tell which joins would make a segment that two true objects spoil."""
    joins = np.flatnonzero(~rows.merge)
    pairs = rows.red[joins].astype(np.int64), rows.blue[joins].astype(np.int64)
    segments = np.unique(np.concatenate(pairs))
    if lengths is None:
        parts = tally.parts(segments)
        known = parts.truth > 0
        shares = parts.segment[known], parts.truth[known], parts.voxels[known]
        spoilt = spoilt_if_joined(pairs, shares, enough_voxels)
    else:
        shares = lengths.runs.nodes_on(listing.members(segments))
        order = np.argsort(shares[0], kind="stable")
        segment, skeleton, nodes = (column[order] for column in shares)
        spoilt = spoilt_if_joined(pairs, (segment, skeleton, nodes), lengths.runs.is_big)
    waits = np.zeros(len(rows), np.bool_)
    waits[joins] = spoilt
    return waits
