"""Bytes that a forward pass keeps for its backward pass, counted as torch saves them."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

import torch
from torch import Tensor


def storages(tensors: Iterable[Tensor]) -> dict[int, int]:
    """Return the storages of tensors: address to size in bytes, each once."""
    found = (tensor.untyped_storage() for tensor in tensors)
    return {storage.data_ptr(): storage.nbytes() for storage in found}


def size(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of tensors, each by its own shape."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class SavedTensors:
    """While entered, notes the storages that operations of this thread save for backward.

    Addresses are those of storages that the graph holds, so that two of them are equal only
    when they are the same storage, for as long as the graph lives.

    Parameters
    ----------
    apart_from
        Tensors that are there anyway: weights and buffers.
    """

    def __init__(self, apart_from: Iterable[Tensor] = ()) -> None:
        self._apart_from = storages(apart_from)
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda tensor: tensor)
        self.found: dict[int, int] = {}
        """Address to size in bytes."""

    def _pack(self, tensor: Tensor) -> Tensor:
        """Note a tensor that is saved; detached, because holding an output makes a cycle."""
        [(address, size_)] = storages([tensor]).items()
        if address not in self._apart_from:
            self.found[address] = size_
        return tensor.detach()

    def __enter__(self) -> Self:
        self._hooks.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hooks.__exit__(kind, error, trace)
