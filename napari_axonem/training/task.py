"""What a trainer needs of whatever is to be learned, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from napari_axonem.networks.card import Card
from napari_axonem.networks.chain import Chain

Arrays = Sequence[npt.NDArray[Any]]
"""An input, then what the loss compares with."""


class Samples(Protocol):
    """Samples by number; each a function of its number, so that a run can be taken up again."""

    def __getitem__(self, number: int, /) -> Arrays:
        """Return the sample of that number, from 0 without end."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a validation found."""

    worth: float
    """What is to become small; decides which weights are the best."""

    figures: Mapping[str, float]
    """By the name of their curve, such as ``voi/validation``."""

    pictures: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
    """By name, grey (y, x) or colours (y, x, 3)."""

    threshold: float | None = None
    """Of agglomeration, where that was chosen."""


class Task(Protocol):
    """Something to be learned."""

    @property
    def samples(self) -> Samples:
        """What is learned from; it goes to other processes."""

    @property
    def loss(self) -> Callable[[Tensor, Sequence[Tensor]], Tensor]:
        """From the network's output, in full precision, and targets to a number to make small."""

    @property
    def channels_last(self) -> bool:
        """Whether volumes are laid out with channels last, faster for most convolutions."""

    def build(self) -> Chain:
        """Return the network with fresh weights, from torch's random numbers."""

    def validate(self, network: Chain, device: str) -> Scores | None:
        """Return how good the network is; None where there is nothing to validate on."""

    def card(self, scores: Scores | None) -> Card:
        """Return the card of the model as trained so far."""
