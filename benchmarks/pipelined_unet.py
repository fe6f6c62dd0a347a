"""A residual U-Net trained through two pipelined stages, next to the same one trained plainly.

    python benchmarks/pipelined_unet.py FOLDER [--steps 2000] [--widths 16,32,64,96] [--seed 1]
        [--only sequential]

On FIB-25 (z < 160), equal weights at the start, equal patches, equal learning rates, equal numbers
of mini-batches; validated on z >= 160 by VOI after agglomeration. Both runs leave checkpoints in
FOLDER: stopped or killed, the same command goes on. The two stages run on the processor, one thread
each.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from places import DATA

from napari_axonem.training.settings import TrainSettings
from napari_axonem.training.start import train
from napari_axonem.watching import Unwatched

PLACE = DATA / "fib25" / "training2.h5"
WAYS = {
    "sequential": {"strategy": "single"},
    "two stages, 1f1b, spike": {"strategy": "pipeline", "devices": ("cpu", "cpu")},
}


class Told(Unwatched):
    """Prints what is said, and validations."""

    def say(self, text: str) -> None:
        """Print it."""
        print(text, flush=True)

    def scalar(self, name: str, step: int, value: float) -> None:
        """Print validations, and every hundredth loss."""
        if "validation" in name or step % 100 == 0:
            self.say(f"{step:6} {name} {value:.4f}")


def main() -> None:
    """Train both ways, and print their validations side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--widths", default="16,32,64,96")
    parser.add_argument("--seed", type=int, default=1, help="of weights and patches")
    parser.add_argument("--only", choices=[folder_of(name) for name in WAYS], help="one way")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    histories = {}
    for name, how in WAYS.items():
        if asked.only not in (None, folder_of(name)):
            continue
        out = asked.folder / folder_of(name)
        settings = settings_of(asked.steps, asked.widths, out, {**how, "seed": asked.seed})
        result = train(settings, Told())
        histories[name] = dict(result.history)
        (out / "history.json").write_text(json.dumps(histories[name], indent=1))
    report(histories)


def folder_of(name: str) -> str:
    """Return the name of the folder of a way."""
    return name.split(",")[0].replace(" ", "-")


def settings_of(steps: int, widths: str, out: Path, how: dict[str, object]) -> TrainSettings:
    """Return the settings of one way."""
    every = max(50, steps // 8)
    plain: dict[str, object] = {
        "volumes": (f"{PLACE}[:160]",),
        "validation": (f"{PLACE}[160:]",),
        "zero": "unlabelled",
        "erosion": False,
        "widths": widths,
        "steps": steps,
        "rate": 2e-3,
        "average": 0.99,
        "checkpoint_every": min(every, 100),
        "validate_every": every - every % min(every, 100),
        "validate_voxels": 4_000_000,
        "out": out,
        "resume": (out / "checkpoints").is_dir(),
    }
    return TrainSettings.parse({**plain, **how})


def report(histories: dict[str, dict[int, dict[str, float]]]) -> None:
    """Print VOI by mini-batch, and how far the last ones, and the last four, are apart."""
    names = list(histories)
    print(f"{'mini-batch':>10} " + " ".join(f"{name:>24}" for name in names))
    for step in histories[names[0]]:
        values = [histories[name].get(step, {}).get("voi/validation") for name in names]
        print(f"{step:>10} " + " ".join(f"{v:>24.4f}" if v else f"{'':>24}" for v in values))
    for last in (1, 4) if len(names) > 1 else ():
        ends = [list(history.values())[-last:] for history in histories.values()]
        plain, piped = (sum(one["voi/validation"] for one in end) / len(end) for end in ends)
        print(f"pipelined, mean of the last {last}: {100 * (piped / plain - 1):+.1f} %")


if __name__ == "__main__":
    main()
