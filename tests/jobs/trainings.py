"""A training small enough to be watched, and a window that starts it and lives on."""

import sys
from pathlib import Path

from napari_axonem.jobs import Specification, start

STEPS = 4000
"""More than are done before somebody intervenes."""


def training(place: str, out: Path, steps: int = STEPS) -> Specification:
    """Return a training of a tiny network that writes a checkpoint every five mini-batches."""
    flags = "--widths 2,3 --patch 8,8,8 --long-range 30 --precision float32 --devices cpu"
    flags += f" --steps {steps} --checkpoint-every 5 --validate-every {steps}"
    flags += f" --rate 0.001 --validate-voxels 4096 --volumes {place}[:16] --out {out}"
    return Specification("A small one", ("train", *flags.split()), str(out.parent), ("--resume",))


if __name__ == "__main__":
    place, out, jobs = sys.argv[1:]
    job = start(training(place, Path(out)), Path(jobs))
    sys.stdout.write(f"{job.folder.root}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until somebody kills it
