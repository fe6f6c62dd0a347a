"""Expected run length from scratch, beside em_erl: time and memory.

    python benchmarks/erl_speed.py make [--data DIR] [--tiles 2 4 2]
    python benchmarks/erl_speed.py run [--data DIR] [--rounds N]

``make`` traces skeletons of the pinky40 block (512³ voxels of 40×32×32 nm; from the folder in
``AXONEM_DATA``, default ``../shared/data``), and tiles block and skeletons, ids of each tile its
own, to 1024×2048×1024 voxels in chunked, compressed HDF5, which both programs read. The
segmentation that is scored is the block itself cut every 100 sections, so that skeletons are split.

``run`` scores both sizes with each contender in turn, each in a process of its own that reads
the files from the disk (they leave the page cache before):

- **ours**: `lookup` in threads, as `evaluate` does by default; **ours, 2 processes**;
- **em_erl**: as its own script does by default, the volume read whole; **em_erl, 16 slabs**: its
  way to less memory; **em_erl, 16 slabs, 2 processes**: its way to use both cores.

Time is that of reading skeletons and voxels and of the score; memory is the peak of all processes
of the contender together (PSS). That the scores agree is checked. em_erl is found where it is
installed; without it only ours is measured.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import fastremap
import h5py
import numpy as np
import psutil
from places import DATA
from viewer_open import drop_from_cache

from napari_axonem.blockwise import Team
from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.skeletons import (
    lookup,
    read_skeletons,
    skeletonize,
    write_skeletons,
)
from napari_axonem.evaluation.skeletons.skeletons import Tree, from_trees
from napari_axonem.volumes import open_volume

VOXEL_SIZE = (40.0, 32.0, 32.0)
THRESHOLD = 50
SLABS = 16
SIZES = {"512³": "block", "2.1 Gvoxel": "tiled"}


def ours(folder: Path, size: str, processes: int = 0) -> dict[str, float]:
    """Score with this package."""
    skeletons = read_skeletons(folder / f"{size}.npz")
    volume = open_volume(f"{folder / size}.h5:labels", voxel_size=VOXEL_SIZE)
    if processes:
        with Team(processes) as team:
            nodes = lookup(volume, skeletons, team=team)
    else:
        nodes = lookup(volume, skeletons)
    found = erl(skeletons, nodes.segment, VOXEL_SIZE, merge_threshold=THRESHOLD)
    return {"erl": found.erl_nm, "truth": found.truth_erl_nm}


def em_erl(folder: Path, size: str, slabs: int = 1, processes: int = 1) -> dict[str, float]:
    """Score with em_erl, as its script for volumes does."""
    from em_erl.erl import ERLGraph
    from em_erl.eval import compute_erl_score, compute_segment_lut
    from em_erl.io import read_vol

    path = str(folder / f"{size}.h5")
    graph = ERLGraph.from_npz(str(folder / f"{size}.npz"))
    volume = path if slabs > 1 else read_vol(path)
    positions = graph.get_nodes_position(np.array(VOXEL_SIZE))
    nodes, masked = compute_segment_lut(volume, positions, chunk_num=slabs, num_workers=processes)
    score = compute_erl_score(graph, nodes, masked, merge_threshold=THRESHOLD)
    score.compute_erl(None)
    return {"erl": float(score.erl[0]), "truth": float(score.erl[1])}


CONTENDERS: dict[str, Callable[[Path, str], dict[str, float]]] = {
    "ours": ours,
    "ours, 2 processes": lambda folder, size: ours(folder, size, 2),
    "em_erl": em_erl,
    f"em_erl, {SLABS} slabs": lambda folder, size: em_erl(folder, size, SLABS),
    f"em_erl, {SLABS} slabs, 2 processes": lambda folder, size: em_erl(folder, size, SLABS, 2),
}


def make(folder: Path, tiles: tuple[int, int, int]) -> None:
    """Write block, tiled block and their skeletons, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(DATA / "pinky40" / "labels.h5") as file:
        truth = file["labels"][:]
    truth, _ = fastremap.renumber(truth, preserve_zero=True)
    highest = int(truth.max()) + 1
    pieces = (np.arange(len(truth), dtype=np.uint32) // 100)[:, None, None] * np.uint32(highest)
    cut, _ = fastremap.renumber(np.where(truth > 0, truth + pieces, 0), preserve_zero=True)
    _write(folder / "block.h5", cut, (1, 1, 1))
    _write(folder / "tiled.h5", cut, tiles)
    if not (folder / "block.npz").exists():
        source = open_volume(f"{DATA / 'pinky40' / 'labels.h5'}:labels", voxel_size=VOXEL_SIZE)
        with Team(2, few=0) as team:
            made = skeletonize(source, block=(256, 256, 256), min_length=1000, team=team)
        write_skeletons(folder / "block.npz", made)
    if not (folder / "tiled.npz").exists():
        write_skeletons(folder / "tiled.npz", _tiled(folder / "block.npz", truth.shape, tiles))


def _write(path: Path, labels: np.ndarray, tiles: tuple[int, int, int]) -> None:
    """Write labels `tiles` times along each axis, the ids of each its own, plane by plane."""
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    shape = np.multiply(labels.shape, tiles)
    highest, chunk = int(labels.max()) + 1, (64, 128, 128)
    with h5py.File(partial, "w") as file:
        written = file.create_dataset(
            "labels", shape, np.uint32, chunks=chunk, compression="gzip", compression_opts=1
        )
        for number, tile in enumerate(np.ndindex(*tiles)):
            start = np.multiply(tile, labels.shape)
            box = tuple(slice(a, a + n) for a, n in zip(start, labels.shape, strict=True))
            written[box] = np.where(labels > 0, labels + np.uint32(number * highest), 0)
    partial.rename(path)


def _tiled(path: Path, shape: tuple[int, ...], tiles: tuple[int, int, int]):  # noqa: ANN202
    """Return the skeletons of one block for all tiles."""
    one = read_skeletons(path)
    bounds = np.searchsorted(one.node_skeleton, np.arange(len(one) + 1))
    trees = []
    for number, tile in enumerate(np.ndindex(*tiles)):
        offset = np.multiply(np.multiply(tile, shape), VOXEL_SIZE)
        for i in range(len(one)):
            first, last = bounds[i], bounds[i + 1]
            edges = one.edges[int(one.edge_pointer[i]) : int(one.edge_pointer[i + 1])]
            positions = one.positions[first:last].astype(np.float64) + offset
            trees.append(Tree(number * len(one) + i + 1, positions, edges.astype(int) - first))
    return from_trees(trees)


class Memory:
    """Follows the memory of this process and its children, by what is theirs alone (PSS)."""

    def __init__(self) -> None:
        self.peak = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        me = psutil.Process()
        while not self._end.wait(0.05):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:  # it has ended
                    continue
            self.peak = max(self.peak, total)

    def end(self) -> int:
        """Return the most bytes seen."""
        self._end.set()
        self._thread.join()
        return self.peak


def one(name: str, size: str, folder: Path) -> None:
    """Score in this process; print the result, time and memory as JSON."""
    memory = Memory()
    began = time.perf_counter()
    found = CONTENDERS[name](folder, size)
    seconds = time.perf_counter() - began
    print(json.dumps({**found, "seconds": seconds, "gb": memory.end() / 1e9}), flush=True)


def run(folder: Path, rounds: int, sizes: Iterable[str]) -> None:
    """Print a table of all contenders, each in turn, for each size."""
    names = [n for n in CONTENDERS if n.startswith("ours") or importlib.util.find_spec("em_erl")]
    for title in sizes:
        size = SIZES[title]
        nodes = len(read_skeletons(folder / f"{size}.npz").positions)
        results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for _ in range(rounds):
            for name, found in results.items():
                drop_from_cache(folder)
                command = [sys.executable, __file__, "one", name, size, "--data", str(folder)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found.append(json.loads(done.stdout.splitlines()[-1]))
        first = results["ours"][0]
        print(f"{title}, {nodes:,} nodes: ERL {first['erl']:.3f} nm, median of {rounds}")
        for name, found in results.items():
            assert all(abs(f["erl"] - first["erl"]) < 1e-6 * first["erl"] for f in found), name
            seconds = statistics.median(f["seconds"] for f in found)
            gigabytes = statistics.median(f["gb"] for f in found)
            print(f"| {name} | {seconds:.2f} s | {gigabytes:.2f} GB |", flush=True)


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=["make", "run", "one"])
    parser.add_argument("which", nargs="*", help=argparse.SUPPRESS)
    default = Path(tempfile.gettempdir()) / "napari-axonem-erl"
    parser.add_argument("--data", type=Path, default=default, help="folder of the volumes")
    parser.add_argument("--tiles", type=int, nargs=3, default=(2, 4, 2))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    chosen = parser.parse_args()
    if chosen.verb == "make":
        make(chosen.data, tuple(chosen.tiles))
    elif chosen.verb == "run":
        run(chosen.data, chosen.rounds, chosen.sizes)
    else:
        one(*chosen.which, chosen.data)


if __name__ == "__main__":
    main()
