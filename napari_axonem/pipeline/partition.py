"""Where to cut a chain, so that no device waits for another more than it must.

A pipeline is as fast as its slowest stage or link. The best cuts are found by dynamic programming
over operations and stages: for each stage and each place where it could end, the least possible
time of the slowest part so far. Devices may differ in speed and memory. Copies run beside
computing, so that a link counts on its own. Among equally fast cuts the one that ships least is
taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from napari_axonem.errors import PartitionError
from napari_axonem.pipeline.memory import StageMemory, predict, stage_memory
from napari_axonem.pipeline.optimizers import Optimizer
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.profiling import Profile
from napari_axonem.pipeline.schedules import balance_limit, lags

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Device:
    """Something a stage may run on."""

    name: str
    speed: float = 1.0
    """Relative to the device that the profile was measured on."""

    memory: float = math.inf
    """Bytes that a stage may use."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Cuts with what they cost."""

    cuts: tuple[int, ...]
    names: tuple[str, ...]
    """First operation of each stage."""

    devices: tuple[Device, ...]
    seconds: tuple[float, ...]
    """Of both passes of each stage on its device."""

    links: tuple[float, ...]
    """Seconds that each cut ships, both ways."""

    crossing: tuple[int, ...]
    """Bytes that each cut ships, one way."""

    memory: tuple[StageMemory, ...]

    @property
    def slowest(self) -> float:
        """Seconds of the slowest stage or link: of each mini-batch, at the best."""
        return max(*self.seconds, *self.links, 0.0)

    @property
    def limit(self) -> float:
        """Ideal speed-up over all operations on one device, the fastest of these."""
        alone = sum(s * d.speed for s, d in zip(self.seconds, self.devices, strict=True))
        return alone / max(d.speed for d in self.devices) / self.slowest

    def table(self) -> str:
        """Return the choice as text, one stage a line."""
        head = f"{'stage':<6}{'device':<9}{'from operation':<18}{'seconds':>9}{'busy':>7}"
        lines = [f"{head}{'memory MiB':>12}{'ships MiB':>11}"]
        for n, seconds in enumerate(self.seconds):
            ships = f"{self.crossing[n] / MIB:.1f}" if n < len(self.cuts) else "-"
            lines.append(
                f"{n:<6}{self.devices[n].name:<9}{self.names[n]:<18}{seconds:>9.4f}"
                f"{seconds / self.slowest:>7.0%}{self.memory[n].total / MIB:>12.1f}{ships:>11}"
            )
        return "\n".join([*lines, f"ideal speed-up {self.limit:.2f}"])


def evaluate(
    profile: Profile,
    plan: Plan,
    optimizer: Optimizer,
    devices: Sequence[Device],
    bandwidth: float = math.inf,
) -> Placement:
    """Return what the cuts of `plan` cost.

    Parameters
    ----------
    devices
        One for each stage.
    bandwidth
        Bytes a second between neighbours, each way.
    """
    bounds = plan.bounds(len(profile.operations))
    crossing = tuple(profile.crossing[cut] for cut in plan.cuts)
    return Placement(
        plan.cuts,
        tuple(profile.operations[start].name for start, _ in bounds),
        tuple(devices),
        tuple(
            _stage_seconds(profile, bound, n in plan.recompute) / device.speed
            for n, (bound, device) in enumerate(zip(bounds, devices, strict=True))
        ),
        tuple(2 * size / bandwidth for size in crossing),
        crossing,
        predict(profile, plan, optimizer),
    )


def place(
    profile: Profile,
    devices: Sequence[Device],
    plan: Plan,
    optimizer: Optimizer,
    bandwidth: float = math.inf,
) -> Placement:
    """Return the best cuts for these devices, in this order.

    Parameters
    ----------
    plan
        Order, stashing and recomputation; its cuts are not looked at.
    bandwidth
        Bytes a second between neighbours, each way.

    Raises
    ------
    PartitionError
        When there are more devices than operations, or no cuts fit into the memory.
    """
    count, stages = len(profile.operations), len(devices)
    if stages > count:
        raise PartitionError(
            f"{stages} stages for {count} operations",
            where="setting 'devices'",
            remedy=f"use at most {count} devices",
        )
    search = _Search(profile, tuple(devices), plan, optimizer, bandwidth)
    cuts = search.best()
    if cuts is None:
        raise PartitionError(
            f"no cuts fit {stages} stages into the memory of "
            + ", ".join(f"{d.name} ({d.memory / MIB:.0f} MiB)" for d in devices),
            where="setting 'devices'",
            remedy="let the first stages compute their forward pass again (recompute), use the "
            "order 1f1b, or take smaller patches",
        )
    return evaluate(profile, replace(plan, cuts=cuts), optimizer, devices, bandwidth)


Cost = tuple[float, float]
"""Seconds of the slowest stage or link, then bytes shipped."""


@dataclass(frozen=True, slots=True)
class _Search:
    """Dynamic programming over ends of stages."""

    profile: Profile
    devices: tuple[Device, ...]
    plan: Plan
    optimizer: Optimizer
    bandwidth: float

    def best(self) -> tuple[int, ...] | None:
        """Return the best cuts, or None when nothing fits."""
        count, stages = len(self.profile.operations), len(self.devices)
        # for each place that stages so far may end at: cost and cuts
        ends: dict[int, tuple[Cost, tuple[int, ...]]] = {0: ((0.0, 0.0), ())}
        for stage in range(stages):
            reached: dict[int, tuple[Cost, tuple[int, ...]]] = {}
            for start, (before, cuts) in ends.items():
                last = count if stage == stages - 1 else count - (stages - 1 - stage)
                first = count if stage == stages - 1 else start + 1
                for stop in range(max(first, start + 1), last + 1):
                    cost = self._cost(before, stage, start, stop)
                    if cost is None:
                        continue
                    if stop not in reached or cost < reached[stop][0]:
                        reached[stop] = (cost, cuts if stop == count else (*cuts, stop))
            ends = reached
        return ends[count][1] if count in ends else None

    def _cost(self, before: Cost, stage: int, start: int, stop: int) -> Cost | None:
        """Return the cost with one more stage, None when it does not fit into memory."""
        device, again = self.devices[stage], stage in self.plan.recompute
        if math.isfinite(device.memory):
            lag = lags(self.plan.order, len(self.devices))[stage]
            needed = stage_memory(
                self.profile, (start, stop), lag, self.plan, self.optimizer, again
            )
            if needed.total > device.memory:
                return None
        is_last = stage == len(self.devices) - 1
        shipped = 0 if is_last else self.profile.crossing[stop]
        seconds = _stage_seconds(self.profile, (start, stop), again) / device.speed
        slowest = max(before[0], seconds, 2 * shipped / self.bandwidth)
        return slowest, before[1] + shipped


def _stage_seconds(profile: Profile, bound: tuple[int, int], is_computed_again: bool) -> float:
    """Return the seconds of a stage on the device of the profile."""
    again = profile.forward_seconds(*bound) if is_computed_again else 0.0
    return profile.seconds(*bound) + again


def limit(profile: Profile, cuts: Sequence[int]) -> float:
    """Return the speed-up that cuts allow on equal devices with free transfer."""
    edges = [0, *cuts, len(profile.operations)]
    return balance_limit([profile.seconds(a, b) for a, b in pairwise(edges)])
