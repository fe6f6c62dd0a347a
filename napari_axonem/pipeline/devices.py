"""Where a stage computes, and how tensors get there from the stage beside it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

Shipped = tuple[Tensor | None, ...]
"""Live tensors, or their gradients, where some have none."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Tensors on the way from one stage to the next."""

    tensors: Shipped
    ready: torch.cuda.Event | None = None
    """Recorded by the sender after it computed the tensors; None where nothing runs ahead."""


class Place:
    """The device of a stage, with streams of its own on CUDA.

    Every stage computes on its own stream, so that stages on one device overlap, and receives on
    another, so that copies overlap computing.

    Parameters
    ----------
    device
        ``"cpu"``, ``"cuda:1"``, …
    """

    def __init__(self, device: str | torch.device) -> None:
        self.device = torch.device(device)
        self._compute = _stream(self.device)
        self._copies = _stream(self.device)

    def begin(self) -> None:
        """Let the work of this stage follow what its device was told before: weights above all."""
        if self._compute is not None:
            self._compute.wait_stream(torch.cuda.current_stream(self.device))

    def working(self) -> contextlib.AbstractContextManager[object]:
        """Return a context in which work goes to the stream of this stage."""
        if self._compute is None:
            return contextlib.nullcontext()
        return torch.cuda.stream(self._compute)

    def send(self, tensors: Shipped) -> Parcel:
        """Return `tensors`, just computed here, for another stage to receive."""
        if self._compute is None:
            return Parcel(tensors)
        ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
        ready.record(self._compute)
        return Parcel(tensors, ready)

    def receive(self, parcel: Parcel) -> Shipped:
        """Return the tensors of a parcel on this device, in order with the work of this stage."""
        if self._compute is None or self._copies is None:
            if parcel.ready is not None:
                parcel.ready.synchronize()
            return tuple(None if t is None else t.to(self.device) for t in parcel.tensors)
        if parcel.ready is not None:
            self._copies.wait_event(parcel.ready)
        with torch.cuda.stream(self._copies):
            here = tuple(None if t is None else self._copied(t) for t in parcel.tensors)
        self._compute.wait_stream(self._copies)
        for tensor in here:
            if tensor is not None:
                # the allocator may not reuse it before this stage has read it
                tensor.record_stream(self._compute)
        return here

    def _copied(self, tensor: Tensor) -> Tensor:
        """Return `tensor` here; through the host where direct copies are not to be trusted."""
        if tensor.device == self.device:
            return tensor
        if tensor.device.type == "cuda":
            assert self._copies is not None
            tensor.record_stream(self._copies)
            if not copies_work(str(tensor.device), str(self.device)):
                tensor = tensor.to("cpu")
        return tensor.to(self.device, non_blocking=True)

    def synchronize(self) -> None:
        """Wait until all work of this stage is done."""
        if self._compute is not None:
            self._compute.synchronize()


def _stream(device: torch.device) -> torch.cuda.Stream | None:
    """Return a new stream on a CUDA device, None on others."""
    if device.type != "cuda":
        return None
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


@lru_cache
def copies_work(source: str, target: str) -> bool:
    """Whether tensors arrive unchanged when they are copied from one device to another.

    Peer-to-peer copies between consumer cards are known to give zeros or to hang on some boards;
    a wrong copy is found here, once a pair, before any training.
    """
    pattern = torch.arange(1 << 20, dtype=torch.int32)
    there = pattern.to(source).to(target)
    return bool(torch.equal(there.to("cpu"), pattern))
