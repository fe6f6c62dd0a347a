"""SGD and AdamW that change weights in place between passes, and make up for stale gradients.

A stage changes its weights while the graphs of later mini-batches still hold them, which torch
forbids unless the counter of versions is left alone: all changes go through ``.data``. The storage
stays the same, so that a backward pass reads the newest weights, as the method wants it.

With v = m·v + g, D the number of updates missed and η the learning rate:

- **none**: ``w -= η·v``, torch's own update, bit by bit.
- **spike**: ``w -= η·(a·v + b·g)`` with ``a = m^(D+1)`` and ``b = (1 - m^(D+1)) / (1 - m)``: a
  gradient that comes late makes up at once for the steps in which momentum would have carried
  it. For D = 0 it is Nesterov's method. (Kosson et al., "Pipelined Backpropagation at Scale",
  arXiv:2003.11666, with D + 1 in the place of D.)
- **predict**: the forward pass is done with ``w - η·D·v``, the weights expected at the backward
  pass (SpecTrain, arXiv:1809.02839).

AdamW keeps v as a mean: the spike there is ``m^(D+1)·v + (1 - m^(D+1))·g``, which for D = 0 is Adam
with Nesterov's momentum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import torch
from torch import Tensor


class Compensation(StrEnum):
    """How stale gradients are made up for."""

    NONE = "none"
    SPIKE = "spike"
    PREDICT = "predict"


@dataclass(frozen=True, slots=True)
class Optimizer:
    """How weights change."""

    kind: Literal["sgd", "adamw"] = "sgd"

    rate: float | Callable[[int], float] = 0.01
    """Learning rate, or a function from the mini-batch (counted from 0) to it."""

    momentum: float = 0.9
    """m; the first beta of AdamW."""

    second_momentum: float = 0.999
    """The second beta of AdamW."""

    epsilon: float = 1e-8
    """Added to the denominator of AdamW."""

    weight_decay: float = 0.0
    """Added to the gradient by SGD, taken off the weights by AdamW, as in torch."""

    nesterov: bool = False
    """Nesterov's momentum for SGD without spike compensation."""

    compensation: Compensation = Compensation.NONE

    average: float = 0.0
    """Decay of the running mean of the weights that is kept beside them; 0 keeps none."""

    def rate_at(self, index: int) -> float:
        """Return the learning rate for a mini-batch."""
        return self.rate(index) if callable(self.rate) else self.rate


class Moments:
    """The weights of one stage with what the optimizer remembers of each.

    Parameters
    ----------
    weights
        By name; changed in place, in full precision.
    optimizer
        How they change.
    """

    def __init__(self, weights: Mapping[str, Tensor], optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self._weights = dict(weights)
        kept = {"velocity", *(("square",) if optimizer.kind == "adamw" else ())}
        self.kept: dict[str, dict[str, Tensor]] = {
            kind: {name: torch.zeros_like(w) for name, w in self._weights.items()}
            for kind in sorted(kept)
        }
        if optimizer.average:
            self.kept["average"] = {n: w.detach().clone() for n, w in self._weights.items()}

    @torch.no_grad()
    def step(self, gradients: Mapping[str, Tensor], index: int, lag: int) -> None:
        """Change the weights by the gradients of one mini-batch.

        Parameters
        ----------
        gradients
            By name of the weight; weights that are not named stay as they are.
        index
            Mini-batch, counted from 0 over the whole training: gives the learning rate and the
            correction of bias.
        lag
            Updates that the gradients missed (D).
        """
        rate = self.optimizer.rate_at(index)
        change = self._adamw if self.optimizer.kind == "adamw" else self._sgd
        for name, gradient in gradients.items():
            change(name, gradient, rate, index, lag)
        for name, mean in self.kept.get("average", {}).items():
            mean.lerp_(self._weights[name].data, 1 - self.optimizer.average)

    def _sgd(self, name: str, gradient: Tensor, rate: float, index: int, lag: int) -> None:
        """Change one weight by SGD; the operations are torch's, in torch's order."""
        o, weight = self.optimizer, self._weights[name].data
        if o.weight_decay:
            gradient = gradient.add(weight, alpha=o.weight_decay)
        if not o.momentum:
            weight.add_(gradient, alpha=-rate)
            return
        velocity = self.kept["velocity"][name].mul_(o.momentum).add_(gradient)
        if o.compensation is Compensation.SPIKE:
            a = o.momentum ** (lag + 1)
            weight.add_(velocity, alpha=-rate * a)
            weight.add_(gradient, alpha=-rate * (1 - a) / (1 - o.momentum))
        elif o.nesterov:
            weight.add_(gradient.add(velocity, alpha=o.momentum), alpha=-rate)
        else:
            weight.add_(velocity, alpha=-rate)

    def _adamw(self, name: str, gradient: Tensor, rate: float, index: int, lag: int) -> None:
        """Change one weight by AdamW (Loshchilov and Hutter, arXiv:1711.05101)."""
        o, weight = self.optimizer, self._weights[name].data
        if o.weight_decay:
            weight.mul_(1 - rate * o.weight_decay)
        velocity = self.kept["velocity"][name].lerp_(gradient, 1 - o.momentum)
        square = self.kept["square"][name].mul_(o.second_momentum)
        square.addcmul_(gradient, gradient, value=1 - o.second_momentum)
        root = (1 - o.second_momentum ** (index + 1)) ** 0.5
        denominator = (square.sqrt() / root).add_(o.epsilon)
        unbiased = 1 / (1 - o.momentum ** (index + 1))
        if o.compensation is Compensation.SPIKE:
            a = o.momentum ** (lag + 1)
            weight.addcdiv_(velocity, denominator, value=-rate * a * unbiased)
            weight.addcdiv_(gradient, denominator, value=-rate * (1 - a))
        else:
            weight.addcdiv_(velocity, denominator, value=-rate * unbiased)

    @torch.no_grad()
    def predicted(self, index: int, lag: int) -> dict[str, Tensor]:
        """Return the weights expected after some more updates like the last one.

        Parameters
        ----------
        index
            Mini-batch whose update comes next: as many updates were made.
        lag
            How many updates ahead.
        """
        far = self.optimizer.rate_at(index) * lag
        if self.optimizer.kind == "sgd":
            velocity = self.kept["velocity"]
            return {n: w.data.sub(velocity[n], alpha=far) for n, w in self._weights.items()}
        return {n: w.data - far * self._direction(n, index) for n, w in self._weights.items()}

    def _direction(self, name: str, index: int) -> Tensor:
        """Return the last step of AdamW for one weight, for a learning rate of 1."""
        o, steps = self.optimizer, max(1, index)
        root = (self.kept["square"][name] / (1 - o.second_momentum**steps)).sqrt()
        return self.kept["velocity"][name] / (1 - o.momentum**steps) / (root + o.epsilon)
