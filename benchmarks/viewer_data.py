"""A volume of the size of AxonEM's mouse volume, made of real texture, for looking at.

750×4096×4096 voxels of 40×8×8 nm: an image (uint8) and labels (uint32) as OME-Zarr pyramids in
one store, ``axonem.zarr`` and ``axonem.zarr/labels/segments``, written by `Pyramid`.

**What is in it.** A tile of 240×256×256 voxels of the FIB-25 block (raw and ground truth; the
phantom's where there is no data), mirrored to that size, is laid out 16×16 times over a section.
The ids of each of the 256 tiles of a section are its own, some 130,000 in all. That makes the first
240 sections, whose chunks are compressed one by one. The tile then repeats along z: those chunks'
files are copied, byte by byte, to the sections that follow, so every chunk is a file of its own
on disk, and ids come back 240 sections further. The levels from the third on, a 64th of the voxels,
are written whole.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fastremap
import h5py
import numpy as np
import numpy.typing as npt
import zarr

from napari_axonem.geometry import Box, Grid, Zyx, blocks
from napari_axonem.volumes import Kind, Pyramid, reduce_block
from napari_axonem.volumes.phantom import Phantom, PhantomSettings

SHAPE: Zyx = (750, 4096, 4096)
VOXEL_SIZE = (40.0, 8.0, 8.0)
TILE: Zyx = (240, 256, 256)
LABELS = "labels/segments"
DONE = "complete"
"""A file of this name says that the volume was made to its end."""

Voxels = npt.NDArray[np.generic]


def make(store: Path, fib25: Path, shape: Zyx = SHAPE, tile: Zyx = TILE) -> Path:
    """Make the volume at `store` where it is not there, and return the store.

    Parameters
    ----------
    store
        A folder that comes into being.
    fib25
        The file ``fib25/training2.h5``; it may be missing.
    shape, tile
        Extent (z, y, x) in voxels of the volume and of what it is made of. The tile's depth is
        a multiple of a chunk's at the first three levels.
    """
    if (store / DONE).is_file():
        return store
    shutil.rmtree(store, ignore_errors=True)
    start = time.monotonic()
    image, labels = texture(fib25, tile)
    grid = Grid(VOXEL_SIZE)
    parts: list[tuple[Path, Voxels, Kind]] = [(store, image, "image")]
    parts.append((store / LABELS, labels, "labels"))
    for path, voxels, kind in parts:
        path.parent.mkdir(parents=True, exist_ok=True)
        pyramid = Pyramid.create(path, shape, voxels.dtype, grid, kind)
        for level, factor in enumerate(pyramid.factors):
            _fill(pyramid, level, reduce_block(voxels, factor, kind))
            print(f"{path.name} level {level}: {time.monotonic() - start:.0f} s", flush=True)
    zarr.create_group(
        store / "labels",
        zarr_format=3,
        attributes={"ome": {"version": "0.5", "labels": ["segments"]}},
    )
    os.sync()  # else the first to be measured waits for the disk
    (store / DONE).write_text(f"{time.monotonic() - start:.0f} s\n")
    return store


def texture(fib25: Path, tile: Zyx) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Return image and dense labels of the shape `tile`."""
    if fib25.is_file():
        with h5py.File(fib25) as file:
            raw, truth = file["raw"][...], file["gt"][...]
    else:
        block = Phantom(PhantomSettings(shape=(48, 256, 256), voxel_size=VOXEL_SIZE))
        whole = block.render(Box.of_shape(block.shape))
        raw, truth = whole.image, whole.truth
    dense, _ = fastremap.renumber(truth, preserve_zero=True)
    return _mirrored(raw, tile), _mirrored(dense.astype(np.uint32), tile)


def _mirrored(voxels: npt.NDArray, shape: Zyx) -> npt.NDArray:
    missing = [(0, max(0, n - have)) for n, have in zip(shape, voxels.shape, strict=True)]
    return np.pad(voxels, missing, mode="symmetric")[tuple(slice(n) for n in shape)]


def _fill(pyramid: Pyramid, level: int, tile: Voxels) -> None:
    """Write one level: all of it, or the depth of a tile and copies of that."""
    array, chunk = pyramid.arrays[level], pyramid.chunk
    deep = tile.shape[0] % chunk[0] == 0
    depth = min(array.shape[0], tile.shape[0]) if deep else array.shape[0]
    across = tile.shape[2]
    tiles = -(-array.shape[2] // across)
    highest = int(tile.max()) + 1

    def write(box: Box) -> None:
        at = [np.arange(a, b) for a, b in zip(box.start, box.stop, strict=True)]
        voxels = tile[np.ix_(*(i % n for i, n in zip(at, tile.shape, strict=True)))]
        if pyramid.kind == "labels":
            numbers = (at[1] // across)[:, None] * tiles + at[2] // across
            voxels = np.where(voxels > 0, voxels + (numbers * highest).astype(np.uint32), 0)
        array[box.slices] = voxels.astype(array.dtype, copy=False)

    slab = Box((0, 0, 0), (depth, *array.shape[1:]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, blocks(slab, (chunk[0], 4 * chunk[1], 4 * chunk[2]))))
    if deep:
        _repeat(pyramid.path / str(level) / "c", depth // chunk[0], -(-array.shape[0] // chunk[0]))


def _repeat(chunks: Path, period: int, number: int) -> None:
    """Copy the chunks of the first layers along z to those that follow."""
    copy: Callable[[int], object] = lambda z: shutil.copytree(  # noqa: E731
        chunks / str(z % period), chunks / str(z)
    )
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(copy, range(period, number)))
