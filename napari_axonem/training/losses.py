"""Losses of affinities: cross-entropy, balanced between joined and parted, and Dice.

All are means over known voxels alone, and 0 with a gradient of 0 where nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

RAREST = 0.05
"""Share of a class below which its weight grows no more: one voxel shall not outweigh a patch."""


@dataclass(frozen=True, slots=True)
class AffinityLoss:
    """Weighted binary cross-entropy of logits, plus a part of Dice.

    Called with the network's output and what the sampler made of a patch.
    """

    balance: float = 1.0
    """0 counts each voxel once; 1 lets joined and parted voxels weigh the same in a channel."""

    dice: float = 0.0
    """How much of the Dice loss of the parted voxels is added."""

    auxiliary: float = 1.0
    """Weight of a long-range channel; a nearest-neighbour channel has 1."""

    nearest: int = 3
    """How many channels are nearest-neighbour affinities; they come first."""

    def __call__(self, logits: Tensor, values: Tensor, known: Tensor) -> Tensor:
        """Return the loss, a scalar in full precision.

        Parameters
        ----------
        logits
            Shape (n, c, z, y, x), any float type.
        values
            The same shape, 0 or 1.
        known
            The same shape, bool.
        """
        logits, values, mask = logits.float(), values.float(), known.float()
        weight = mask * class_weights(values, mask, self.balance)
        bce = functional.binary_cross_entropy_with_logits(logits, values, reduction="none")
        of_channel = _per_channel(weight * bce) / _per_channel(weight).clamp_min(1.0)
        if self.dice:
            of_channel = of_channel + self.dice * _dice(logits, values, mask)
        share = torch.full_like(of_channel, self.auxiliary)
        share[: self.nearest] = 1.0
        share = share * (_per_channel(mask) > 0)
        return (share * of_channel).sum() / share.sum().clamp_min(1.0)


def class_weights(values: Tensor, mask: Tensor, balance: float) -> Tensor:
    """Return weights (n, c, z, y, x) that even out joined and parted voxels in each channel."""
    known = _per_channel(mask).clamp_min(1.0)
    joined = (_per_channel(values * mask) / known).clamp(RAREST, 1 - RAREST)
    of_joined, of_parted = (0.5 / joined) ** balance, (0.5 / (1 - joined)) ** balance
    shape = (1, -1, *[1] * (values.dim() - 2))
    return torch.where(values > 0.5, of_joined.view(shape), of_parted.view(shape))


def _dice(logits: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Return per channel 1 - Dice of what is parted: the rarer class, and the one that matters."""
    said, true = torch.sigmoid(-logits) * mask, (1 - values) * mask
    common = 2 * _per_channel(said * true)
    return 1 - (common + 1.0) / (_per_channel(said * said) + _per_channel(true * true) + 1.0)


def _per_channel(x: Tensor) -> Tensor:
    return x.sum(dim=[0, *range(2, x.dim())])
