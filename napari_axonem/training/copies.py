"""Data parallelism: a copy of the network in each process, gradients averaged over all.

The processes are started by ``torchrun``, on one machine or several; each learns from its share of
every mini-batch. The state is that of any other strategy, so that checkpoints go to and fro.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from napari_axonem.errors import NotFiniteError, SettingsError, TrainingError
from napari_axonem.networks.chain import Chain
from napari_axonem.networks.noise import draw_noise
from napari_axonem.pipeline.engine import STEP
from napari_axonem.pipeline.optimizers import Moments, Optimizer
from napari_axonem.training.loading import Batch
from napari_axonem.training.steps import Done

Loss = Callable[[Tensor, Sequence[Tensor]], Tensor]


class Copies:
    """Learns in several processes at once, with the optimizer of the pipeline.

    Parameters
    ----------
    chain
        The network, the same in all processes; trained in place.
    loss, optimizer, dtype, seed
        As for the pipeline's plan.

    Raises
    ------
    SettingsError
        The processes were not started by torchrun.
    """

    def __init__(
        self,
        chain: Chain,
        loss: Loss,
        optimizer: Optimizer,
        dtype: torch.dtype | None,
        seed: int,
    ) -> None:
        self._device = join_ranks()
        self._chain = chain.to(self._device)
        self._copy = DistributedDataParallel(self._chain)
        self._loss, self._dtype, self._seed = loss, dtype, seed
        weights = {n: p for n, p in self._chain.named_parameters() if p.requires_grad}
        self._weights = weights
        self._moments = Moments(weights, optimizer)
        self._steps = 0
        self._draining = False

    @property
    def steps(self) -> int:
        """Mini-batches learned from so far."""
        return self._steps

    @property
    def leads(self) -> bool:
        """Whether this is the first process."""
        return dist.get_rank() == 0

    @property
    def share(self) -> tuple[int, int]:
        """The rank of this process, and the number of processes."""
        return dist.get_rank(), dist.get_world_size()

    def train(self, batches: Iterable[Batch]) -> Iterator[Done]:
        """Learn from this process's share of each mini-batch."""
        self._draining = False
        self._chain.train()
        for inputs, targets in batches:
            yield self._learn(inputs, targets)
            if self._draining:
                return

    def drain(self) -> None:
        """Take no more mini-batches."""
        self._draining = True

    def _learn(self, inputs: Tensor, targets: tuple[Tensor, ...]) -> Done:
        device, index = self._device, self._steps
        draw_noise(self._chain, self._seed, index, dist.get_rank())
        kind = device.split(":")[0]
        with torch.autocast(kind, self._dtype, enabled=self._dtype is not None):
            output = self._copy(inputs.to(device, non_blocking=True))
        loss = self._loss(output.float(), tuple(t.to(device) for t in targets))
        for weight in self._weights.values():
            weight.grad = None
        torch.autograd.backward(loss)
        mean = loss.detach().clone()
        dist.all_reduce(mean)
        value = float(mean) / dist.get_world_size()
        gradients = {n: w.grad for n, w in self._weights.items() if w.grad is not None}
        sums = torch.stack([g.sum(dtype=torch.float32) for g in gradients.values()])
        if not (bool(torch.isfinite(sums).all()) and value == value):
            raise NotFiniteError(
                "the loss or a gradient holds NaN or an infinity",
                where=f"mini-batch {index}, rank {dist.get_rank()}",
                remedy="lower the learning rate, or go on from a checkpoint before",
            )
        self._moments.step(gradients, index, 0)
        self._steps += 1
        return Done(index, value)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state by name of the layer, as the engine does."""
        state = {STEP: torch.tensor(self._steps)}
        state |= {f"weight/{n}": p.data for n, p in self._chain.named_parameters()}
        state |= {f"buffer/{n}": b for n, b in self._chain.named_buffers()}
        for kind, of_weights in self._moments.kept.items():
            state |= {f"{kind}/{n}": t for n, t in of_weights.items()}
        return state

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a state, of any strategy.

        Raises
        ------
        TrainingError
            It is of another network or optimizer.
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            differ = sorted(own.keys() ^ state.keys())
            raise TrainingError(
                f"{len(differ)} entries differ ({', '.join(differ[:3])})",
                where="the checkpoint",
                remedy="use the network and optimizer that it was written with",
            )
        for name, tensor in own.items():
            tensor.copy_(state[name])
        self._steps = int(state[STEP])


def join_ranks() -> str:
    """Join the other processes, and return this one's device.

    Raises
    ------
    SettingsError
        The processes were not started by torchrun.
    """
    if "RANK" not in os.environ:
        raise SettingsError(
            "this process has no rank",
            where="--strategy ddp",
            remedy="start it with torchrun --nproc-per-node N -m napari_axonem train …",
        )
    has_gpu = torch.cuda.is_available()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if has_gpu and dist.is_nccl_available() else "gloo")
    if not has_gpu:
        return "cpu"
    local = int(os.environ.get("LOCAL_RANK", "0"))
    torch.cuda.set_device(local)
    return f"cuda:{local}"
