"""Train a chain cut into stages, in any order of work, on any devices.

What a run computes depends on the cuts and the order, never on timing: the executor with threads
and the serial one give the same bits on the CPU. A run begins and ends with an empty pipeline,
because graphs between a forward and a backward pass cannot be written to disk: a checkpoint is
made between two runs. So that an interrupted training equals an uninterrupted one, bit by bit,
both must empty the pipeline at the same mini-batches: give each run as many mini-batches as
lie between two checkpoints. That costs ``stages - 1`` cycles a checkpoint. (Keeping what is in
flight would need the weights of each forward pass as well, which is the memory of weight stashing.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from napari_axonem.errors import TrainingError
from napari_axonem.networks.chain import Chain, Live
from napari_axonem.pipeline import schedules
from napari_axonem.pipeline.devices import Parcel
from napari_axonem.pipeline.executors import Crew, run_serially
from napari_axonem.pipeline.messages import Done, Return, StageReport, Targets, Work, each
from napari_axonem.pipeline.optimizers import Optimizer
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.schedules import Order
from napari_axonem.pipeline.stage import Loss, Stage

Batch = tuple[Tensor | Live, Targets]
"""Input, or live tensors, with the first axis counting the batch; and targets."""

STEP = "step"
"""Key of the number of finished mini-batches in a state."""


class Engine:
    """Trains a chain.

    Parameters
    ----------
    chain
        The network; its operations move to their devices and are trained in place.
    loss
        From the live tensors after the last operation (float32) and the targets to a number; runs
        in the last stage.
    plan
        Cuts, devices, order.
    optimizer
        How weights change.

    Raises
    ------
    PartitionError
        When the plan does not fit the chain.
    """

    def __init__(self, chain: Chain, loss: Loss, plan: Plan, optimizer: Optimizer) -> None:
        plan.check(chain)
        self.chain = chain
        self.plan = plan
        self.steps = 0
        """Mini-batches that all stages have learned from; the next one has this index."""

        bounds = plan.bounds(len(chain))
        self.stages = [
            Stage(n, chain.piece(*range_), plan, optimizer, loss if n == len(bounds) - 1 else None)
            for n, range_ in enumerate(bounds)
        ]
        self._is_draining = False
        self._is_running = False

    @property
    def order(self) -> Order:
        """The order of the next run; changed between runs for hybrid training."""
        return self.plan.order

    @order.setter
    def order(self, order: Order) -> None:
        if self._is_running:
            raise RuntimeError("the order cannot change while mini-batches are in flight")
        micro = self.plan.micro_batches if order is Order.GPIPE else 1
        self.plan = replace(self.plan, order=order, micro_batches=micro)

    def train(self, batches: Iterable[Batch]) -> Iterator[Done]:
        """Learn from mini-batches; yield each, in order, when all stages have learned from it.

        Mini-batches are taken from the iterable, in the thread of the caller, as the pipeline has
        room; at the end it is emptied. Weights must not be read or changed meanwhile. Whoever
        leaves the loop early loses what is in flight: call `drain` and go on to the end instead.

        Raises
        ------
        StageError
            When a stage fails, with the stage named. The others have stopped. Go on from a state
            saved before: the weights of the stages are of different mini-batches.
        """
        if self._is_running:
            raise RuntimeError("another run of this engine has not come to its end")
        self._is_running, self._is_draining = True, False
        rhythms = schedules.rhythms(self.order, len(self.stages), self.plan.micro_batches)
        for stage, rhythm in zip(self.stages, rhythms, strict=True):
            stage.begin(rhythm.lag)
        works, threads = self._works(batches), torch.get_num_threads()
        try:
            if self.plan.executor == "serial":
                yield from self._finished(run_serially(self.stages, rhythms, works))
            else:
                crew = Crew(self.stages, rhythms, self._threads())
                yield from self._finished(crew.run(works))
        finally:
            torch.set_num_threads(threads)
            self._is_running = False
            for stage in self.stages:
                stage.place.synchronize()

    def drain(self) -> None:
        """Take no more mini-batches in the present run; it ends with those in flight."""
        self._is_draining = True

    def _threads(self) -> int:
        """Threads of torch for each stage."""
        on_cpu = sum(stage.place.device.type == "cpu" for stage in self.stages)
        return self.plan.threads or max(1, torch.get_num_threads() // max(1, on_cpu))

    def _works(self, batches: Iterable[Batch]) -> Iterator[Work]:
        """Yield mini-batches with their index, cut into micro-batches."""
        parts = self.plan.micro_batches
        for index, (inputs, targets) in enumerate(batches, start=self.steps):
            live = (inputs,) if isinstance(inputs, Tensor) else inputs
            if parts == 1:
                yield Work(index, 0, 1.0, Parcel(live), targets)
            else:
                yield from _micro(index, live, targets, parts)
            if self._is_draining:
                return

    def _finished(self, returns: Iterator[Return]) -> Iterator[Done]:
        """Put micro-batches together again."""
        parts: list[Return] = []
        for back in returns:
            parts.append(back)
            if len(parts) < self.plan.micro_batches:
                continue
            reports = [part.reports for part in parts]
            stages = tuple(_total(of_stage) for of_stage in zip(*reports, strict=True))
            self.steps = back.index + 1
            yield Done(back.index, sum(part.loss for part in parts), stages)
            parts = []

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """Return the main output for an input, as for use: between runs, without learning.

        Returns
        -------
        Tensor
            On the device of the last stage, float32.
        """
        live: Live = (inputs,)
        for stage in self.stages:
            live = stage.predict(live)
        return live[0].float()

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything that the next run depends on, by name of the layer, whatever the cuts.

        Keys are ``step``, ``weight/NAME``, ``buffer/NAME``, ``velocity/NAME``, and where they are
        kept ``square/NAME`` (AdamW) and ``average/NAME``. The tensors are those in use, no copies.
        """
        state = {STEP: torch.tensor(self.steps)}
        for stage in self.stages:
            state |= stage.state()
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take over a state, of an engine with any cuts.

        Raises
        ------
        TrainingError
            When names or shapes are not those of this network and optimizer; nothing is changed.
        """
        own = self.state_dict()
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise TrainingError(
                f"{len(missing)} entries are missing ({', '.join(missing[:3])}), "
                f"{len(unknown)} are unknown ({', '.join(unknown[:3])})",
                where="the checkpoint",
                remedy="use the network and optimizer that it was written with",
            )
        for name, tensor in own.items():
            if tensor.shape != state[name].shape:
                raise TrainingError(
                    f"{name} has the shape {tuple(state[name].shape)}, not {tuple(tensor.shape)}",
                    where="the checkpoint",
                    remedy="use the network that it was written with",
                )
        self.steps = int(state[STEP])
        for name, tensor in own.items():
            tensor.data.copy_(state[name])
        for stage in self.stages:
            stage.weights.follow()


def _micro(index: int, live: Live, targets: Targets, parts: int) -> Iterator[Work]:
    """Cut one mini-batch along its first axis into `parts` micro-batches."""
    count = live[0].shape[0]
    if count < parts:
        raise TrainingError(
            f"a mini-batch of {count} cannot be cut into {parts} micro-batches",
            where="setting 'micro_batches'",
            remedy="use larger mini-batches, or the order '1f1b'",
        )
    edges = [count * n // parts for n in range(parts + 1)]
    for part, (a, b) in enumerate(pairwise(edges)):
        piece = Parcel(tuple(tensor[a:b] for tensor in live))
        yield Work(index, part, (b - a) / count, piece, each(targets, partial(_rows, a, b)))


def _rows(start: int, stop: int, tensor: Tensor) -> Tensor:
    return tensor[start:stop]


def _total(reports: Iterable[StageReport]) -> StageReport:
    """Return the reports of one stage for all micro-batches as one."""
    total, *others = reports
    for other in others:
        total = total.plus(other)
    return total
