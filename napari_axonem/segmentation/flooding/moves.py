"""Where the field of view goes next: the queue of one object's positions.

The published code takes positions from a first-in, first-out queue, one at a time. A position
changes the mask only inside of its field of view. So a position whose field of view does not touch
that of any position waiting before it can be computed at the same time, with the same result; the
positions that it leads to are put in line when its turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from napari_axonem.geometry import Zyx
from napari_axonem.segmentation.flooding.mask import Logits

LOOKED_AHEAD = 64
"""So many waiting positions are looked at for some that can be computed at the same time."""

Scored = tuple[float, Zyx]
"""A logit, and where it was found."""


def face_maxima(logits: Logits, step: Zyx, threshold: float) -> list[list[Zyx]]:
    """Return the moves that fields of view ask for, best first.

    On each of the six faces of a box that reaches `step` voxels from the centre the largest logit
    is a move, if it reaches the threshold.

    Parameters
    ----------
    logits
        Of fields of view, shape (n, z, y, x).
    step
        Distance z, y, x of the faces from the centre; none along an axis where it is 0.
    threshold
        A logit.

    Returns
    -------
    For each field of view offsets z, y, x from its centre, without repetition.
    """
    centre = [n // 2 for n in logits.shape[1:]]
    inner = [slice(c - s, c + s + 1) for c, s in zip(centre, step, strict=True)]
    found: list[set[Scored]] = [set() for _ in logits]
    for axis in range(3):
        for side in (-step[axis], step[axis]) if step[axis] else ():
            where: list[slice | int] = list(inner)
            where[axis] = centre[axis] + side
            faces = logits[(slice(None), *where)]
            (height, width), flat = faces.shape[1:], faces.reshape(len(faces), -1)
            best = flat.argmax(axis=1)
            scores = flat[np.arange(len(flat)), best]
            for n in np.flatnonzero(scores >= threshold).tolist():
                first, second = divmod(int(best[n]), width)
                offset = [first - height // 2, second - width // 2]
                offset.insert(axis, side)
                found[n].add((float(scores[n]), (offset[0], offset[1], offset[2])))
    return [[offset for _, offset in sorted(moves, reverse=True)] for moves in found]


@dataclass(slots=True)
class Turn:
    """A position in line."""

    position: Zyx
    led_to: list[Zyx] | None = None
    """Positions that it asks for once it was computed or passed over, None until then."""

    under_way: bool = False


@dataclass(slots=True)
class MoveQueue:
    """The positions of one object, in line.

    Positions are thought of as cells of `step` voxels around the seed; each cell is visited once.
    """

    seed: Zyx
    fov: Zyx
    step: Zyx
    line: deque[Turn] = field(default_factory=deque)
    done: set[Zyx] = field(default_factory=set)
    """Cells that were visited."""

    visited: list[Zyx] = field(default_factory=list)
    """Positions that were computed."""

    def take(self, most: int, is_valid: Callable[[Zyx], bool]) -> Iterator[Turn]:
        """Yield up to `most` positions to compute now, which do not depend on one another.

        Parameters
        ----------
        is_valid
            Whether a position may be computed; asked when the answer cannot change any more.
        """
        waiting: list[Zyx] = []
        for turn in tuple(islice(self.line, LOOKED_AHEAD)):
            if most <= 0:
                break
            if turn.led_to is not None:
                continue
            if self.cell(turn.position) in self.done:
                turn.led_to = []
            elif turn.under_way or self._touches(turn.position, waiting):
                waiting.append(turn.position)
            elif is_valid(turn.position):
                turn.under_way = True
                waiting.append(turn.position)
                most -= 1
                yield turn
            else:
                turn.led_to = []
        self.advance()

    def computed(self, turn: Turn, offsets: list[Zyx]) -> None:
        """Take that a position was computed, and the moves from it."""
        turn.under_way = False
        z, y, x = turn.position
        turn.led_to = [(z + dz, y + dy, x + dx) for dz, dy, dx in offsets]
        self.done.add(self.cell(turn.position))
        self.visited.append(turn.position)
        self.advance()

    def passed_over(self, turn: Turn) -> None:
        """Take that a position under way is not to be computed."""
        turn.under_way, turn.led_to = False, []
        self.advance()

    def advance(self) -> None:
        """Let those at the front go whose turn is over; what they led to goes to the end."""
        while self.line and self.line[0].led_to is not None:
            self.line.extend(Turn(p) for p in self.line.popleft().led_to or ())

    def cell(self, position: Zyx) -> Zyx:
        """Return the cell that a position is in; the seed is in the middle of its own."""
        (z, y, x), (a, b, c), (i, j, k) = position, self.seed, self.step
        # written out: it is asked for a hundred times for each field of view
        return (
            (z - a + i // 2) // (i or 1),
            (y - b + j // 2) // (j or 1),
            (x - c + k // 2) // (k or 1),
        )

    def _touches(self, one: Zyx, others: list[Zyx]) -> bool:
        """Whether the field of view at a position touches one at any other."""
        (z, y, x), (height, depth, width) = one, self.fov
        for a, b, c in others:
            if abs(a - z) < height and abs(b - y) < depth and abs(c - x) < width:
                return True
        return False
