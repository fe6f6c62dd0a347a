"""Two stages on one CUDA card: whether their streams overlap, what comes out, and what it takes.

    python benchmarks/pipeline_streams.py OUT [--patch 28,160,160] [--steps 12] [--rounds 5]

The residual U-Net of `pipeline.py`, in bf16, cut by the times that the card gives. Stages that
share a card gain what one leaves idle, which is little when patches are large: this measures
whether the pipeline is right and what it costs on one card, not how fast it is on several.

Printed are

- **times**, medians of rounds in turn: the whole network without a pipeline; two stages in turn in
  one thread; two stages in threads, each on a stream of its own;
- **what comes out**: how far all weights are after eight mini-batches from those of the same
  schedule in one thread, and from the processor's, relative to how far they have come; beside it
  how far two equal runs are apart, as some of torch's kernels add up in any order;
- **overlap** from torch's profiler: how long kernels of each stream run, and both at once;
- **memory**: the highest that torch allocates above what was there before, beside what
  `pipeline.memory` predicts.

OUT gets the trace, for chrome://tracing, and a picture of its middle.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from pipeline import OPTIMIZER, loss_of_live
from pipeline_rivals import network
from torch import Tensor

from napari_axonem.networks.precision import keep_float32
from napari_axonem.pipeline.choosing import choose
from napari_axonem.pipeline.engine import Batch, Engine
from napari_axonem.pipeline.memory import predict
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.profiling import profile
from napari_axonem.pipeline.schedules import Order

MIB = 2.0**20
SMALL = (28, 160, 16)
"""Patch that is compared with the processor."""

Spans = list[tuple[float, float]]
"""Beginning and end in microseconds, in order."""


def mini_batch(patch: Sequence[int]) -> Batch:
    """Return an input and targets, in memory that a card copies from without waiting."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(1, 1, *patch, generator=g)
    return x.pin_memory(), (torch.rand(1, 3, *patch, generator=g) > 0.5).float().pin_memory()


def engine(plan: Plan) -> Engine:
    """Return an engine of the network with its first weights."""
    chain = network().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return Engine(chain, loss_of_live, plan, OPTIMIZER)


def repeated(batch: Batch, count: int) -> Iterator[Batch]:
    """Yield the same mini-batch so many times."""
    for _ in range(count):
        yield batch


def seconds(run: Engine, batch: Batch, count: int) -> float:
    """Return the seconds of a mini-batch."""
    began = time.perf_counter()
    for _ in run.train(repeated(batch, count)):
        pass
    return (time.perf_counter() - began) / count


def weights(plan: Plan, batch: Batch, count: int) -> dict[str, Tensor]:
    """Return the weights after so many mini-batches."""
    run = engine(plan)
    seconds(run, batch, count)
    state = run.state_dict().items()
    return {name: tensor.cpu() for name, tensor in state if name.startswith("weight/")}


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Return how far two states are apart, relative to how far they have come."""
    first = {f"weight/{name}": p.detach() for name, p in network().named_parameters()}
    apart = sum(float((one[name] - tensor).square().sum()) for name, tensor in other.items())
    come = sum(float((first[name] - tensor).square().sum()) for name, tensor in other.items())
    return (apart / come) ** 0.5


def traced(run: Engine, batch: Batch, count: int, path: Path) -> dict[int, Spans]:
    """Return when kernels of each stream ran; the trace is left at `path`."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    with profiler(activities=[ProfilerActivity.CUDA]) as found:
        seconds(run, batch, count)
    found.export_chrome_trace(str(path))
    streams: dict[int, Spans] = {}
    for event in json.loads(path.read_text())["traceEvents"]:
        if event.get("cat") == "kernel":
            span = (float(event["ts"]), float(event["ts"]) + float(event["dur"]))
            streams.setdefault(int(event["args"]["stream"]), []).append(span)
    return {stream: joined(spans) for stream, spans in streams.items()}


def joined(spans: Spans) -> Spans:
    """Return spans in order, those that touch as one."""
    result: Spans = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def common(one: Spans, other: Spans) -> float:
    """Return for how many microseconds spans of both last."""
    edges = sorted({edge for spans in (one, other) for span in spans for edge in span})
    counts = [0] * len(edges)
    place = {edge: n for n, edge in enumerate(edges)}
    for spans in (one, other):
        for start, end in spans:
            for n in range(place[start], place[end]):
                counts[n] += 1
    return sum(b - a for (a, b), count in zip(pairwise(edges), counts, strict=False) if count == 2)


