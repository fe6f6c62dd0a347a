"""Accuracy of the paper's networks, trained plainly and in pipelined orders with stale weights.

    python benchmarks/staleness_study.py OUT [--data FOLDER] [--parts lenet5,resnet20,…]
    python benchmarks/staleness_study.py OUT --report

Runs one after the other, one thread, the serial executor (which gives the same bits as the
threads). Each finished run is one line of OUT/staleness_study.jsonl; the run under way is kept in
OUT/running.pt every few minutes, and the same command goes on from there. All ways of a network see
the same mini-batches with the same learning rates from the same weights; schedules are far
shorter than the paper's.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from staleness_report import write_report

from napari_axonem.errors import NotFiniteError
from napari_axonem.networks.precision import is_bf16_fast
from napari_axonem.pipeline.plan import Plan
from napari_axonem.training.paper.course import Course
from napari_axonem.training.paper.pictures import (
    CIFAR10_FILE,
    Pictures,
    read_cifar10,
    read_mnist,
)
from napari_axonem.training.paper.recipes import RECIPES, Recipe, Way, ways

RESULTS = "staleness_study.jsonl"
KEEP_SECONDS = 120
MARKS = 8
"""Times that a run is tested, with fewer pictures until the end."""

FEWER = 1000


@dataclass(frozen=True)
class Part:
    """One network of the study."""

    network: str
    epochs: float
    pictures: int
    """Of the training part; 0 for all."""

    vectors: tuple[tuple[int, ...], ...]
    tested: int = 0
    """Pictures that the end is tested with; 0 for all."""

    batch: int = 0
    rate: float = 0
    """In place of the recipe's, where they are not 0."""

    dtype: str = "float32"

    @property
    def recipe(self) -> Recipe:
        """How the network is trained."""
        usual = RECIPES[self.network]
        return replace(usual, batch=self.batch or usual.batch, rate=self.rate or usual.rate)


FAST = "bfloat16" if is_bf16_fast(torch.device("cpu")) else "float32"

PARTS = {
    "lenet5": Part("lenet5", 4, 0, ((1, 2, 3, 4), (2,))),
    "resnet20": Part("resnet20", 3, 40_000, ((7, 13, 19), (7,), (7, 13)), dtype=FAST),
    "alexnet": Part("alexnet", 3, 40_000, ((3,), (1, 2, 3)), dtype=FAST),
    "vgg16": Part(
        "vgg16", 1, 10_240, ((2,), (2, 4, 7)), tested=5000, batch=32, rate=0.004, dtype=FAST
    ),
}
SEQUENCE = [
    ("lenet5", 0), ("resnet20", 0), ("lenet5", 1), ("lenet5", 2), ("alexnet", 0), ("vgg16", 0),
    ("resnet20", 1), ("alexnet", 1), ("resnet20", 2), ("vgg16", 1), ("lenet5", 3), ("lenet5", 4),
]  # fmt: skip
"""Parts and seeds, the most telling first."""


def planned(names: list[str]) -> Iterator[tuple[Part, Way, int]]:
    """Yield all runs in order."""
    for name, seed in SEQUENCE:
        if name in names:
            for way in ways(*PARTS[name].vectors):
                yield PARTS[name], way, seed


def key_of(part: Part, way: Way, seed: int) -> dict[str, Any]:
    """Return what tells a run from all others."""
    return {
        **asdict(part),
        "vectors": None,
        "way": way.name,
        "layers": list(way.layers),
        "seed": seed,
    }


def read_pictures(part: Part, data: Path) -> tuple[Pictures, Pictures]:
    """Return pictures to learn from and to test with."""
    if RECIPES[part.network].data == "mnist":
        both = [read_mnist(data / "mnist", name) for name in ("train", "test")]
    else:
        both = [read_cifar10(data / "cifar10" / CIFAR10_FILE, name) for name in ("train", "test")]
    return both[0].first(part.pictures), both[1].first(part.tested)


def one_run(course: Course, test: Pictures, key: dict[str, Any], kept: Path) -> dict[str, Any]:
    """Train to the end or to NaN, from what was kept of this run, and return the result."""
    marks = [round(course.total * n / MARKS) for n in range(1, MARKS + 1)]
    curve, spent = take_up(course, key, kept)
    last_kept, start = time.monotonic(), time.process_time()
    diverged_at = None
    for mark in marks[len(curve) :]:
        losses: list[float] = []
        try:
            while course.engine.steps < mark:
                losses += [done.loss for done in course.advance(mark)]
        except NotFiniteError:
            diverged_at = course.engine.steps
            break
        score = course.score(test if mark == course.total else test.first(FEWER))
        curve.append(
            {"step": mark, "train_loss": sum(losses) / len(losses), "test_loss": score.loss,
             "accuracy": score.accuracy}
        )  # fmt: skip
        if time.monotonic() - last_kept > KEEP_SECONDS:
            now = spent + time.process_time() - start
            state = {name: tensor.clone() for name, tensor in course.engine.state_dict().items()}
            made = {"key": key, "state": state, "curve": curve, "cpu_seconds": now}
            torch.save(made, kept.with_suffix(".tmp"))
            kept.with_suffix(".tmp").replace(kept)
            last_kept = time.monotonic()
    seconds = spent + time.process_time() - start
    accuracy = None if diverged_at is not None else curve[-1]["accuracy"]
    return {**key, "cpu_seconds": round(seconds, 1), "accuracy": accuracy,
            "diverged_at": diverged_at, "curve": curve}  # fmt: skip


def take_up(
    course: Course, key: dict[str, Any], kept: Path
) -> tuple[list[dict[str, float]], float]:
    """Go on from what was kept of this very run; return its curve and seconds."""
    if not kept.exists():
        return [], 0.0
    before = torch.load(kept)
    if before["key"] != key:
        return [], 0.0
    course.engine.load_state_dict(before["state"])
    return before["curve"], before["cpu_seconds"]


def study(out: Path, data: Path, names: list[str]) -> None:
    """Do all runs that are not done yet."""
    out.mkdir(parents=True, exist_ok=True)
    results = out / RESULTS
    done = (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )
    have: tuple[Part | None, tuple[Pictures, Pictures] | None] = (None, None)
    for part, way, seed in planned(names):
        key = key_of(part, way, seed)
        if any(all(line[name] == value for name, value in key.items()) for line in done):
            continue
        if have[0] is not part:
            have = (part, read_pictures(part, data))
        assert have[1] is not None
        train, test = have[1]
        dtype = None if part.dtype == "float32" else getattr(torch, part.dtype)
        plan = Plan(executor="serial", dtype=dtype)
        course = Course(part.recipe, way, train, part.epochs, seed, plan)
        result = one_run(course, test, key, out / "running.pt")
        with results.open("a") as file:
            file.write(json.dumps(result) + "\n")
        print(part.network, way.name, way.layers, seed, result["accuracy"], result["cpu_seconds"],
              flush=True)  # fmt: skip


def main() -> None:
    """Run the study, or report it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("AXONEM_DATA", "../shared/data"))
    )
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument(
        "--report", action="store_true", help="write tables and curves, run nothing"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.report:
        write_report(given.out / RESULTS)
    else:
        study(given.out, given.data, given.parts.split(","))


if __name__ == "__main__":
    main()
