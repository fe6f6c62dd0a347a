"""The weights of one stage: as they are learned, as they compute, and set aside for later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from napari_axonem.networks.chain import Chain, Live


class _Body(nn.Module):
    """A chain whose call takes live tensors, as `functional_call` needs it."""

    def __init__(self, chain: Chain) -> None:
        super().__init__()
        self.chain = chain

    def forward(self, live: Live) -> Live:
        """Return the live tensors after the last operation."""
        return self.chain.run(live)


class StageWeights:
    """Weights of a piece of a chain in full precision, and the set that passes compute with.

    Both are the same tensors unless passes compute in another precision; then the set that computes
    is a copy that follows each change, in place. Automatic casting would not do: it saves a
    copy of the weights for each backward pass, which is weight stashing unasked.

    Parameters
    ----------
    piece
        The operations of the stage, on their device.
    dtype
        In which passes compute, apart from batch normalisation; None for that of the weights.
    """

    def __init__(self, piece: Chain, dtype: torch.dtype | None) -> None:
        self.piece = piece
        self._body = _Body(piece)
        self._full: dict[str, Tensor] = {
            n: p for n, p in piece.named_parameters() if p.requires_grad
        }
        kept_full = _names_of_batch_norms(piece)
        self._computing: dict[str, Tensor] = {
            name: weight
            if dtype is None or weight.dtype == dtype or name in kept_full
            else weight.detach().to(dtype).requires_grad_()
            for name, weight in self._full.items()
        }
        self._has_copies = any(self._computing[n] is not w for n, w in self._full.items())

    @property
    def full(self) -> dict[str, Tensor]:
        """Trainable weights by name, in full precision."""
        return self._full

    @property
    def computing(self) -> dict[str, Tensor]:
        """The tensors that passes compute with now; changed in place, never replaced."""
        return self._computing

    def tensors(self) -> list[Tensor]:
        """Return all tensors that are there whether or not a pass is under way."""
        return [*self.piece.parameters(), *self.piece.buffers(), *self._computing.values()]

    def clones(self) -> dict[str, Tensor]:
        """Return the weights of now, set aside."""
        return {n: w.detach().clone().requires_grad_() for n, w in self._computing.items()}

    def run(self, live: Live, weights: Mapping[str, Tensor]) -> Live:
        """Return what the piece makes of `live` with `weights`; buffers are the piece's own."""
        if weights is self._computing and not self._has_copies:
            return self.piece.run(live)
        named = {f"chain.{name}": tensor for name, tensor in weights.items()}
        result: Live = functional_call(self._body, named, (live,))
        return result

    @torch.no_grad()
    def follow(self) -> None:
        """Bring the set that computes up to date with the full weights."""
        if self._has_copies:
            for name, weight in self._full.items():
                if self._computing[name] is not weight:
                    self._computing[name].data.copy_(weight.data)

    @contextmanager
    def set_to(self, values: Mapping[str, Tensor]) -> Iterator[None]:
        """Compute with other values inside, in the same storage, and with the own ones after."""
        before = {name: tensor.detach().clone() for name, tensor in self._computing.items()}
        self._fill(values)
        try:
            yield
        finally:
            self._fill(before)

    @torch.no_grad()
    def _fill(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._computing[name].data.copy_(value)

    @contextmanager
    def buffers_untouched(self) -> Iterator[None]:
        """Put the buffers back after a pass that is done a second time.

        Running means of batch normalisation would else count a mini-batch twice. ``.data`` leaves
        the counter of versions alone, for graphs that hold the buffers.
        """
        before = [buffer.detach().clone() for buffer in self.piece.buffers()]
        try:
            yield
        finally:
            for buffer, value in zip(self.piece.buffers(), before, strict=True):
                buffer.data.copy_(value)


def _names_of_batch_norms(piece: Chain) -> set[str]:
    """Names of the weights of batch normalisation, which torch wants beside full running means."""
    return {
        f"{name}.{inner}"
        for name, module in piece.named_modules()
        if isinstance(module, _BatchNorm)
        for inner, _ in module.named_parameters(recurse=False)
    }
