"""Memory of pipelined training: what the model predicts, what is counted, what the process takes.

    python benchmarks/pipeline_memory.py [--stages 2] [--steps 14]

The residual U-Net of `pipeline.py` at a batch of one, cut by its measured times, trained in each
way in a process of its own. **Predicted** comes from `pipeline.memory` and a profile of one
mini-batch: weights, gradients, what the optimizer keeps; what waits for backward passes; and what
an operation needs while it runs, of all stages, or in plain training of the one that does.
**Counted** are the storages that torch saves in the run. **Process** is the highest resident memory
of the run above that of the same process before the network was made, its passes once run through
with a small picture (libraries load code and buffers of their own with the first).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import torch
from measuring import peak_memory
from pipeline import loss_of_live
from pipeline_rivals import MOMENTUM, RATE, loss_of, mini_batch, network

from napari_axonem.pipeline.engine import Engine
from napari_axonem.pipeline.memory import predict
from napari_axonem.pipeline.optimizers import Compensation, Optimizer
from napari_axonem.pipeline.partition import Device, place
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.profiling import profile
from napari_axonem.pipeline.schedules import Order

OPTIMIZER = Optimizer(rate=RATE, momentum=MOMENTUM, compensation=Compensation.SPIKE)
MIB = 2.0**20
WAYS: dict[str, dict[str, Any]] = {
    "plain": {"order": Order.SEQUENTIAL},
    "paper": {"order": Order.PAPER},
    "1f1b": {},
    "1f1b, stashed weights": {"stash": True},
    "1f1b, all stages but the last computed again": {"recompute": True},
}


def plan_of(way: str, cuts: tuple[int, ...]) -> Plan:
    """Return the plan of a way."""
    settings = dict(WAYS[way])
    if settings.pop("recompute", False):
        settings["recompute"] = tuple(range(len(cuts)))
    return Plan(cuts=cuts, threads=1, **settings)


def warm() -> None:
    """Let the libraries load what they load with the first passes."""
    chain = network()
    x = torch.zeros(1, 1, 4, 32, 32)
    loss_of(chain(x), torch.zeros(1, 3, 4, 32, 32)).backward()


def reset_peak() -> None:
    """Let the kernel count the highest resident memory anew."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(way: str, cuts: tuple[int, ...], steps: int) -> dict[str, float]:
    """Train, and return MiB counted and taken."""
    warm()
    x, y = mini_batch(1)
    before = psutil.Process().memory_info().rss
    reset_peak()
    engine = Engine(network(), loss_of_live, plan_of(way, cuts), OPTIMIZER)
    for _ in engine.train((x, y) for _ in range(steps)):
        pass
    taken = peak_memory() - before
    del engine
    counting = replace(plan_of(way, cuts), measure_memory=True)
    engine = Engine(network(), loss_of_live, counting, OPTIMIZER)
    done = list(engine.train((x, y) for _ in range(steps)))
    held = max(sum(report.held for report in each.stages) for each in done)
    return {"held": held / MIB, "taken": taken / MIB}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stages", type=int, default=2)
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--way", help="measure this one, in this process")
    parser.add_argument("--cuts", type=int, nargs="*", default=[])
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.way:
        print(json.dumps(measure(given.way, tuple(given.cuts), given.steps)))
        return
    x, y = mini_batch(1)
    found = profile(network(), x, loss=loss_of_live, targets=y, repeats=1)
    devices = [Device(f"core {n}") for n in range(given.stages)]
    cuts = place(found, devices, Plan(), OPTIMIZER).cuts
    print(f"cut before the operations {cuts}\n")
    print(
        "| way | weights, MiB | waiting: predicted | counted | working | all: predicted | process |"
    )
    print("|---|---|---|---|---|---|---|")
    for way in WAYS:
        stages = predict(found, plan_of(way, cuts), OPTIMIZER)
        weights, held = (sum(getattr(s, n) for s in stages) / MIB for n in ("weights", "held"))
        each = [stage.working / MIB for stage in stages]
        working = max(each) if WAYS[way].get("order") is Order.SEQUENTIAL else sum(each)
        words = [sys.executable, __file__, "--way", way, "--steps", str(given.steps)]
        done = subprocess.run(
            [*words, "--cuts", *map(str, cuts)],
            env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"},  # what is freed is given back
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        run = json.loads(done.stdout)
        print(
            f"| {way} | {weights:.0f} | {held:.0f} | {run['held']:.0f} | {working:.0f} "
            f"| {weights + held + working:.0f} | {run['taken']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
