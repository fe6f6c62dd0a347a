"""What all strategies have in common: one interface, and what is told of a mini-batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from napari_axonem.training.loading import Batch


@dataclass(frozen=True, slots=True)
class Done:
    """A mini-batch that was learned from."""

    index: int
    loss: float

    busy: tuple[float, ...] = ()
    """Share of the time in which each stage was busy, foremost first; empty where not measured."""

    stale: tuple[int, ...] = ()
    """Updates that the gradients of each stage missed."""


class Strategy(Protocol):
    """Learns from mini-batches."""

    @property
    def steps(self) -> int:
        """Mini-batches learned from so far."""

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks; of several, the first does."""

    @property
    def share(self) -> tuple[int, int]:
        """Which share of each mini-batch this process learns from: its rank and their number."""

    def train(self, batches: Iterable[Batch]) -> Iterator[Done]:
        """Learn from mini-batches; yield each in order when it is done."""

    def drain(self) -> None:
        """Take no more mini-batches; the loop over `train` ends with those in flight."""

    def state_dict(self) -> dict[str, Tensor]:
        """Return all that the next mini-batch depends on, by name of the layer."""

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from such a state."""
