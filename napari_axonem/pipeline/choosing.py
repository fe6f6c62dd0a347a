"""Choose cuts by themselves: profile the chain on the devices at hand, then search."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from time import perf_counter

import torch
from torch import Tensor

from napari_axonem.networks.chain import Chain, Live
from napari_axonem.pipeline.messages import Targets, each
from napari_axonem.pipeline.optimizers import Optimizer
from napari_axonem.pipeline.partition import Device, Placement, place
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.profiling import Profile, profile
from napari_axonem.pipeline.stage import Loss

PROBE_BYTES = 1 << 26
SPARE = 0.9
"""Share of a card's free memory that a stage may use; the rest is for the allocator's gaps."""


def choose(
    chain: Chain,
    inputs: Live,
    targets: Targets,
    loss: Loss,
    devices: Sequence[str],
    plan: Plan,
    optimizer: Optimizer,
) -> Placement:
    """Return the best cuts of a chain for one stage on each device.

    Each device is profiled once with a copy of the chain; devices named several times share their
    speed and their memory among their stages.

    Parameters
    ----------
    inputs, targets
        One mini-batch as in training.
    devices
        One for each stage, in order.
    plan
        Order, precision, stashing and recomputation; its cuts and devices are not looked at.

    Raises
    ------
    PartitionError
        When there are more devices than operations, or nothing fits into their memory.
    """
    found: dict[str, Profile] = {}
    # before anything is profiled: torch keeps what it was given for that, and it counts as taken
    free = {name: free_memory(name) for name in dict.fromkeys(devices)}
    for name in dict.fromkeys(devices):
        here = copy.deepcopy(chain).to(name)
        found[name] = profile(
            here,
            tuple(t.to(name) for t in inputs),
            loss=loss,
            targets=each(targets, partial(_sent, name)),
            dtype=plan.dtype,
        )
    first = found[devices[0]]
    count = len(first.operations)
    placed = [
        Device(
            name,
            first.seconds(0, count) / found[name].seconds(0, count) / list(devices).count(name),
            free[name] / list(devices).count(name),
        )
        for name in devices
    ]
    return place(first, placed, plan, optimizer, bandwidth(devices))


def free_memory(device: str) -> float:
    """Return the bytes that may be used on a device; without bound on the processor."""
    if not device.startswith("cuda"):
        return math.inf
    free, _ = torch.cuda.mem_get_info(device)
    return SPARE * free


def bandwidth(devices: Sequence[str]) -> float:
    """Return the bytes a second of the slowest link between neighbours; infinite on one device."""
    pairs = {(a, b) for a, b in pairwise(devices) if a != b}
    return min((_bandwidth(a, b) for a, b in sorted(pairs)), default=math.inf)


def _bandwidth(source: str, target: str) -> float:
    """Measure copies from one device to another; the second one counts."""
    tensor = torch.zeros(PROBE_BYTES, dtype=torch.uint8, device=source)
    seconds = math.inf
    for _ in range(2):
        start = _now()
        tensor.to(target)
        seconds = _now() - start
    return PROBE_BYTES / max(seconds, 1e-9)


def _sent(device: str, tensor: Tensor) -> Tensor:
    return tensor.to(device)


def _now() -> float:
    """Return the time when all cards are done."""
    for n in range(torch.cuda.device_count()):
        torch.cuda.synchronize(n)
    return perf_counter()