def drawn(streams: dict[int, Spans], milliseconds: float) -> str:
    """Return a picture (SVG) of the middle of a trace, one row a stream."""
    every = [edge for spans in streams.values() for span in spans for edge in span]
    begin = (min(every) + max(every)) / 2
    scale = 900 / (milliseconds * 1000)
    rows = []
    for row, spans in enumerate(streams.values()):
        y = 24 + 48 * row
        rows.append(f'<text x="4" y="{y + 20}">stage {row}</text>')
        for start, end in spans:
            x, width = (start - begin) * scale, (end - start) * scale
            if 0 <= x <= 900:
                rows.append(
                    f'<rect x="{60 + x:.2f}" y="{y}" width="{min(width, 900 - x):.2f}" height="30"'
                    f' fill="{("#0072b2", "#e69f00")[row % 2]}"/>'
                )
    height = 48 * len(streams) + 44
    rows.append(
        f'<text x="60" y="{height - 8}">{milliseconds:.0f} ms of the middle of a run</text>'
    )
    body = "\n".join(rows)
    size = f'width="980" height="{height}" viewBox="0 0 980 {height}"'
    style = 'font-family="sans-serif" font-size="13"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{body}\n</svg>\n'


def memory(plan: Plan, batch: Batch, count: int, device: str) -> tuple[float, float]:
    """Return the MiB predicted and taken."""
    chain = network().to(device)
    x, y = (t.to(device) for t in batch)  # type: ignore[union-attr]
    found = profile(chain, x, loss=loss_of_live, targets=y, dtype=plan.dtype, repeats=1)
    stages = predict(found, plan, OPTIMIZER)
    of_weights, held = (sum(getattr(s, n) for s in stages) for n in ("weights", "held"))
    working = [stage.working for stage in stages]
    at_work = max(working) if plan.order is Order.SEQUENTIAL else sum(working)
    del chain, x, y
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    seconds(engine(plan), batch, count)
    taken = torch.cuda.max_memory_allocated() - before
    return (of_weights + held + at_work) / MIB, taken / MIB


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--patch", default="28,160,160")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    keep_float32()
    device, batch = given.device, mini_batch([int(n) for n in given.patch.split(",")])
    plain = Plan(devices=(device,), order=Order.SEQUENTIAL, executor="serial", dtype=torch.bfloat16)
    two = Plan(devices=(device, device), dtype=torch.bfloat16)
    chosen = choose(network(), (batch[0],), batch[1], loss_of_live, (device,) * 2, two, OPTIMIZER)  # type: ignore[arg-type]
    print(torch.cuda.get_device_name(device), "torch", torch.__version__, "patch", given.patch)
    print(chosen.table())
    two = replace(two, cuts=chosen.cuts)
    ways = {"no pipeline": plain, "in turn": replace(two, executor="serial"), "streams": two}

    runs = {name: engine(plan) for name, plan in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(given.rounds + 1):
        for name in list(ways) if turn % 2 else reversed(ways):
            times[name].append(seconds(runs[name], batch, given.steps))
    for name, taken in times.items():
        rest = sorted(taken[1:])
        print(
            f"{name:12} {1000 * statistics.median(rest):8.2f} ms a mini-batch"
            f" ({1000 * rest[0]:.2f}-{1000 * rest[-1]:.2f})"
        )
    del runs

    turns, again = (weights(ways["in turn"], batch, 8) for _ in range(2))
    print(f"bf16, in turn, from the same once more: {difference(turns, again):.2e}")
    print(f"bf16, streams, from in turn: {difference(weights(two, batch, 8), turns):.2e}")
    full, small = replace(two, dtype=None), mini_batch(SMALL)
    turns, again = (weights(replace(full, executor="serial"), small, 8) for _ in range(2))
    cpu = weights(replace(full, devices=("cpu", "cpu"), executor="serial"), small, 8)
    print(f"full precision, in turn, from the same once more: {difference(turns, again):.2e}")
    print(
        f"full precision, streams, from in turn: {difference(weights(full, small, 8), turns):.2e}"
    )
    print(f"full precision, in turn, from the processor: {difference(turns, cpu):.2e}")

    run = engine(two)
    seconds(run, batch, 3)
    streams = traced(run, batch, given.steps, given.out / "trace.json")
    busiest = sorted(streams, key=lambda s: -sum(b - a for a, b in streams[s]))[:2]
    mine = {stream: streams[stream] for stream in sorted(busiest)}
    lengths = {s: sum(b - a for a, b in spans) / 1000 for s, spans in mine.items()}
    both = common(*mine.values()) / 1000 if len(mine) == 2 else 0.0
    shorter = min(lengths.values())
    words = ", ".join(f"stream {stream}: {value:.1f} ms" for stream, value in lengths.items())
    print(f"kernels of {given.steps} mini-batches: {words}; both at once {both:.1f} ms"
          f" ({100 * both / shorter:.0f} % of the shorter)")  # fmt: skip
    middle = 2000 * statistics.median(times["streams"][1:])
    (given.out / "streams.svg").write_text(drawn(mine, middle))

    kinds = {
        "plain": plain,
        "paper": replace(two, order=Order.PAPER),
        "1f1b": two,
        "stash": replace(two, stash=True),
        "recompute": replace(two, recompute=(0,)),
    }
    for name, plan in kinds.items():
        predicted, taken_ = memory(plan, batch, 8, device)
        print(f"memory, {name}: predicted {predicted:.0f} MiB, taken {taken_:.0f}", flush=True)


if __name__ == "__main__":
    main()
