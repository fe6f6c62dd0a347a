"""Looking at a volume of the size of AxonEM: this plugin beside what one would use instead.

    python benchmarks/viewer_open.py [--data DIR] [--rounds N] [--json FILE]

Makes the volume once (`viewer_data`: 750×4096×4096 image and labels, 15 GB on disk, four
minutes), then opens it with each contender in a process of its own, in turn, several rounds, on a
virtual screen of 1600×1200 without a graphics card:

- **napari-axonem**: the plugin, as ``File > Open``; **napari-axonem view**: the command, which
  makes its layers before it shows its window (only its first picture differs);
- **napari's reader**: on the store, and on the finest scale of image and labels;
- **napari-ome-zarr**, where it is installed; **by hand with dask**: the layers it makes;
- **napari, small arrays in memory**: an image and labels of 64×64 voxels a section, added by
  themselves: what napari needs for its first layers, whoever reads them.

Both layers are visible. Before each process the files leave the page cache: what is looked at
first comes from the disk. Measured, from the moment something is asked for until it is painted
(`glFinish` after the window's own repaint):

- **first picture**: after the empty window was painted, and after the process was started; and
  when everything that came with it (the controls of the layers) was painted, too;
- **step**: to the next section, 40 times without a pause, in full view and at one voxel a pixel;
- **jump**: to a section far away in full view, and to another place and section zoomed in.

Where a picture is painted coarser at first and sharp later (only this plugin does), both times
are given. Memory is the peak of the process (VmHWM).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from places import DATA
from viewer_data import make
from viewer_window import CONTENDERS, SCREEN

ONE_SCALE_ONLY_ONCE = "napari's reader, one scale"
"""Takes minutes a round, and is far from all others."""

Result = dict[str, Any]


def drop_from_cache(folder: Path) -> None:
    """Let the files of a folder leave the page cache, as far as the system does."""
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def run(contender: str, store: Path, pictures: Path | None, window: tuple[int, int]) -> Result:
    """Measure one contender in a process of its own, on a screen of its own."""
    width, height = SCREEN
    screen = ["xvfb-run", "-a", "-s", f"-screen 0 {width}x{height}x24"]
    child = [
        sys.executable,
        str(Path(__file__).with_name("viewer_window.py")),
        contender,
        str(store),
    ]
    more = ["--pictures", str(pictures)] if pictures else []
    more += ["--window", *map(str, window)]
    command = [*(screen if shutil.which("xvfb-run") else []), *child, *more]
    try:
        done = subprocess.run(
            [*command, "--started", str(time.time())],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"contender": contender, "error": "not done after 10 minutes"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {"contender": contender, "error": (done.stderr.splitlines() or ["no output"])[-1]}
    return json.loads(lines[-1])


def table(results: Iterable[Result]) -> str:
    """Return a table in Markdown: medians, and the worst of all rounds."""
    rounds: dict[str, list[Result]] = {}
    for result in results:
        rounds.setdefault(result["contender"], []).append(result)
    head = (
        "| | first picture, all painted, after the window (picture after the start), s "
        "| step, full view, ms | step, zoomed in, ms | jump, full view, ms | jump, zoomed in, ms "
        "| peak memory, GB |"
    )
    rows = [head, "|---|---|---|---|---|---|---|"]
    for name, found in rounds.items():
        good = [r for r in found if "memory" in r]
        if not good:
            rows.append(f"| {name} | {found[0].get('error', 'failed')} | | | | | |")
            continue
        opened = statistics.median(r["open"]["first"] for r in good)
        start = statistics.median(r["since_start"] for r in good)
        settled = statistics.median(r["open"]["settled"] for r in good)
        kinds = ("step_full", "step_zoomed", "jump_full", "jump_zoomed")
        cells = [_times([t for r in good for t in r.get(kind, ())]) for kind in kinds]
        memory = max(r["memory"] for r in good) / 1e9
        first = f"{opened:.2f}, {settled:.2f} ({start:.1f})"
        rows.append(f"| {name} | {first} | {' | '.join(cells)} | {memory:.2f} |")
    return "\n".join(rows)


def _times(times: list[dict[str, float]]) -> str:
    """Return median and worst in ms, and those of the sharp picture where that came later."""
    if not times:
        return ""

    def both(kind: str) -> str:
        values = [1000 * t[kind] for t in times]
        return f"{statistics.median(values):.0f}, worst {max(values):.0f}"

    later = any(t["late"] for t in times)
    return both("first") + (f" (sharp {both('sharp')})" if later else "")


def main() -> None:
    """Make the volume where it is missing, measure all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(tempfile.gettempdir()) / "napari-axonem-benchmark"
    parser.add_argument("--data", type=Path, default=default, help="folder of the volume")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--window", type=int, nargs=2, default=SCREEN, help="width and height in pixels"
    )
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, help="these contenders")
    parser.add_argument("--json", type=Path, help="where to write all that was measured")
    parser.add_argument("--pictures", type=Path, help="where to keep pictures of the windows")
    options = parser.parse_args()
    store = make(options.data / "axonem.zarr", DATA / "fib25" / "training2.h5")
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    names = options.only or list(CONTENDERS)
    if importlib.util.find_spec("napari_ome_zarr") is None and "napari-ome-zarr" in names:
        names.remove("napari-ome-zarr")
        print("napari-ome-zarr is not installed and left out", file=sys.stderr)
    results: list[Result] = []
    for number in range(options.rounds):
        for name in names:
            if number and name == ONE_SCALE_ONLY_ONCE:
                continue
            drop_from_cache(store)
            results.append(run(name, store, options.pictures, tuple(options.window)))
            print(json.dumps(results[-1])[:200], file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()
