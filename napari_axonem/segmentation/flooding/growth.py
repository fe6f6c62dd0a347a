"""One object that grows from its seed, one field of view after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx
from napari_axonem.segmentation.flooding.mask import GrowingMask, Logits
from napari_axonem.segmentation.flooding.moves import MoveQueue, Turn
from napari_axonem.segmentation.flooding.rules import Rules


class Stage(StrEnum):
    """Where an object's growth stands."""

    GROWING = "growing"
    GROWN = "grown"
    WEAK = "weak"
    """The network took the seed back: there is no object."""


@dataclass(slots=True)
class Growth:
    """An object that grows; nothing outside of it changes.

    Parameters are made by `begin`.
    """

    rules: Rules
    seed: Zyx
    mask: GrowingMask
    queue: MoveQueue
    stage: Stage = Stage.GROWING
    fields: int = 0
    """Fields of view computed so far."""

    @classmethod
    def begin(cls, seed: Zyx, bounds: Box, rules: Rules) -> Growth:
        """Return an object of which only the seed is known."""
        mask = GrowingMask(bounds, field_of_view(seed, rules))
        mask.window(Box(seed, (seed[0] + 1, seed[1] + 1, seed[2] + 1)))[:] = rules.seed
        queue = MoveQueue(seed, rules.fov, rules.step)
        queue.line.append(Turn(seed))
        return cls(rules, seed, mask, queue)

    def take(self, most: int, is_free: Callable[[Zyx], bool]) -> list[Turn]:
        """Return up to `most` positions to compute now; none when the object has stopped growing.

        Parameters
        ----------
        is_free
            Whether a field of view may be centred on a voxel: inside, and no other object's.
        """
        if self.stage is not Stage.GROWING:
            return []
        turns = list(self.queue.take(most, lambda p: self._may_move(p, is_free)))
        if not self.queue.line:
            self.stage = Stage.GROWN
        return turns

    def window(self, turn: Turn) -> Logits:
        """Return what is known of the mask at a position: a view, NaN where nothing is."""
        return self.mask.window(field_of_view(turn.position, self.rules))

    def computed(self, turn: Turn, logits: Logits, moves: list[Zyx]) -> None:
        """Take new logits at a position, as they are to be, and the moves that they ask for."""
        self.window(turn)[:] = logits
        self.fields += 1
        self.queue.computed(turn, moves)
        if self.mask.at(self.seed) < self.rules.move:
            self.stage = Stage.WEAK
        elif not self.queue.line:
            self.stage = Stage.GROWN

    def passed_over(self, turn: Turn) -> None:
        """Let go of a position that was taken, and that another object has now."""
        self.queue.passed_over(turn)
        if not self.queue.line:
            self.stage = Stage.GROWN

    def claims(self) -> tuple[Box, npt.NDArray[np.bool_]]:
        """Return the box of the mask, and which of its voxels are the object's."""
        return self.mask.box, self.mask.logits >= self.rules.segment

    def _may_move(self, position: Zyx, is_free: Callable[[Zyx], bool]) -> bool:
        return self.mask.at(position) >= self.rules.move and is_free(position)


def field_of_view(centre: Zyx, rules: Rules) -> Box:
    """Return the voxels seen from a position."""
    low = [c - r for c, r in zip(centre, rules.reach, strict=True)]
    return Box(
        (low[0], low[1], low[2]),
        (low[0] + rules.fov[0], low[1] + rules.fov[1], low[2] + rules.fov[2]),
    )
