"""Two CPU cores standing for two devices: how fast a residual U-Net is trained over both.

    python benchmarks/pipeline.py OUT --part NAME      one part, under 4 minutes on a quiet machine
    python benchmarks/pipeline.py OUT --report         the table of all parts measured so far

Parts are batch1 and batch4 (all contestants), ours (the orders of our pipeline) and short (one).

The baseline is one process with one thread on one core. In every part it runs in the same rounds as
the contestants, one after the other, and each figure is the median over rounds of the baseline's
time over the contestant's, for the same number of samples; seconds are the median of all rounds. Of
our pipeline, which in use is filled once in hundreds of mini-batches, the first and last ones of
each round are left out; ``with filling`` counts them. Rounds in which other programs took more than
a twentieth of a core are dropped, but for the seconds. The folder of torchgpipe, if it shall take
part, is named by TORCHGPIPE.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import torch
from pipeline_rivals import (
    MOMENTUM,
    PATCH,
    RATE,
    TwoProcesses,
    loss_of,
    mini_batch,
    network,
    plain_step,
    torchgpipe_step,
)

from napari_axonem.networks.chain import Live
from napari_axonem.pipeline.engine import Engine
from napari_axonem.pipeline.messages import Targets
from napari_axonem.pipeline.optimizers import Compensation, Optimizer
from napari_axonem.pipeline.partition import Device, limit, place
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.profiling import profile
from napari_axonem.pipeline.schedules import Order

Run = Callable[[], dict[str, float]]
"""One round: seconds a mini-batch, wall and CPU seconds of all, and what else is told."""

RESULTS = "pipeline.jsonl"
BUSY = ("user", "nice", "system")
OPTIMIZER = Optimizer(rate=RATE, momentum=MOMENTUM, compensation=Compensation.SPIKE)
OTHERS = 0.05
"""Of a core that other programs may have used in a round for it to count."""

SKIPPED = 2
"""Mini-batches at either end of a round of the pipeline that are left out."""


def loss_of_live(live: Live, targets: Targets) -> torch.Tensor:
    """Return the loss as the engine asks for it."""
    assert isinstance(targets, torch.Tensor)
    return loss_of(live[0], targets)


def stepping(step: Callable[[], object], threads: int, count: int) -> Run:
    """Return rounds of `count` steps in this process."""

    def run() -> dict[str, float]:
        torch.set_num_threads(threads)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        torch.set_num_threads(1)
        return {"seconds": wall / count, "wall": wall, "cpu": cpu}

    return run


def pipelined(cut: int, size: int, count: int, order: Order, **plan: Any) -> Run:  # noqa: ANN401
    """Return rounds of our engine with two stages, one thread each."""
    settings = Plan(cuts=(cut,), order=order, threads=1, **plan)
    engine = Engine(network(), loss_of_live, settings, OPTIMIZER)
    batch = mini_batch(size)

    def run() -> dict[str, float]:
        moments, reports = [], []
        wall, cpu = time.perf_counter(), time.process_time()
        for done in engine.train(batch for _ in range(count)):
            moments.append(time.perf_counter())
            reports.append(done.stages)
        whole, cpu = time.perf_counter() - wall, time.process_time() - cpu
        steady = (moments[-1 - SKIPPED] - moments[SKIPPED - 1]) / (count - 2 * SKIPPED)
        found = {"seconds": steady, "with_filling": whole / count, "wall": whole, "cpu": cpu}
        for n, of_stage in enumerate(zip(*reports, strict=True)):
            found[f"stage{n}"] = statistics.median(r.forward + r.backward for r in of_stage)
        return found

    return run


def processes(kind: str, cut: int, size: int, micro: int, count: int) -> Run:
    """Return rounds of two processes."""
    pair = TwoProcesses(kind, cut, size, micro)
    pair.run(1)

    def run() -> dict[str, float]:
        wall, cpu = pair.run(count)
        return {"seconds": wall / count, "wall": wall, "cpu": cpu}

    return run


def our_cut(size: int) -> tuple[int, float, str]:
    """Return the best cut of a profile on one core, its ideal speed-up, and its table."""
    x, y = mini_batch(size)
    found = profile(network(), x, loss=loss_of_live, targets=y, repeats=2)
    choice = place(found, [Device("core 0"), Device("core 1")], Plan(), OPTIMIZER)
    return choice.cuts[0], limit(found, choice.cuts), choice.table()


def contestants(part: str, cut: int) -> tuple[int, dict[str, Callable[[], Run]]]:
    """Return the batch size and the makers of all contestants of a part."""
    f = Order.ONE_F_ONE_B
    parts: dict[str, tuple[int, dict[str, Callable[[], Run]]]] = {
        "batch1": (1, {
            "pipeline, 1f1b": lambda: pipelined(cut, 1, 12, f),
            "one process, two threads": lambda: stepping(plain_step(network(), 1), 2, 4),
            "torch GPipe, 1 micro-batch": lambda: processes("gpipe", cut, 1, 1, 3),
            "torchgpipe, 1 micro-batch": lambda: stepping(torchgpipe_step(cut, 1, 1), 1, 3),
            "torch 1F1B, 1 micro-batch": lambda: processes("1f1b", cut, 1, 1, 3),
        }),
        "batch4": (4, {
            "pipeline, 1f1b": lambda: pipelined(cut, 4, 7, f),
            "one process, two threads": lambda: stepping(plain_step(network(), 4), 2, 1),
            "torch GPipe, 4 micro-batches": lambda: processes("gpipe", cut, 4, 4, 1),
            "torch 1F1B, 4 micro-batches": lambda: processes("1f1b", cut, 4, 4, 1),
            "torchgpipe, 4 micro-batches": lambda: stepping(torchgpipe_step(cut, 4, 4), 1, 1),
            "DDP, 2 processes": lambda: processes("ddp", cut, 4, 1, 1),
        }),
        "short": (
            1,
            {"pipeline, 1f1b": lambda: pipelined(cut, 1, 12, f)},
        ),
        "ours": (1, {
            "pipeline, 1f1b": lambda: pipelined(cut, 1, 12, f),
            "pipeline, paper": lambda: pipelined(cut, 1, 12, Order.PAPER),
            "pipeline, 1f1b, stage 0 computed again": lambda: pipelined(
                cut, 1, 12, f, recompute=(0,)
            ),
        }),
    }  # fmt: skip
    return parts[part]


def measure(part: str, seconds: float) -> list[dict[str, Any]]:
    """Run a part in interleaved rounds for about `seconds`; return a line for each contestant."""
    torch.set_num_threads(1)
    until = time.monotonic() + seconds
    cut, ideal, table = our_cut(1)
    print(table, flush=True)
    size, makers = contestants(part, cut)
    runs: dict[str, Run] = {"baseline": stepping(plain_step(network(), size), 1, 4 // size)}
    lines: list[dict[str, Any]] = []
    for name, make in makers.items():
        try:
            runs[name] = make()
        except (RuntimeError, ValueError, KeyError, ImportError, AssertionError) as error:
            lines.append({"part": part, "batch": size, "name": name, "failed": str(error)})
    found: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    longest = 0.0
    while not found["baseline"] or time.monotonic() + longest < until:
        start = time.monotonic()
        for name, run in runs.items():
            found[name].append(watched(run))
        longest = max(longest, time.monotonic() - start)
    for name, rounds in found.items():
        lines.append({"part": part, "batch": size, "name": name, "cut": cut, "ideal": ideal,
                      "rounds": rounds, "patch": PATCH})  # fmt: skip
    return [summed_up(line, found["baseline"]) for line in lines]


def watched(run: Run) -> dict[str, float]:
    """Do a round, and add which share of a core other programs used meanwhile."""
    before = psutil.cpu_times()
    found = run()
    after = psutil.cpu_times()
    busy = sum(getattr(after, kind) - getattr(before, kind) for kind in BUSY)
    return {**found, "others": max(0.0, busy - found["cpu"]) / found["wall"]}


def summed_up(line: dict[str, Any], baseline: list[dict[str, float]]) -> dict[str, Any]:
    """Add the medians of the rounds in which nothing else was at work."""
    if "failed" in line:
        return line
    pairs = [
        (r, b["seconds"])
        for r, b in zip(line["rounds"], baseline, strict=True)
        if max(r["others"], b["others"]) < OTHERS
    ]
    ratios = [b / r["seconds"] for r, b in pairs]
    filling = [b / r["with_filling"] for r, b in pairs if "with_filling" in r]
    return {
        **line,
        "kept": len(pairs),
        "speed_up": statistics.median(ratios) if ratios else None,
        "range": [min(ratios), max(ratios)] if ratios else None,
        "speed_up_with_filling": statistics.median(filling) if filling else None,
        "seconds": statistics.median(r["seconds"] for r in line["rounds"]),
    }


def report(lines: list[dict[str, Any]]) -> str:
    """Return markdown."""
    rows = [
        "| batch | contestant | s a mini-batch | over one core | range | with filling | of ideal |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        if "failed" in line:
            why = line["failed"][:90]
            rows.append(f"| {line['batch']} | {line['name']} | refuses: {why} | | | | |")
            continue
        if line["speed_up"] is None:
            continue
        low, high = line["range"]
        ours = line["speed_up_with_filling"]
        filling = "" if ours is None else f"{ours:.2f}"
        share = line["speed_up"] / line["ideal"]
        of_ideal = "" if ours is None else f"{share:.2f} of {line['ideal']:.2f}"
        what = f"| {line['batch']} | {line['name']} | {line['seconds']:.2f}"
        how_fast = f"{line['speed_up']:.2f} | {low:.2f}-{high:.2f} ({line['kept']})"
        rows.append(f"{what} | {how_fast} | {filling} | {of_ideal} |")
    return "\n".join(rows)


def main() -> None:
    """Measure a part, or report all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", default="batch1", choices=("batch1", "batch4", "short", "ours"))
    parser.add_argument("--seconds", type=float, default=220, help="of one part (default: 220)")
    parser.add_argument("--report", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / RESULTS
    if not given.report:
        lines = measure(given.part, given.seconds)
        with path.open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    print(report([json.loads(line) for line in path.read_text().splitlines()]), flush=True)
    os._exit(0)  # rivals may hang at their end


if __name__ == "__main__":
    main()
