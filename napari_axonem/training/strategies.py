"""How mini-batches become better weights: on one device, through a pipeline, or in copies.

All have one interface, `Strategy`, and one form of state, by name of the layer: a run may be taken
up again with another strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from napari_axonem.errors import SettingsError
from napari_axonem.networks.chain import Chain, Live
from napari_axonem.networks.precision import lowered_type
from napari_axonem.pipeline.choosing import choose
from napari_axonem.pipeline.engine import Engine
from napari_axonem.pipeline.messages import Targets
from napari_axonem.pipeline.optimizers import Compensation, Optimizer
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.schedules import Order
from napari_axonem.training.loading import Batch
from napari_axonem.training.rates import Schedule
from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.steps import Done, Strategy

Loss = Callable[[Tensor, Sequence[Tensor]], Tensor]


class Pipelined:
    """One device, or stages on several, through the engine of `napari_axonem.pipeline`.

    Parameters
    ----------
    chain
        The network; it is trained in place.
    loss
        From output and targets to a number.
    plan, optimizer
        See there.
    pipelined
        Mini-batches after which the order becomes sequential, for hybrid training; None for never.
    """

    leads = True
    share = (0, 1)

    def __init__(
        self,
        chain: Chain,
        loss: Loss,
        plan: Plan,
        optimizer: Optimizer,
        pipelined: Callable[[], int] | None = None,
    ) -> None:
        self._engine = Engine(chain, _of_live(loss), plan, optimizer)
        self._pipelined = pipelined

    @property
    def steps(self) -> int:
        """Mini-batches learned from so far."""
        return self._engine.steps

    def train(self, batches: Iterable[Batch]) -> Iterator[Done]:
        """Learn from mini-batches."""
        if self._pipelined is not None and self.steps >= self._pipelined():
            self._engine.order = Order.SEQUENTIAL
        for done in self._engine.train(batches):
            spent = [r.forward + r.backward for r in done.stages]
            busy = tuple(
                s / max(1e-9, s + r.waited) for s, r in zip(spent, done.stages, strict=True)
            )
            yield Done(done.index, done.loss, busy, tuple(r.stale for r in done.stages))

    def drain(self) -> None:
        """Take no more."""
        self._engine.drain()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the engine's state."""
        return self._engine.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a state."""
        self._engine.load_state_dict(state)


def make_strategy(
    settings: TrainSettings,
    chain: Chain,
    loss: Loss,
    schedule: Schedule,
    probe: Callable[[], Batch],
    say: Callable[[str], None],
) -> Strategy:
    """Return the strategy that the settings ask for.

    Parameters
    ----------
    schedule
        Learning rates, and how long the run is at present.
    probe
        Gives a mini-batch to measure operations with, where cuts are to be chosen.
    say
        Is told the table of that choice.

    Raises
    ------
    SettingsError
        There is no such device here, or a mini-batch has no sample for some process.
    PartitionError
        The network cannot be cut as asked.
    """
    is_pipeline = settings.strategy == "pipeline"
    optimizer = Optimizer(
        kind=settings.optimizer,
        rate=schedule,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        average=settings.average,
        compensation=Compensation(settings.compensation if is_pipeline else "none"),
    )
    devices = resolve_devices(settings.devices)
    dtype = lowered_type(settings.precision, devices[0])
    if settings.strategy == "ddp":
        from napari_axonem.training.copies import Copies

        copies = Copies(chain, loss, optimizer, dtype, settings.seed)
        ranks = copies.share[1]
        if settings.batch < ranks:
            raise SettingsError(
                f"mini-batches of {settings.batch} for {ranks} processes",
                where="--batch",
                remedy=f"give a multiple of {ranks}",
            )
        return copies
    plan = Plan(
        devices=devices[:1],
        order=Order.SEQUENTIAL,
        executor="serial",
        dtype=dtype,
        seed=settings.seed,
    )
    if not is_pipeline:
        return Pipelined(chain, loss, plan, optimizer)
    plan = replace(
        plan,
        order=Order(settings.order),
        executor="threads",
        stash=settings.stash,
        recompute=settings.recompute,
    )
    stages = devices if len(devices) > 1 else devices * max(2, len(settings.cuts) + 1)
    cuts = settings.cuts
    if not cuts:
        inputs, targets = probe()
        chosen = choose(chain, (inputs,), targets, _of_live(loss), stages, plan, optimizer)
        say(chosen.table())
        cuts = chosen.cuts
    plan = replace(plan, cuts=cuts, devices=stages)
    return Pipelined(chain, loss, plan, optimizer, lambda: round(settings.hybrid * schedule.total))


def resolve_devices(names: Sequence[str]) -> tuple[str, ...]:
    """Return devices as torch names them.

    Raises
    ------
    SettingsError
        There is no such device here.
    """
    found = []
    for name in names:
        auto = "cuda:0" if torch.cuda.is_available() else "cpu"
        device = auto if name == "auto" else name
        try:
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            count = torch.cuda.device_count()
            raise SettingsError(
                f"there is no device {name!r} here",
                where="--devices",
                remedy=f"this machine has cpu{''.join(f', cuda:{n}' for n in range(count))}",
            ) from error
        found.append(device)
    return tuple(found)


def _of_live(loss: Loss) -> Callable[[Live, Targets], Tensor]:
    def of_live(live: Live, targets: Targets) -> Tensor:
        assert isinstance(targets, tuple), "batches come with a tuple of targets"
        return loss(live[0], targets)

    return of_live
