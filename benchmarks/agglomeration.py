"""From affinities to fragments, merge tree and segments: blockwise, beside waterz.

    python benchmarks/agglomeration.py [--copies N] [--tile EDGE] [--waterz N] [--workers N]

**Affinities** are made of true shapes: a cube of the ground truth of FIB-25
(``fib25/training2.h5`` in ``AXONEM_DATA``, default ``../shared/data``), or of made-up cells where
it is missing, with membranes of two voxels and noise on everything. N copies along each axis, each
the mirror image of its neighbour, so that objects go on, make up the volume: 4 of 250 voxels are
1 Gvoxel. They lie on disk as `segment` keeps them: uint8, chunks of 64 voxels.

**Ours** is the command ``segment IMAGE OUT --affinities …`` as a user gives it: it reads from disk
and leaves fragments and segments as pyramids, and the graph with its merge tree. **waterz** does
what it can: it wants everything in memory, as float32, so it gets fewer copies; it reads the
affinities, makes fragments and segments at one threshold, and writes nothing.

Memory is the highest sum over all processes, RSS (what is shared counts in each) and PSS.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import zarr
from convert import Measured, measured
from places import DATA, ROOT
from scipy import ndimage

from napari_axonem.geometry import Box, Grid, blocks
from napari_axonem.networks.card import NEAREST
from napari_axonem.segmentation.inference.store import AffinityVolume
from napari_axonem.segmentation.result import Result

VOXEL = (10.0, 10.0, 10.0)
CHUNK = (64, 64, 64)
SEVERAL = (128, 128, 128)
"""Voxels that are written at a time: whole chunks."""

THRESHOLD = "0.45"

WATERZ = """
import sys
import numpy as np, waterz, zarr
stored = zarr.open_array(sys.argv[1], mode="r")
edge = int(sys.argv[2])
affinities = np.asarray(stored[:, :edge, :edge, :edge]).astype(np.float32)
affinities /= 255
threshold = 1 - float(sys.argv[3])
for segments in waterz.agglomerate(affinities, [threshold]):
    print(len(np.unique(segments)), file=sys.stderr)
"""

Bytes = npt.NDArray[np.uint8]


def labels_of(edge: int) -> npt.NDArray[np.uint32]:
    """Return a cube of true objects."""
    path = DATA / "fib25" / "training2.h5"
    if path.is_file():
        with h5py.File(path) as file:
            return np.asarray(file["gt"][:edge, :edge, :edge]).astype(np.uint32)
    print("no real data: cells instead", flush=True)
    rng = np.random.default_rng(0)
    coarse = rng.random((200, 3)) * edge
    places = np.stack(np.indices((edge,) * 3), axis=-1)
    far = np.full((edge,) * 3, np.inf)
    label = np.zeros((edge,) * 3, np.uint32)
    for number, point in enumerate(coarse, start=1):
        away = ((places - point) ** 2).sum(-1)
        label[away < far] = number
        far = np.minimum(far, away)
    return label


def affinities_of(label: npt.NDArray[np.uint32]) -> Bytes:
    """Return affinities as a network gives them, uint8 (3, z, y, x)."""
    rng = np.random.default_rng(0)
    same = np.ones((3, *label.shape), np.float32)
    thick = np.ones(label.shape, np.float32)
    for axis in range(3):
        here = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        below = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        same[axis][here] = label[here] == label[below]
        thick[here] = np.minimum(thick[here], same[axis][here])
        thick[below] = np.minimum(thick[below], same[axis][here])
    noise = ndimage.gaussian_filter(rng.standard_normal(label.shape, np.float32), 1.5)
    noise /= noise.std()
    for channel in same:
        channel[...] = ndimage.gaussian_filter(np.minimum(thick, channel), 0.7)
        channel[...] = 255 / (1 + np.exp(-((channel - 0.5) * 8 + noise)))
    return np.rint(same).astype(np.uint8)


def mirrored(tile: Bytes, axes: tuple[bool, ...]) -> Bytes:
    """Return the affinities of the mirror image; a voxel's is to the one on its other side then."""
    for axis, mirrors in enumerate(axes):
        if mirrors:
            tile = np.flip(tile, axis + 1).copy()
            tile[axis] = np.roll(tile[axis], 1, axis)
    return tile


def make_source(folder: Path, edge: int, copies: int) -> None:
    """Write affinities, and an image of nothing beside them that says the size of voxels."""
    tile = affinities_of(labels_of(edge))
    for axis in range(3):  # a copy and its mirror image: the voxels at their common face are equal
        np.moveaxis(tile[axis], axis, 0)[0] = 255
    shape = (edge * copies,) * 3
    store = AffinityVolume.create(folder / "affinities.zarr", shape, Grid(VOXEL), NEAREST, CHUNK)
    ways = {way: mirrored(tile, way) for way in np.ndindex(2, 2, 2)}
    for box in blocks(Box.of_shape(shape), SEVERAL):
        part = np.empty((3, *box.shape), np.uint8)
        for copy in np.ndindex(*(copies,) * 3):
            start = tuple(c * edge for c in copy)
            its = Box(start, tuple(s + edge for s in start)).intersect(box)
            if its.size:
                way = ways[tuple(c % 2 for c in copy)]
                part[(slice(None), *its.relative_to(box.start).slices)] = way[
                    (slice(None), *its.relative_to(start).slices)
                ]
        store.write(box, part)
    zarr.create_array(
        folder / "image.zarr",
        shape=shape,
        dtype=np.uint8,
        chunks=CHUNK,
        attributes={"voxel_size_nm": list(VOXEL)},
    )


def row(name: str, edge: int, found: Measured, more: str) -> None:
    """Print a row of the table."""
    voxels = edge**3
    print(
        f"| {name} | {voxels / 1e6:,.1f} | {found.seconds:.1f} | "
        f"{voxels / found.seconds / 1e6:.2f} | {found.cores:.2f} | {found.rss:.2f} | "
        f"{found.pss:.2f} | {more} |",
        flush=True,
    )


def main() -> None:
    """Make the affinities, run both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", type=int, default=4, help="along each axis")
    parser.add_argument("--tile", type=int, default=250, help="voxels along each axis of a copy")
    parser.add_argument("--waterz", type=int, default=1, help="copies along each axis for waterz")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmark-agglomeration")
    parser.add_argument("--keep", action="store_true", help="leave everything there")
    options = parser.parse_args()
    folder: Path = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        make_source(folder, options.tile, options.copies)
        print("| run | Mvoxel | seconds | Mvoxel/s | cores | RSS GB | PSS GB | found |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        affinities = str(folder / "affinities.zarr" / "0")
        edge = options.tile * min(options.waterz, options.copies)
        python = [sys.executable, "-W", "error", "-c", WATERZ]
        row("waterz", edge, measured([*python, affinities, str(edge), THRESHOLD]), "")
        out = folder / "out.segmentation"
        command = [sys.executable, "-m", "napari_axonem", "segment", str(folder / "image.zarr")]
        command += [str(out), "--affinities", affinities, "--threshold", THRESHOLD]
        found = measured([*command, "--workers", str(options.workers)])
        said = Result(out).read_said()
        more = f"{said['fragments']:,} fragments, {said['segments']:,} segments"
        row(f"ours, {options.workers} workers", options.tile * options.copies, found, more)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
