"""What a model of FIB-25 scores, by `segment` itself, where it was trained and where it was not.

    python benchmarks/model_scores.py FOLDER [--model fib25] [--augment flips]

Segments two parts of ``fib25/training2.h5`` (``AXONEM_DATA``, default ``../shared/data``), each by
itself, so that nothing of one reaches into the other: sections 60 to 150, which the shipped model
was trained on and where the threshold is chosen, and sections from 160 on, never trained on. VOI at
every threshold on the first, and at the one chosen there on the second.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import h5py
import numpy as np

from napari_axonem.cli.main import main as command
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import Voi, voi
from napari_axonem.segmentation.result import Result
from napari_axonem.volumes import open_volume

DATA = Path(os.environ.get("AXONEM_DATA", Path(__file__).parents[2] / "shared" / "data"))
BLOCK = DATA / "fib25" / "training2.h5"
PARTS = {"chosen": slice(60, 150), "tested": slice(160, 250)}
THRESHOLDS = np.arange(0.2, 0.85, 0.05).round(2)


def scores(folder: Path, part: str, model: str, augment: str) -> dict[float, Voi]:
    """Segment one part and score it at every threshold."""
    image, out = folder / f"{part}.h5", folder / f"{part}.segmentation"
    with h5py.File(BLOCK) as source:
        raw, truth = (source[name][PARTS[part]] for name in ("raw", "gt"))
    with h5py.File(image, "w") as file:
        file["raw"] = raw
    words = ["segment", f"{image}:raw", out, "--voxel-size", "10,10,10", "--model", model]
    if status := command([*map(str, words), "--augment", augment, "--overwrite"]):
        raise SystemExit(status)
    result = Result(out)
    fragments = np.asarray(open_volume(result.fragments).levels[0])
    tree = result.open_graph().tree
    return {
        float(t): voi(count_overlaps(tree.segments_at(t)[fragments], truth)) for t in THRESHOLDS
    }


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="fib25")
    parser.add_argument("--augment", default="none")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    chosen, tested = (scores(given.folder, p, given.model, given.augment) for p in PARTS)
    print("| threshold | split | merge | total, where it is chosen |\n|---|---|---|---|")
    for threshold, found in chosen.items():
        print(f"| {threshold} | {found.split:.3f} | {found.merge:.3f} | {found.total:.3f} |")
    best = min(chosen, key=lambda t: chosen[t].total)
    found = tested[best]
    print(f"z >= 160 at {best}: split {found.split:.3f} merge {found.merge:.3f} {found.total:.3f}")


if __name__ == "__main__":
    main()
