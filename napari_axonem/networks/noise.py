"""Dropout whose noise depends on the mini-batch alone, not on who computes it and when."""

from __future__ import annotations

from hashlib import blake2b

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Sets entries to zero at random while training, as `torch.nn.Dropout`.

    The noise comes from a generator of its own that is set before each mini-batch. torch's own
    module draws from one generator for all threads: stages at work at the same time would get
    noise that depends on chance, and a forward pass done again would get other noise.

    Parameters
    ----------
    share
        Of the entries that are set to zero; the others grow by ``1 / (1 - share)``.
    """

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.share = share
        self._seed = 0

    def draw_for(self, key: str) -> None:
        """Set the noise to that which belongs to a key."""
        digest = blake2b(key.encode(), digest_size=8).digest()
        self._seed = int.from_bytes(digest, "little") >> 1

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with noise while training, else unchanged."""
        if not self.training or self.share == 0:
            return x
        generator = torch.Generator(device=x.device)
        generator.manual_seed(self._seed)
        kept = torch.empty_like(x).bernoulli_(1 - self.share, generator=generator)
        return x * kept.div_(1 - self.share)


def draw_noise(module: nn.Module, seed: int, index: int, part: int = 0) -> None:
    """Set the noise of all `Dropout` in `module` to that of one part of mini-batch `index`."""
    for name, inner in module.named_modules():
        if isinstance(inner, Dropout):
            inner.draw_for(f"{seed}/{name}/{index}/{part}")
