"""What one would use instead of our pipeline: torch's own, data-parallel copies, torchgpipe.

Each rival trains the same network with the same cuts, on the same two cores.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, multiprocessing, nn
from torch.nn import functional

from napari_axonem.networks.chain import Chain, Live
from napari_axonem.networks.rsunet import RsunetSettings, build

PATCH = (28, 160, 16)
"""Extent z, y, x. N·C·D·H stays above 20,480 at every level: below, full-precision convolutions of
a batch of one use a kernel that is ten times slower, and no comparison is worth anything."""

SETTINGS = RsunetSettings(pools=((1, 2, 2),) * 4, embedding=(1, 5, 5))
RATE, MOMENTUM = 0.01, 0.9

Step = Callable[[], object]


def network() -> Chain:
    """Return the residual U-Net of 28-36-48-64-80 feature maps, the same each time."""
    torch.manual_seed(0)
    return build(SETTINGS).train()


def mini_batch(size: int) -> tuple[Tensor, Tensor]:
    """Return an input and targets."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(size, 1, *PATCH, generator=g)
    return x, (torch.rand(size, 3, *PATCH, generator=g) > 0.5).float()


def loss_of(output: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of affinities."""
    return functional.binary_cross_entropy_with_logits(output, targets)


def sgd(module: nn.Module) -> torch.optim.Optimizer:
    """Return torch's own optimizer."""
    return torch.optim.SGD(module.parameters(), lr=RATE, momentum=MOMENTUM)


def plain_step(chain: nn.Module, size: int) -> Step:
    """Return a step of ordinary training."""
    optimizer, (x, y) = sgd(chain), mini_batch(size)

    def step() -> None:
        optimizer.zero_grad()
        loss_of(chain(x), y).backward()
        optimizer.step()

    return step


class Positional(nn.Module):
    """A piece of a chain that takes live tensors one by one, as torch's pipelines call it."""

    def __init__(self, chain: Chain, *, is_last: bool) -> None:
        super().__init__()
        self.chain, self.is_last = chain, is_last

    def forward(self, *live: Tensor) -> Live | Tensor:
        """Return the live tensors, or the output after the last operation."""
        result = self.chain.run(live)
        return result[0] if self.is_last else result


def torch_pipeline(kind: str, rank: int, cut: int, size: int, micro: int) -> Step:
    """Return a step of torch's own GPipe or 1F1B, in the process `rank` of two."""
    from torch.distributed import pipelining

    chain = network()
    piece = chain.piece(0, cut) if rank == 0 else chain.piece(cut, len(chain))
    module = Positional(piece, is_last=rank == 1)
    stage = pipelining.PipelineStage(module, rank, 2, torch.device("cpu"))
    maker = pipelining.ScheduleGPipe if kind == "gpipe" else pipelining.Schedule1F1B
    schedule = maker(stage, micro, loss_fn=loss_of)
    optimizer, (x, y) = sgd(module), mini_batch(size)

    def step() -> None:
        optimizer.zero_grad()
        if rank == 0:
            schedule.step(x)
        else:
            schedule.step(target=y, losses=[])
        optimizer.step()

    return step


def make_step(kind: str, rank: int, cut: int, size: int, micro: int) -> Step:
    """Return the step of one of two processes."""
    if kind == "ddp":
        from torch.nn.parallel import DistributedDataParallel

        return plain_step(DistributedDataParallel(network()), max(1, size // 2))
    return torch_pipeline(kind, rank, cut, size, micro)


def serve(rank: int, folder: str, kind: str, cut: int, size: int, micro: int, pipe: Any) -> None:  # noqa: ANN401
    """Train in one of two processes, so many steps as are asked for, until told to end."""
    torch.set_num_threads(1)
    store = Path(folder, "store").as_uri()
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    try:
        step = make_step(kind, rank, cut, size, micro)
        while count := pipe.recv():
            start = time.process_time()
            for _ in range(count):
                step()
            pipe.send(time.process_time() - start)
    except Exception as error:
        with suppress(OSError):  # the other process may have been told already, and all ended
            pipe.send(f"{type(error).__name__}: {error}")
    os._exit(0)  # the other process may be waiting for this one for ever


class TwoProcesses:
    """Two processes that train together when asked, and end with this one.

    Parameters
    ----------
    kind
        ``"gpipe"``, ``"1f1b"`` or ``"ddp"``.
    """

    def __init__(self, kind: str, cut: int, size: int, micro: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._folder = tempfile.TemporaryDirectory()
        self._pipes = []
        for rank in range(2):
            here, there = context.Pipe()
            what = (rank, self._folder.name, kind, cut, size, micro, there)
            process = context.Process(target=serve, args=what, daemon=True)
            process.start()
            self._pipes.append(here)

    def run(self, count: int) -> tuple[float, float]:
        """Return wall and CPU seconds of `count` steps."""
        start = time.perf_counter()
        for pipe in self._pipes:
            pipe.send(count)
        found: list[Any] = []
        waiting = list(self._pipes)
        while waiting:
            for pipe in wait(waiting):
                found.append(pipe.recv())
                waiting.remove(pipe)
                if isinstance(found[-1], str):
                    raise RuntimeError(found[-1])  # noqa: TRY004 - it failed over there
        return time.perf_counter() - start, sum(found)


def torchgpipe_step(cut: int, size: int, micro: int) -> Step:
    """Return a step of torchgpipe; its folder is named by TORCHGPIPE."""
    sys.path.insert(0, os.environ["TORCHGPIPE"])
    from torchgpipe import GPipe

    class Entry(nn.Module):
        def forward(self, x: Tensor) -> Live:
            return (x,)

    class Exit(nn.Module):
        def forward(self, live: Live) -> Tensor:
            return live[0]

    chain = network()
    operations = [Entry(), *(operation for _, operation in chain), Exit()]
    balance = [cut + 1, len(chain) - cut + 1]
    model = GPipe(
        nn.Sequential(*operations), balance, devices=["cpu", "cpu"], chunks=micro,
        checkpoint="never",
    )  # fmt: skip
    return plain_step(model, size)
