"""One stage of a pipeline: its piece of the network, and the mini-batches that it is holding."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from time import perf_counter

import torch
from torch import Tensor

from napari_axonem.errors import NotFiniteError
from napari_axonem.networks.chain import Chain, Live
from napari_axonem.networks.noise import draw_noise
from napari_axonem.pipeline import saved
from napari_axonem.pipeline.devices import Parcel, Place
from napari_axonem.pipeline.messages import Return, StageReport, Targets, Work, each
from napari_axonem.pipeline.optimizers import Compensation, Moments, Optimizer
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.weights import StageWeights

Loss = Callable[[Live, Targets], Tensor]
"""From the live tensors at the end, in float32, and the targets to a number to make small."""


@dataclass(slots=True)
class _Flight:
    """A (micro-)batch between its forward and its backward pass through this stage."""

    work: Work
    inputs: Live
    weights: Mapping[str, Tensor]
    """The tensors to take gradients of; their values may change before the backward pass."""

    version: int
    """Changes of the weights before the forward pass."""

    targets: Targets | None
    outputs: Live = ()
    """With their graph; empty where the forward pass is done again."""

    loss: float = 0.0
    seconds: float = 0.0
    held: dict[int, int] = field(default_factory=dict)
    """Storages that it keeps alive, address to bytes."""


class Stage:
    """A piece of a chain on its device.

    Calls come from one thread at a time; `forward` and `backward` take (micro-)batches in the
    same order.

    Parameters
    ----------
    number
        From 0.
    piece
        Its operations; moved to the device.
    plan, optimizer
        How it runs and learns.
    loss
        For the last stage, None for all others.
    """

    def __init__(
        self, number: int, piece: Chain, plan: Plan, optimizer: Optimizer, loss: Loss | None
    ) -> None:
        self.number = number
        self.place = Place(plan.device_of(number))
        self.piece = piece.to(self.place.device)
        self.weights = StageWeights(piece, plan.dtype)
        self.moments = Moments(self.weights.full, optimizer)
        self.waited = 0.0
        """Seconds of waiting not reported yet; the executor adds to it."""

        self.lag = 0
        """Updates between forward and backward pass in steady state; set for each run."""

        self._plan = plan
        self._loss = loss
        self._flights: deque[_Flight] = deque()
        self._sums: dict[str, Tensor] = {}
        self._version = 0
        self._began = 0
        self._held = 0

    @property
    def is_last(self) -> bool:
        """Whether it computes the loss."""
        return self._loss is not None

    @property
    def name(self) -> str:
        """Which stage it is, for a person."""
        names = [name for name, _ in self.piece]
        what = f"operations {names[0]!r} to {names[-1]!r}" if len(names) > 1 else repr(names[0])
        return f"stage {self.number} of {self._plan.stages} ({what}, on {self.place.device})"

    def begin(self, lag: int) -> None:
        """Get ready for a run that begins with an empty pipeline."""
        self.place.begin()
        self._flights.clear()
        self._sums.clear()
        self.lag, self.waited, self._began = lag, 0.0, self._version
        self.piece.train()

    def forward(self, work: Work) -> Work | None:
        """Do a forward pass; return what goes to the next stage, None after the last."""
        start = perf_counter()
        with self.place.working():
            draw_noise(self.piece, self._plan.seed, work.index, work.part)
            with self._predicting(work.index):
                flight = self._take(work)  # inside: weights set aside are those of this pass
                outputs = self._through(flight)
            self._check(outputs, "the outputs")
            if self.is_last:
                flight.loss = float(outputs[0].detach())
            self._flights.append(flight)
            onward = None if self.is_last else self._onward(work, outputs)
        flight.seconds = perf_counter() - start
        return onward

    def backward(self, back: Return | None, *, is_step: bool = True) -> Return:
        """Do the backward pass of the oldest (micro-)batch.

        Parameters
        ----------
        back
            From the next stage; None in the last one.
        is_step
            Change the weights after it: for the last micro-batch of each mini-batch.
        """
        start = perf_counter()
        flight = self._flights.popleft()
        stale = self._version - flight.version
        with self.place.working():
            outputs, gradients = self._outputs_again(flight), None
            if back is not None:
                gradients = self.place.receive(back.gradients)
            towards_inputs = self._learn(flight, outputs, gradients)
            if is_step:
                self._step(flight.work.index, stale)
            parcel = self.place.send(towards_inputs)
        report = StageReport(flight.seconds, perf_counter() - start, self.waited, stale, self._held)
        self.waited = 0.0
        behind = back.reports if back is not None else ()
        loss = back.loss if back is not None else flight.loss
        return Return(flight.work.index, parcel, loss, (report, *behind))

    def predict(self, live: Live) -> Live:
        """Return what this stage makes of live tensors in use, not in training."""
        self.piece.eval()
        self.place.begin()
        with self.place.working():
            inputs = tuple(t for t in self.place.receive(Parcel(live)) if t is not None)
            inputs = tuple(self._in_precision(tensor) for tensor in inputs)
            outputs = self.weights.run(inputs, self.weights.computing)
        self.place.synchronize()
        return outputs

    def state(self) -> dict[str, Tensor]:
        """Return weights, buffers and what the optimizer keeps, by name of the layer."""
        named = {f"weight/{name}": p.data for name, p in self.piece.named_parameters()}
        named |= {f"buffer/{name}": buffer for name, buffer in self.piece.named_buffers()}
        for kind, of_weights in self.moments.kept.items():
            named |= {f"{kind}/{name}": tensor for name, tensor in of_weights.items()}
        return named

    def _take(self, work: Work) -> _Flight:
        """Return a new flight: inputs here, and the weights to take gradients of."""
        arrived = self.place.receive(work.live)
        inputs = tuple(self._leaf(tensor) for tensor in arrived if tensor is not None)
        is_stashing = self._plan.stash and self._expected_staleness() > 0
        weights = self.weights.clones() if is_stashing else self.weights.computing
        targets = each(work.targets, self._here) if self.is_last else None
        return _Flight(work, inputs, weights, self._version, targets)

    def _leaf(self, tensor: Tensor) -> Tensor:
        """Return an input of this stage, cut off from the graph of the stage before."""
        here = self._in_precision(tensor).detach()
        return here.requires_grad_(self.number > 0) if here.is_floating_point() else here

    def _in_precision(self, tensor: Tensor) -> Tensor:
        """Return a tensor as passes compute with it; whole numbers stay what they are."""
        dtype = self._plan.dtype
        return tensor if dtype is None or not tensor.is_floating_point() else tensor.to(dtype)

    def _here(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.place.device, non_blocking=True)

    def _expected_staleness(self) -> int:
        """Return how many changes of weights the (micro-)batch taken now will miss.

        It is the lag, but for the first ones after the pipeline was empty.
        """
        flown = len(self._flights) + self._version - self._began
        return min(self.lag, flown)

    def _predicting(self, index: int) -> AbstractContextManager[None]:
        """Return a context for the forward pass: with the weights expected later, if wanted."""
        stale = self._expected_staleness()
        if self.moments.optimizer.compensation is not Compensation.PREDICT or not stale:
            return nullcontext()
        return self.weights.set_to(self.moments.predicted(index - stale, stale))

    def _through(self, flight: _Flight) -> Live:
        """Do the forward pass; keep its graph in the flight, or its input only."""
        if self.number in self._plan.recompute:
            with torch.no_grad():
                outputs = self._run(flight)
            flight.held = saved.storages(flight.inputs)
        elif self._plan.measure_memory:
            with saved.SavedTensors(self.weights.tensors()) as found:
                outputs = flight.outputs = self._run(flight)
            flight.held = found.found | saved.storages([*flight.inputs, *outputs])
            if flight.weights is not self.weights.computing:
                flight.held |= saved.storages(flight.weights.values())
        else:
            outputs = flight.outputs = self._run(flight)
        self._note_held(flight.held)
        return outputs

    def _run(self, flight: _Flight) -> Live:
        """Return the live tensors after this stage, or the loss alone after the last."""
        outputs = self.weights.run(flight.inputs, flight.weights)
        if self._loss is None or flight.targets is None:
            return outputs
        full = tuple(t.float() if t.is_floating_point() else t for t in outputs)
        loss = self._loss(full, flight.targets)
        share = flight.work.share
        return (loss if share == 1 else loss * share,)

    def _outputs_again(self, flight: _Flight) -> Live:
        """Return the outputs with their graph, computed again where they were not kept."""
        if flight.outputs:
            return flight.outputs
        work = flight.work
        draw_noise(self.piece, self._plan.seed, work.index, work.part)
        with self.weights.buffers_untouched():
            if not self._plan.measure_memory:
                return self._run(flight)
            with saved.SavedTensors(self.weights.tensors()) as found:
                outputs = self._run(flight)
            self._note_held(found.found | saved.storages([*flight.inputs, *outputs]))
            return outputs

    def _note_held(self, held: dict[int, int]) -> None:
        """Keep the largest sum of bytes held by all flights and `held`."""
        if self._plan.measure_memory:
            everything = dict(held)
            for flight in self._flights:
                everything |= flight.held
            self._held = max(self._held, sum(everything.values()))

    def _learn(
        self, flight: _Flight, outputs: Live, gradients: tuple[Tensor | None, ...] | None
    ) -> tuple[Tensor | None, ...]:
        """Do the backward pass, add up gradients of weights, return those of the inputs."""
        given = gradients if gradients is not None else (None,) * len(outputs)
        pairs = [
            (tensor, gradient)
            for tensor, gradient in zip(outputs, given, strict=True)
            if tensor.requires_grad and (self.is_last or gradient is not None)
        ]
        leaves = [tensor for tensor in flight.inputs if tensor.requires_grad]
        found = torch.autograd.grad(
            [tensor for tensor, _ in pairs],
            [*leaves, *flight.weights.values()],
            [gradient for _, gradient in pairs],
            allow_unused=True,
        )
        for name, gradient in zip(flight.weights, found[len(leaves) :], strict=True):
            if gradient is not None:
                self._add(name, gradient)
        of_leaves = iter(found[: len(leaves)])
        return tuple(next(of_leaves) if t.requires_grad else None for t in flight.inputs)

    def _add(self, name: str, gradient: Tensor) -> None:
        """Add a gradient to the sum for the next change of weights."""
        full = gradient.to(self.weights.full[name].dtype)
        self._sums[name] = self._sums[name] + full if name in self._sums else full

    def _step(self, index: int, stale: int) -> None:
        """Change the weights by the sum of gradients."""
        self._check(tuple(self._sums.values()), "the gradients")
        self.moments.step(self._sums, index, stale)
        self.weights.follow()
        self._sums.clear()
        self._version += 1

    def _check(self, tensors: Live, what: str) -> None:
        """Raise where a tensor holds NaN or an infinity."""
        if not self._plan.check_finite or not tensors:
            return
        # one pass and one number a tensor: NaN and infinities survive a sum
        sums = [t.detach().sum(dtype=torch.float32) for t in tensors if t.is_floating_point()]
        if not bool(torch.isfinite(torch.stack(sums)).all()):
            raise NotFiniteError(
                f"{what} hold NaN or an infinity",
                where=self.name,
                remedy="lower the learning rate, or go on from a checkpoint before",
            )

    def _onward(self, work: Work, outputs: Live) -> Work:
        """Return what the next stage takes."""
        cut_off: tuple[Tensor | None, ...] = tuple(tensor.detach() for tensor in outputs)
        parcel: Parcel = self.place.send(cut_off)
        return Work(work.index, work.part, work.share, parcel, work.targets)
