"""What a model of FIB-25 scores, by `segment` itself, where it was trained and where it was not.

    python benchmarks/model_scores.py FOLDER [--model fib25] [--augment flips]

Segments two parts of ``fib25/training2.h5`` (``AXONEM_DATA``, default ``../shared/data``), each by
itself, so that nothing of one reaches into the other: sections 60 to 150, which the shipped model
was trained on and where the threshold is chosen, and sections from 160 on, never trained on. VOI is
printed at every threshold on the first, and at the one chosen there on the second.

Beside the second stands what the same affinities give otherwise: the best that joining the same
fragments can reach, each going to the true object that has most of it, and waterz with fragments of
its own, at the threshold that is best for it where it is chosen.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import waterz
from places import DATA

from napari_axonem.cli.main import main as command
from napari_axonem.evaluation.overlaps import OverlapTable, count_overlaps, merge_tables
from napari_axonem.evaluation.scores import Voi, voi
from napari_axonem.segmentation.inference.store import AffinityVolume
from napari_axonem.segmentation.result import Result
from napari_axonem.volumes import open_volume

BLOCK = DATA / "fib25" / "training2.h5"
PARTS = {"chosen": slice(60, 150), "tested": slice(160, 250)}
THRESHOLDS = np.arange(0.2, 0.85, 0.05).round(2)


@dataclass(frozen=True, slots=True)
class Scored:
    """What one part scores."""

    ours: dict[float, Voi]
    """At each threshold."""

    perfect: Voi
    """With fragments joined by the truth."""

    waterz: dict[float, Voi]
    """At each mean affinity, with fragments of its own."""


def scores(folder: Path, part: str, model: str, augment: str) -> Scored:
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
    near = AffinityVolume.open(result.affinities).near[:].astype(np.float32) / 255
    return Scored(
        {float(t): voi(count_overlaps(tree.segments_at(t)[fragments], truth)) for t in THRESHOLDS},
        voi(perfectly_joined(count_overlaps(fragments, truth))),
        {
            # waterz counts from the other end
            round(1 - float(t), 2): voi(count_overlaps(np.asarray(segments, np.uint32), truth))
            for t, segments in zip(THRESHOLDS, waterz.agglomerate(near, THRESHOLDS), strict=True)
        },
    )


def perfectly_joined(table: OverlapTable) -> OverlapTable:
    """Return the table in which each fragment belongs to the true object that has most of it."""
    order = np.lexsort((table.voxels, table.truth > 0, table.segment))
    last = np.append(table.segment[order][1:] != table.segment[order][:-1], True)
    names = table.segment[order][last]
    truth = table.truth[order][last][np.searchsorted(names, table.segment)]
    return merge_tables([replace(table, segment=truth)])


def best_of(found: dict[float, Voi]) -> float:
    """Return the threshold of the lowest VOI."""
    return min(found, key=lambda t: found[t].total)


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
    for threshold, found in chosen.ours.items():
        print(row(threshold, found))
    print("\n| z >= 160 | split | merge | total |\n|---|---|---|---|")
    best = best_of(chosen.ours)
    print(row(f"ours at {best}", tested.ours[best]))
    best = best_of(chosen.waterz)
    print(row(f"waterz at {best}", tested.waterz[best]))
    print(row("the same fragments, perfectly joined", tested.perfect))


def row(name: object, found: Voi) -> str:
    """Return a row of a table."""
    return f"| {name} | {found.split:.3f} | {found.merge:.3f} | {found.total:.3f} |"


if __name__ == "__main__":
    main()
