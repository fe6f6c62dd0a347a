"""`napari-axonem convert` on a large label volume: memory, cores, time, and a SIGKILL half-way.

    python benchmarks/convert.py --gigabytes 4 --folder SOMEWHERE_WITH_SPACE

**Source.** uint32 labels of the pinky40 block (512³, 40×32×32 nm, from the folder in
``AXONEM_DATA``, default ``../shared/data``), or blobs of made-up ids where there is no data, laid
out side by side with ids of their own up to the size asked for: a zarr 3 array in chunks of 128³.

**Runs**, each a process of its own on a source that was just read (so that the disk is not what is
compared):

1. ``convert`` to an OME-Zarr pyramid, read back and compared;
2. the same without reading back (``--no-check``);
3. ``convert`` that is killed (SIGKILL) after half of the time of the first, and started again: the
   files of both trees must be equal, byte by byte;
4. the alternative: ``dask.array.from_zarr(SRC).rechunk(64³).to_zarr(DST)`` with the same codec and
   dask's own scheduler, which writes the finest level only and checks nothing.

**Memory** is sampled ten times a second and summed over the process and all it has started: RSS
counts pages that processes share once for each, PSS once in all. **Cores** is the processors' time,
user and system, by the time on the clock; of the run that is killed, of its first process alone.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import psutil
import zarr
import zarr.codecs
from places import DATA, ROOT

from napari_axonem.geometry import Box, blocks

SECTION = 1024
CHUNK = (128, 128, 128)
NAME = "labels.zarr"
"""The name is written into the metadata: trees are equal only if they have the same."""

DASK = """
import sys, dask.array, zarr, zarr.codecs
if __name__ == "__main__":
    source = dask.array.from_zarr(sys.argv[1]).rechunk((64, 64, 64))
    codec = zarr.codecs.ZstdCodec(level=1, checksum=True)
    target = zarr.create_array(sys.argv[2], shape=source.shape, dtype=source.dtype,
                               chunks=(64, 64, 64), compressors=codec, fill_value=0)
    source.to_zarr(target)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One process, with all it started."""

    seconds: float
    cores: float
    rss: float
    """Highest sum in GB."""
    pss: float
    """Highest sum in GB."""

    def row(self, name: str, gigabytes: float) -> str:
        """Return a row of the table."""
        rate = gigabytes * 1000 / self.seconds
        return (
            f"| {name} | {self.seconds:.1f} | {rate:.0f} | {self.cores:.2f} | {self.rss:.2f} "
            f"| {self.pss:.2f} |"
        )


def make_source(path: Path, gigabytes: float) -> float:
    """Write the labels and return how many gigabytes they are."""
    depth = max(64, round(gigabytes * 1e9 / 4 / SECTION**2 / 64) * 64)
    shape = (depth, SECTION, SECTION)
    tile = texture()
    highest = int(tile.max()) + 1
    array = zarr.create_array(
        path,
        shape=shape,
        dtype="u4",
        chunks=CHUNK,
        compressors=zarr.codecs.ZstdCodec(level=1),
        fill_value=0,
        attributes={"voxel_size_nm": [32.0, 32.0, 32.0], "axes": ["z", "y", "x"]},
    )

    def write(box: Box) -> None:
        at = [np.arange(a, b) for a, b in zip(box.start, box.stop, strict=True)]
        voxels = tile[np.ix_(*(i % n for i, n in zip(at, tile.shape, strict=True)))]
        z, y, x = (a // n for a, n in zip(box.start, tile.shape, strict=True))
        array[box.slices] = np.where(voxels > 0, voxels + (z * 100 + y * 10 + x) * highest, 0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, blocks(Box.of_shape(shape), CHUNK)))
    return float(np.prod(shape, dtype=np.int64)) * 4 / 1e9


def texture() -> npt.NDArray[np.uint32]:
    """Return labels with dense ids that are laid out side by side; edges are multiples of 128."""
    file = DATA / "pinky40" / "labels.h5"
    if file.is_file():
        with h5py.File(file) as h5:
            labels = next(iter(h5.values()))[...]
        return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.uint32)
    print("no real data: blobs instead", flush=True)
    coarse = np.random.default_rng(0).integers(0, 3000, (16, 16, 16), dtype=np.uint32)
    return coarse.repeat(16, 0).repeat(16, 1).repeat(16, 2)


def measured(command: list[str], kill_after: float = 0.0) -> Measured:
    """Run a command and watch it; kill it after so many seconds, if any."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peaks = [0.0, 0.0]
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(process.pid, peaks, done))
    watcher.start()
    if kill_after:
        time.sleep(kill_after)
        process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    done.set()
    watcher.join()
    if process.returncode not in (0, -signal.SIGKILL if kill_after else 0):
        raise SystemExit(f"{' '.join(command)} left with {process.returncode}")
    cores = (usage.ru_utime + usage.ru_stime) / seconds
    return Measured(seconds, cores, peaks[0], peaks[1])


