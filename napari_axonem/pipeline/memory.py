"""How much memory each stage needs: predicted from a profile, before anything is run.

A stage with the lag D holds the activations A of D + 1 mini-batches between their forward and
their backward passes. That is D more than training without a pipeline holds, and

    extra = sum over stages of D·A, over (A + W) of the whole network

is the paper's formula (arXiv:1912.12675) with D = 2(K - i + 1). Weight stashing adds a copy of
the weights for each of these mini-batches; computing the forward pass again leaves the inputs
of D mini-batches and the activations of one. While an operation goes backward it needs besides the
gradients of what went into it and of what came out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_axonem.pipeline.optimizers import Optimizer
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.profiling import Profile
from napari_axonem.pipeline.schedules import Order, lags


@dataclass(frozen=True, slots=True)
class StageMemory:
    """Bytes that a stage needs."""

    weights: int
    """Weights with their gradients and what the optimizer keeps of each, in full precision, and
    the copies that passes compute with in another one."""

    activations: int
    """Of one mini-batch."""

    held: int
    """Of all mini-batches in flight, with stashed weights; `StageReport.held` measures it."""

    working: int
    """Most that the passes of one operation take while they run."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.held + self.working


def predict(profile: Profile, plan: Plan, optimizer: Optimizer) -> tuple[StageMemory, ...]:
    """Return what each stage of a plan needs."""
    bounds = plan.bounds(len(profile.operations))
    return tuple(
        stage_memory(profile, bound, lag, plan, optimizer, n in plan.recompute)
        for n, (bound, lag) in enumerate(zip(bounds, lags(plan.order, plan.stages), strict=True))
    )


def stage_memory(
    profile: Profile,
    bound: tuple[int, int],
    lag: int,
    plan: Plan,
    optimizer: Optimizer,
    is_computed_again: bool,
) -> StageMemory:
    """Return what one stage needs.

    Parameters
    ----------
    bound
        Its operations, half-open.
    lag
        Its lag.
    is_computed_again
        Whether it keeps only inputs.
    """
    start, stop = bound
    weights, computing = profile.weights(start, stop), profile.computing(start, stop)
    activations = profile.activations(start, stop)
    if is_computed_again:
        held = lag * sum(profile.live[start].values()) + activations
    else:
        held = (lag + 1) * activations
    if plan.stash and lag:
        held += (lag + 1) * computing
    times = 3 + (optimizer.kind == "adamw") + (optimizer.average > 0)
    copies = computing if computing != weights else 0
    return StageMemory(weights * times + copies, activations, held, profile.working(start, stop))


def paper_extra(order: Order, activations: Sequence[float], weights: float) -> float:
    """Return the extra memory of a pipelined order as a share, by the paper's formula.

    Parameters
    ----------
    activations
        Of each stage for one mini-batch, in any unit.
    weights
        Of all stages, in the same unit.
    """
    extra = sum(lag * a for lag, a in zip(lags(order, len(activations)), activations, strict=True))
    return extra / (sum(activations) + weights)
