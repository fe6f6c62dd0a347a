"""Pieces: each chain cut along its length; a fragment is one piece, or two that are fused.

Chains are laid end to end on one line, so that the piece of a place is a search among all
breaks. Noise moves the place along the line first: fragments end in irregular faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_axonem.volumes.phantom.arrays import Bools, Doubles, Floats, Ids, Ints
from napari_axonem.volumes.phantom.chains import Chains
from napari_axonem.volumes.phantom.hashing import generator
from napari_axonem.volumes.phantom.settings import PhantomSettings
from napari_axonem.volumes.phantom.tubes import Tubes

RAGGEDNESS = 90.0
"""How far in nm noise moves the face between two fragments of a neurite, either way."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """How the chains of a phantom are cut. All pieces lie in the order of their chains."""

    breaks: Doubles
    """Where each piece begins on the line of all chains, in nm, rising; shape (p,)."""

    chain: Ints
    """The chain of each piece, shape (p,)."""

    fragment: Ids
    """The fragment of each piece, shape (p,)."""

    arc: Doubles
    """Where each tube begins on the line, in nm, shape (t,)."""

    low: Doubles
    """Where the chain of each tube begins on the line, shape (t,)."""

    high: Doubles
    """Where the chain of each tube ends on the line, less a little, shape (t,)."""

    def find(self, tube: Ints, along: Floats, noise: Floats) -> Ints:
        """Return the piece of places at `along` nm on `tube`; arrays of one shape.

        `noise` is in [-1, 1].
        """
        place = self.arc[tube] + along
        place += RAGGEDNESS * noise
        np.maximum(place, self.low[tube], out=place)
        np.minimum(place, self.high[tube], out=place)
        return np.searchsorted(self.breaks, place, side="right") - 1


def cut_chains(chains: Chains, tubes: Tubes, settings: PhantomSettings) -> Pieces:
    """Return the chains cut into pieces of about the settings' fragment length."""
    rng = generator(settings.seed, "pieces")
    start_of_chain, length_of_chain, arc = _line(chains, tubes)
    breaks: list[Doubles] = []
    for start, length in zip(start_of_chain, length_of_chain, strict=True):
        count = max(1, round(length / (settings.fragment_length * rng.uniform(0.8, 1.25))))
        inner = np.arange(1, count) + rng.uniform(-0.25, 0.25, count - 1)
        breaks.append(start + np.concatenate([[0.0], inner * length / count]))
    chain = np.repeat(np.arange(len(chains)), [len(b) for b in breaks])
    of_tube = chains.chain_of_point[tubes.point]
    return Pieces(
        breaks=np.concatenate(breaks),
        chain=chain,
        fragment=np.arange(1, len(chain) + 1, dtype=np.uint32),
        arc=arc,
        low=start_of_chain[of_tube],
        high=start_of_chain[of_tube] + length_of_chain[of_tube] - 1e-3,
    )


def keep_pieces(pieces: Pieces, before: Chains, after: Chains, tubes: Tubes, used: Bools) -> Pieces:
    """Return the pieces that are used, each grown over the unused ones of its chain.

    Parameters
    ----------
    pieces, before
        As they were.
    after, tubes
        The chains of `before` that have a used piece, in their order, and their tubes.
    used
        For each of `pieces`.
    """
    old_start = _chain_starts(pieces, before)
    new_start, length, arc = _line(after, tubes)
    kept_chains = np.unique(pieces.chain[used])
    chain = np.searchsorted(kept_chains, pieces.chain[used])
    breaks = pieces.breaks[used] - old_start[pieces.chain[used]] + new_start[chain]
    first = np.concatenate([[True], chain[1:] != chain[:-1]])
    breaks[first] = new_start[chain[first]]
    of_tube = after.chain_of_point[tubes.point]
    return Pieces(
        breaks=breaks,
        chain=chain,
        fragment=np.arange(1, len(chain) + 1, dtype=np.uint32),
        arc=arc,
        low=new_start[of_tube],
        high=new_start[of_tube] + length[of_tube] - 1e-3,
    )


def _line(chains: Chains, tubes: Tubes) -> tuple[Doubles, Doubles, Doubles]:
    """Lay the chains end to end: return start and length of each, and the start of each tube."""
    of_tube = chains.chain_of_point[tubes.point]
    length = np.bincount(of_tube, weights=tubes.length, minlength=len(chains))
    start = np.concatenate([[0.0], np.cumsum(length)[:-1]])
    arc = np.concatenate([[0.0], np.cumsum(tubes.length, dtype=np.float64)[:-1]])
    return start, length.astype(np.float64), arc


def _chain_starts(pieces: Pieces, chains: Chains) -> Doubles:
    first = np.searchsorted(pieces.chain, np.arange(len(chains)))
    return pieces.breaks[first]
