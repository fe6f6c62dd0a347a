"""What each operation of a chain costs: time, memory that waits for the backward pass, transfer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from napari_axonem.networks.chain import Chain, Live
from napari_axonem.pipeline import saved
from napari_axonem.pipeline.messages import Targets
from napari_axonem.pipeline.weights import StageWeights

Storages = dict[int, int]
"""Address to bytes; addresses tell storages of one profile apart."""


@dataclass(frozen=True, slots=True)
class OperationCost:
    """One operation with one mini-batch on one device."""

    name: str
    forward: float
    """Seconds."""

    backward: float
    """Seconds."""

    weights: int
    """Bytes of its weights as they are learned, in full precision."""

    computing: int
    """Bytes of the weights that passes compute with: the same, or copies in another precision."""

    saved: Storages
    """What it saves for its backward pass; an operation before may have saved it as well."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A chain with one mini-batch on one device."""

    operations: tuple[OperationCost, ...]
    live: tuple[Storages, ...]
    """Storages of the live tensors before each operation, and after the last."""

    crossing: tuple[int, ...]
    """Bytes of the live tensors before each operation, and after the last: what a cut ships."""

    def seconds(self, start: int, stop: int) -> float:
        """Return the time of both passes through the operations `start` to `stop`."""
        return sum(op.forward + op.backward for op in self.operations[start:stop])

    def forward_seconds(self, start: int, stop: int) -> float:
        """Return the time of the forward pass through the operations `start` to `stop`."""
        return sum(op.forward for op in self.operations[start:stop])

    def weights(self, start: int, stop: int) -> int:
        """Return the bytes of the weights of the operations `start` to `stop`, as learned."""
        return sum(op.weights for op in self.operations[start:stop])

    def computing(self, start: int, stop: int) -> int:
        """Return the bytes of the weights that these operations compute with."""
        return sum(op.computing for op in self.operations[start:stop])

    def activations(self, start: int, stop: int) -> int:
        """Return the bytes that a stage of these operations keeps for one mini-batch.

        Saved tensors, inputs and outputs, each storage once.
        """
        kept = dict(self.live[start]) | self.live[stop]
        for operation in self.operations[start:stop]:
            kept |= operation.saved
        return sum(kept.values())

    def working(self, start: int, stop: int) -> int:
        """Return the most bytes that gradients take while one of these operations goes backward.

        The gradients of all live tensors before it and after it.
        """
        return max(self.crossing[n] + self.crossing[n + 1] for n in range(start, stop))


def profile(
    chain: Chain,
    inputs: Tensor | Live,
    *,
    loss: Callable[[Live, Targets], Tensor] | None = None,
    targets: Targets | None = None,
    dtype: torch.dtype | None = None,
    repeats: int = 3,
) -> Profile:
    """Measure each operation of a chain, on the device where the chain and the inputs are.

    Parameters
    ----------
    inputs
        One mini-batch as in training.
    loss, targets
        Counted to the last operation where given.
    dtype
        Of the passes, as in `Plan`.
    repeats
        Times each operation is run after a first one; the least time counts, because whatever
        disturbs a measurement makes it longer.
    """
    chain.train()
    live: Live = (inputs,) if isinstance(inputs, Tensor) else inputs
    if dtype is not None:
        live = tuple(t.to(dtype) if t.is_floating_point() else t for t in live)
    pieces = [StageWeights(chain.piece(n, n + 1), dtype) for n in range(len(chain))]
    end = None if loss is None or targets is None else _Ending(loss, targets)
    kept, lives = _memory(pieces, live, end)
    operations = []
    for n, ((name, _), piece) in enumerate(zip(chain, pieces, strict=True)):
        is_last = n == len(pieces) - 1
        times = [_time(piece, live, end if is_last else None, n > 0) for _ in range(repeats + 1)]
        forward, backward = (min(t[k] for t in times[1:]) for k in range(2))
        weights, computing = (saved.size(w.values()) for w in (piece.full, piece.computing))
        operations.append(OperationCost(name, forward, backward, weights, computing, kept[n]))
        with piece.buffers_untouched(), torch.no_grad():
            live = piece.run(live, piece.computing)
    crossing = tuple(saved.size(tensors) for tensors in lives)
    return Profile(tuple(operations), tuple(saved.storages(t) for t in lives), crossing)


@dataclass(frozen=True, slots=True)
class _Ending:
    """The loss, as an operation after the last one."""

    loss: Callable[[Live, Targets], Tensor]
    targets: Targets

    def __call__(self, live: Live) -> Live:
        full = tuple(t.float() if t.is_floating_point() else t for t in live)
        return (self.loss(full, self.targets),)


def _memory(
    pieces: Sequence[StageWeights], live: Live, end: _Ending | None
) -> tuple[list[Storages], list[Live]]:
    """Run the chain once with its whole graph alive; return what each operation saves, and lives.

    The graph of all operations lives to the end, so that equal addresses are equal storages.
    """
    kept, lives = [], [live]
    for n, piece in enumerate(pieces):
        with piece.buffers_untouched(), saved.SavedTensors(piece.tensors()) as found:
            live = piece.run(live, piece.computing)
            if end is not None and n == len(pieces) - 1:
                live = end(live)
        kept.append(found.found)
        lives.append(live)
    return kept, lives


def _time(
    piece: StageWeights, live: Live, end: _Ending | None, needs_inputs: bool
) -> tuple[float, float]:
    """Return the seconds of one forward and one backward pass through one operation."""
    leaves = tuple(
        t.detach().requires_grad_(needs_inputs) if t.is_floating_point() else t for t in live
    )
    wanted = [*(t for t in leaves if t.requires_grad), *piece.computing.values()]
    device = leaves[0].device
    with piece.buffers_untouched():
        start = _now(device)
        outputs = piece.run(leaves, piece.computing)
        if end is not None:
            outputs = end(outputs)
        middle = _now(device)
    learned = [t for t in outputs if t.requires_grad]
    if learned and wanted:
        ones = [torch.ones_like(t) for t in learned]
        middle_again = _now(device)
        torch.autograd.grad(learned, wanted, ones, allow_unused=True)
        return middle - start, _now(device) - middle_again
    return middle - start, 0.0


def _now(device: torch.device) -> float:
    """Return the time when all work on the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()
