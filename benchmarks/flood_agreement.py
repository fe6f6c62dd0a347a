"""Flood filling with the published weights, beside the segmentation that was published with them.

    python benchmarks/flood_agreement.py FOLDER [--edge 128] [--context 24]

Floods a corner of FIB-25 ``training2`` (from the folder in ``AXONEM_DATA``, default
``../shared/data``) with the command itself, and compares the first `--edge` voxels along each axis
with the published segmentation, and both with the truth. The published run saw the whole block;
`--context` more voxels along each axis let fields of view be centred near the faces of the part
that is scored, as they were there. An interrupted run goes on where it was; FOLDER keeps the
result. A quarter of an hour of one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import h5py
import numpy as np
from places import DATA

from napari_axonem.cli.main import main as command
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import Voi, voi
from napari_axonem.volumes import open_volume

BLOCK = DATA / "fib25" / "training2.h5"
WEIGHTS = DATA / "ffn_fib25" / "weights.npz"
VOXEL_SIZE = "10,10,10"


def flooded(folder: Path, extent: int) -> Path:
    """Flood the first `extent` voxels along each axis, and return the labels."""
    model, image, out = (folder / n for n in ("ffn.safetensors", "part.h5", "out.segmentation"))
    if not out.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with h5py.File(BLOCK) as source, h5py.File(image, "w") as part:
            part["raw"] = source["raw"][:extent, :extent, :extent]
        size = ["--voxel-size", VOXEL_SIZE]
        flooding = ["--method", "flooding", "--model", model, "--workers", "1"]
        for words in (
            ["models", "import", WEIGHTS, model, *size, "--overwrite"],
            ["segment", f"{image}:raw", out, *size, *flooding],
        ):
            if status := command([str(word) for word in words]):
                raise SystemExit(status)
    return out / "segmentation.zarr"


def told(name: str, found: Voi) -> str:
    """Return a row of the table."""
    return f"| {name} | {found.split:.3f} | {found.merge:.3f} | {found.total:.3f} |"


def main() -> None:
    """Flood, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--edge", type=int, default=128)
    parser.add_argument("--context", type=int, default=24)
    given = parser.parse_args()
    edge = given.edge
    labels = open_volume(flooded(given.folder, edge + given.context))
    ours = np.asarray(labels.levels[0][:edge, :edge, :edge])
    with h5py.File(BLOCK) as block:
        truth, published = (block[name][:edge, :edge, :edge] for name in ("gt", "ffn"))
    both = np.where(ours > 0, published, 0)  # 0 is left out of the comparison
    print("| VOI in bits | split | merge | total |\n|---|---|---|---|")
    print(told("ours from published, where both are foreground", voi(count_overlaps(ours, both))))
    print(told("ours from the truth", voi(count_overlaps(ours, truth))))
    print(told("published from the truth", voi(count_overlaps(published, truth))))
    print(f"background: ours {(ours == 0).mean():.1%}, published {(published == 0).mean():.1%}")


if __name__ == "__main__":
    main()