def watch(pid: int, peaks: list[float], done: threading.Event) -> None:
    """Keep the highest sums of RSS and PSS of a process and all below it."""
    while not done.wait(0.1):
        rss = pss = 0
        try:
            family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for member in family:
            try:
                rolled = Path(f"/proc/{member.pid}/smaps_rollup").read_text(encoding="ascii")
            except OSError:  # it has just ended
                continue
            lines = dict(line.split(":", 1) for line in rolled.splitlines()[1:])
            rss += int(lines["Rss"].split()[0])
            pss += int(lines["Pss"].split()[0])
        peaks[:] = max(peaks[0], rss * 1024 / 1e9), max(peaks[1], pss * 1024 / 1e9)


def differing(a: Path, b: Path) -> list[str]:
    """Return the files that are not in both trees with equal bytes."""
    one, other = (
        {f.relative_to(t) for t in [tree] for f in t.rglob("*") if f.is_file()} for tree in (a, b)
    )
    unequal = [f for f in one & other if not filecmp.cmp(a / f, b / f, shallow=False)]
    return sorted(map(str, [*(one ^ other), *unequal]))


def main() -> None:
    """Make the source, run everything, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmark-convert")
    parser.add_argument("--keep", action="store_true", help="leave the volumes there")
    options = parser.parse_args()
    folder: Path = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        run(folder, options.gigabytes)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, gigabytes: float) -> None:
    """Run everything in an empty folder and print the table."""
    source = folder / "source.zarr"
    size = make_source(source, gigabytes)
    os.sync()
    print(f"source: {size:.2f} GB, uint32 labels\n", flush=True)
    print(
        "| run | seconds | MB/s | cores | RSS GB | PSS GB |\n|---|---|---|---|---|---|", flush=True
    )
    convert = [sys.executable, "-m", "napari_axonem", "convert", str(source)]
    whole = measured([*convert, str(folder / "whole" / NAME)])
    print(whole.row("convert, levels, read back", size), flush=True)
    plain = measured([*convert, str(folder / "plain" / NAME), "--no-check"])
    print(plain.row("convert, levels, --no-check", size), flush=True)
    shutil.rmtree(folder / "plain")
    killed = folder / "killed" / NAME
    journal = killed.with_name(f".{NAME}.partial") / "journal"
    cut = measured([*convert, str(killed)], kill_after=whole.seconds / 2)
    if killed.exists() or not journal.exists():
        raise SystemExit("the run that was to be killed was through, or had not begun")
    blocks_done = journal.read_bytes().count(b"\n") - 1
    rest = measured([*convert, str(killed)])
    print(cut.row(f"convert, SIGKILL after {blocks_done} steps", size), flush=True)
    print(rest.row("the same command again", size), flush=True)
    different = differing(folder / "whole" / NAME, killed)
    shutil.rmtree(killed)
    alternative = [sys.executable, "-c", DASK, str(source), str(folder / "dask.zarr")]
    other = measured(alternative)
    print(other.row("dask.array.to_zarr, finest level only", size), flush=True)
    files = sum(1 for f in (folder / "whole" / NAME).rglob("*") if f.is_file())
    print(f"\nafter SIGKILL: {len(different)} of {files} files differ {different[:5] or ''}")
    print(f"convert without reading back by dask: {plain.seconds / other.seconds:.2f} x the time")


if __name__ == "__main__":
    main()
