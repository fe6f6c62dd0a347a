"""What stages hand to each other, and what the engine tells of a finished mini-batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from napari_axonem.pipeline.devices import Parcel

Targets = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
"""What the loss compares with; the first axis of each tensor counts the batch."""


@dataclass(frozen=True, slots=True)
class StageReport:
    """What one stage did for one mini-batch."""

    forward: float = 0.0
    """Seconds of the forward pass."""

    backward: float = 0.0
    """Seconds of the backward pass and the change of weights."""

    waited: float = 0.0
    """Seconds in which the stage had nothing to do, since its backward pass before."""

    stale: int = 0
    """Changes of the stage's weights between the forward and the backward pass."""

    held: int = 0
    """Bytes held for backward passes at the most so far; 0 where it is not measured."""

    def plus(self, other: StageReport) -> StageReport:
        """Return the sum of the reports of two micro-batches."""
        return StageReport(
            self.forward + other.forward,
            self.backward + other.backward,
            self.waited + other.waited,
            max(self.stale, other.stale),
            max(self.held, other.held),
        )


@dataclass(frozen=True, slots=True)
class Work:
    """A (micro-)batch on its way forward."""

    index: int
    """Of the mini-batch, counted from 0 over the whole training."""

    part: int
    """Of the mini-batch, for micro-batches."""

    share: float
    """Of the mini-batch's samples in this part."""

    live: Parcel
    targets: Targets


@dataclass(frozen=True, slots=True)
class Return:
    """A (micro-)batch on its way back."""

    index: int
    gradients: Parcel
    loss: float
    """Weighed with the share of the part."""

    reports: tuple[StageReport, ...] = ()
    """Of the stages that it came through, the foremost first."""


@dataclass(frozen=True, slots=True)
class Done:
    """A mini-batch that all stages have learned from."""

    index: int
    """Counted from 0 over the whole training."""

    loss: float
    stages: tuple[StageReport, ...]
    """The foremost stage first."""


def each(targets: Targets, change: Callable[[Tensor], Tensor]) -> Targets:
    """Return targets with each tensor changed."""
    if isinstance(targets, Tensor):
        return change(targets)
    if isinstance(targets, dict):
        return {name: change(tensor) for name, tensor in targets.items()}
    return tuple(change(tensor) for tensor in targets)
