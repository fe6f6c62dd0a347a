"""How a network is cut and run: what the engine is told."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch

from napari_axonem.errors import PartitionError
from napari_axonem.networks.chain import Chain
from napari_axonem.networks.noise import Dropout
from napari_axonem.pipeline.schedules import Order


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network is cut and run."""

    cuts: tuple[int, ...] = ()
    """Before which operations the chain is cut, rising; the paper's pipeline placement vector."""

    devices: tuple[str, ...] = ("cpu",)
    """Device of each stage; a single one serves all."""

    order: Order = Order.ONE_F_ONE_B
    micro_batches: int = 1
    """Parts of a mini-batch, for the order ``gpipe``."""

    executor: Literal["threads", "serial"] = "threads"
    """One thread a stage, or all stages in turn in the calling thread, with the same results."""

    threads: int = 0
    """Threads that torch uses in each stage; 0 shares the present number among the stages."""

    stash: bool = False
    """Go backward with the weights of the forward pass, as PipeDream does."""

    recompute: tuple[int, ...] = ()
    """Stages that keep only their input and do the forward pass again before the backward pass,
    with the newest weights; with those of the first time where they are stashed."""

    dtype: torch.dtype | None = None
    """In which passes compute; None for that of the weights."""

    seed: int = 0
    """Of the noise of `networks.noise.Dropout`."""

    check_finite: bool = True
    """Stop at NaN and infinities in outputs and gradients of any stage."""

    measure_memory: bool = False
    """Count the bytes that stages hold for backward passes."""

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.cuts) + 1

    def bounds(self, operations: int) -> list[tuple[int, int]]:
        """Return the half-open ranges of operations of the stages."""
        edges = [0, *self.cuts, operations]
        return list(pairwise(edges))

    def device_of(self, stage: int) -> str:
        """Return the device of a stage."""
        return self.devices[stage if len(self.devices) > 1 else 0]

    def check(self, chain: Chain) -> None:
        """Check that `chain` can be run like this.

        Raises
        ------
        PartitionError
            Saying which setting does not fit, and what would.
        """
        edges = [0, *self.cuts, len(chain)]
        if any(a >= b for a, b in pairwise(edges)):
            raise PartitionError(
                f"the cuts {self.cuts} leave a stage without an operation",
                where="setting 'cuts'",
                remedy=f"give rising numbers from 1 to {len(chain) - 1}",
            )
        if len(self.devices) not in (1, self.stages):
            raise PartitionError(
                f"{len(self.devices)} devices for {self.stages} stages",
                where="setting 'devices'",
                remedy=f"name one device, or {self.stages}; a device may be named several times",
            )
        if any(not 0 <= stage < self.stages for stage in self.recompute):
            raise PartitionError(
                f"there is no such stage among {self.recompute}",
                where="setting 'recompute'",
                remedy=f"stages are counted from 0 to {self.stages - 1}",
            )
        if self.micro_batches < 1 or (self.micro_batches > 1 and self.order is not Order.GPIPE):
            raise PartitionError(
                f"{self.micro_batches} micro-batches in the order {str(self.order)!r}",
                where="setting 'micro_batches'",
                remedy="leave it at 1, or choose the order 'gpipe'",
            )
        _check_noise(chain)


def _check_noise(chain: Chain) -> None:
    """Refuse dropout whose noise would depend on the moment."""
    for name, module in chain.named_modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            raise PartitionError(
                f"{type(module).__name__} draws from one generator for all threads",
                where=f"operation {name!r}",
                remedy=f"use {Dropout.__module__}.{Dropout.__qualname__}",
            )
