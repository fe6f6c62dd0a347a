"""The learning rate over a run, and how long the run is."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST = 0.02
"""Share of the highest rate at the end of a run."""


@dataclass(slots=True)
class Schedule:
    """A rise to the highest rate, then half a cosine down to `LEAST` of it.

    The length may change on the way, when a run is given more time or less: the rate then
    follows the new curve.
    """

    rate: float
    warmup: int
    total: int
    """Mini-batches of the whole run."""

    scale: float = 1.0
    """Made smaller when the run went astray."""

    def __call__(self, index: int) -> float:
        """Return the rate for a mini-batch, counted from 0."""
        rising = min(1.0, (index + 1) / max(1, min(self.warmup, self.total // 2)))
        done = min(1.0, index / max(1, self.total))
        falling = LEAST + (1 - LEAST) * (1 + math.cos(math.pi * done)) / 2
        return self.rate * self.scale * rising * falling


def steps_that_fit(done: int, seconds_spent: float, seconds: float) -> int:
    """Return the length of a run that is to last `seconds`, from how it went so far."""
    if done == 0 or seconds_spent <= 0:
        return done + 1
    return max(done, math.floor(done * seconds / seconds_spent))
