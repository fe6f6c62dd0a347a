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


def face_maxima(logits: Logits, step: Zyx, threshold: float) -> list[Zyx]:
    """Return the moves that a field of view asks for, best first.

    On each of the six faces of a box that reaches `step` voxels from the centre the largest logit
    is a move, if it reaches the threshold.

    Parameters
    ----------
    logits
        Of one field of view, shape (z, y, x).
    step
        Distance z, y, x of the faces from the centre; none along an axis where it is 0.
    threshold
        A logit.

    Returns
    -------
    Offsets z, y, x from the centre, without repetition.
    """
    centre = [n // 2 for n in logits.shape]
    inner = [slice(c - s, c + s + 1) for c, s in zip(centre, step, strict=True)]
    found: set[Scored] = set()
    for axis in range(3):
        for side in (-step[axis], step[axis]) if step[axis] else ():
            where: list[slice | int] = list(inner)
            where[axis] = centre[axis] + side
            face = logits[tuple(where)]
            first, second = divmod(int(np.argmax(face)), face.shape[1])
            score = float(face[first, second])
            if score >= threshold:
                offset = [first - face.shape[0] // 2, second - face.shape[1] // 2]
                offset.insert(axis, side)
                found.add((score, (offset[0], offset[1], offset[2])))
    return [offset for _, offset in sorted(found, reverse=True)]


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
            elif turn.under_way or any(self._touch(turn.position, w) for w in waiting):
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

    def advance(self) -> None:
        """Let those at the front go whose turn is over; what they led to goes to the end."""
        while self.line and self.line[0].led_to is not None:
            self.line.extend(Turn(p) for p in self.line.popleft().led_to or ())

    def cell(self, position: Zyx) -> Zyx:
        """Return the cell that a position is in; the seed is in the middle of its own."""
        z, y, x = (
            (p - s + d // 2) // max(d, 1)
            for p, s, d in zip(position, self.seed, self.step, strict=True)
        )
        return z, y, x

    def _touch(self, one: Zyx, other: Zyx) -> bool:
        return all(abs(a - b) < f for a, b, f in zip(one, other, self.fov, strict=True))
