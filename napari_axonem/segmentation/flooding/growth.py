"""One object that grows from its seed, one field of view after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx
from napari_axonem.segmentation.flooding.mask import GrowingMask, Logits
from napari_axonem.segmentation.flooding.moves import MoveQueue, Turn, face_maxima
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

    def known(self, turn: Turn) -> Logits:
        """Return what the network is shown of the mask at a position: a copy, without NaN."""
        window = self.mask.window(field_of_view(turn.position, self.rules))
        return np.where(np.isnan(window), np.float32(self.rules.unknown), window)

    def computed(self, turn: Turn, logits: Logits) -> None:
        """Take what the network said at a position; `logits` is changed and kept."""
        window = self.mask.window(field_of_view(turn.position, self.rules))
        if self.rules.freeze and bool((logits >= self.rules.move).any()):
            # a comparison with NaN is false: what was unknown is free to change
            outside = (window < 0) & (logits > window)
            logits[outside] = window[outside]
        window[:] = logits
        self.fields += 1
        self.queue.computed(turn, face_maxima(logits, self.rules.step, self.rules.move))
        if self.mask.at(self.seed) < self.rules.move:
            self.stage = Stage.WEAK
        elif not self.queue.line:
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
