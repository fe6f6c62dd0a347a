"""The project that `edits.py` works on: 1 gigavoxel, more than two million fragments.

Eight copies of a piece of mouse cortex (pinky40, 512³ voxels of 40×32×32 nm), each object cut
into fragments on a lattice whose cells are shifted from layer to layer. The segmentation to start
from is the objects themselves, cut across at every 256th section; the truth is the objects.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import fastremap
import h5py
import numpy as np

CELL = (11, 12, 12)
"""Extent (z, y, x) of a fragment at most, in voxels."""

SLAB = 256
"""Sections after which the segmentation is cut."""

VOXEL_SIZE = (40.0, 32.0, 32.0)


def write_source(labels: Path, destination: Path) -> None:
    """Write fragments, segmentation and truth as one HDF5 file."""
    with h5py.File(labels, "r") as file:
        name = next(iter(file))
        truth = file[name][:].astype(np.uint32)
    n = len(truth)
    z = np.arange(n)[:, None, None] // CELL[0]
    y = (np.arange(n)[None, :, None] + 4 * (z % 2)) // CELL[1]
    x = (np.arange(n)[None, None, :] + 4 * (z % 3)) // CELL[2]
    cell = (z * 64 + y) * 64 + x
    key = truth.astype(np.uint64) << np.uint64(32) | cell.astype(np.uint64)
    key[truth == 0] = 0
    fragments, names = fastremap.renumber(key)
    fragments = fragments.astype(np.uint32)
    slab = (np.arange(n) // SLAB).astype(np.uint32)[:, None, None]
    segments = np.where(truth > 0, truth * np.uint32(n // SLAB) + slab, 0).astype(np.uint32)
    temporary = destination.with_suffix(".partial")
    with h5py.File(temporary, "w") as file:
        for role, array in (
            ("fragments", fragments),
            ("segmentation", segments),
            ("truth", truth),
        ):
            step = np.uint32(array.max() + 1)
            dataset = file.create_dataset(
                role, (2 * n,) * 3, np.uint32, chunks=(64, 64, 64), compression="lzf", shuffle=True
            )
            for tile in range(8):
                corner = [((tile >> axis) & 1) * n for axis in (2, 1, 0)]
                box = tuple(slice(c, c + n) for c in corner)
                dataset[box] = np.where(array > 0, array + np.uint32(tile) * step, 0)
    temporary.replace(destination)
    print(f"{8 * len(names):,} fragments at most")


def _told(done: int, total: int, doing: str) -> None:
    print(f"{time.strftime('%X')} {doing}: {done} of {total}", flush=True)


def main() -> None:
    """Write the source, and make a project of it."""
    from napari_axonem.proofreading.creation import CreateSettings, create_project

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path, help="pinky40/labels.h5")
    parser.add_argument("folder", type=Path, help="where to work, 6 GB")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    source = options.folder / "source.h5"
    if not source.exists():
        write_source(options.labels, source)
    project = options.folder / "edits.axonem"
    if not project.exists():
        settings = CreateSettings(
            fragments=f"{source}:fragments",
            segmentation=f"{source}:segmentation",
            truth=f"{source}:truth",
            voxel_size=VOXEL_SIZE,
            workers=options.workers,
        )
        create_project(project, settings, _told)


if __name__ == "__main__":
    main()
