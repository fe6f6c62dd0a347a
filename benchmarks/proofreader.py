"""How far a simulated proofreader gets who only works through the list of errors.

    python benchmarks/proofreader.py [--names watershed ffn] [--minutes 60] [--edits N]
        [--noise 2] [--folder DIR] [--picture docs/pictures/proofreader.png]

On the FIB-25 block (``AXONEM_DATA``, or ``../shared/data``), as `repair_order` does, but through
the project itself: errors are taken from the top of the list, merges and splits are those of the
window, cuts run where the image says, and every edit goes to the disk. Points lie `--noise` voxels
off (standard deviation of each coordinate, seeded) inside of the object that is meant. A split is
taken when its preview shows half of what a perfect cut of the pieces pointed at would gain;
otherwise it is tried once more, and left alone where that shows less than a tenth.

With ``--folder`` the project and the lines of `NAME.jsonl` are kept, and the same command goes on.
``--affinities fib25`` gives the cut the affinities of the shipped model, as `segment` writes them;
below z = 160 it was trained on this block. ``--affinities truth`` gives perfect ones, made from the
truth: what the list, the tables and the edits reach when the cut is no limit.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from places import DATA, ROOT
from repair_curves import paint

sys.path.insert(0, str(ROOT))

from napari_axonem.cli.main import main as command
from napari_axonem.evaluation.skeletons import Skeletons, read_skeletons
from napari_axonem.evaluation.standing import RunSettings
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.simulation import Hand, Repair, repair_all
from napari_axonem.segmentation.inference.store import NEAR
from napari_axonem.segmentation.result import Result

FILE = DATA / "fib25" / "training2.h5"
SIZE = (10.0, 10.0, 10.0)
TARGETS = {"watershed": 0.40, "ffn": 0.25}
Line = dict[str, Any]


def open_project(name: str, folder: Path, affinities: str) -> Project:
    """Open the project of one segmentation, made the first time."""
    path = folder / f"{name}.axonem"
    if not path.exists():
        given = {} if affinities == "none" else {"affinities": AFFINITIES[affinities](folder)}
        create_project(
            path,
            CreateSettings(
                fragments=f"{FILE}:{name}",
                truth=f"{FILE}:gt",
                image=f"{FILE}:raw",
                voxel_size=SIZE,
                **given,
            ),
        )
    project = Project(path)
    skeletons = read_skeletons(FILE.with_name("training2_gt_erlgraph.npz"))
    project.follow_skeletons(skeletons, RunSettings("em_erl", 50))
    return project


def perfect_affinities(folder: Path) -> str:
    """Write affinities that say where the truth has its boundaries; return where they are."""
    file = folder / "affinities.h5"
    with h5py.File(FILE) as source:
        truth = source["gt"][:]
    same = np.ones((3, *truth.shape), np.uint8)
    for axis in range(3):
        upper = [slice(None)] * 3
        lower = [slice(None)] * 3
        upper[axis], lower[axis] = slice(1, None), slice(0, -1)
        same[(axis, *upper)] = truth[tuple(upper)] == truth[tuple(lower)]
    with h5py.File(file, "w") as h5:
        h5["affinities"] = same * np.uint8(255)
    return f"{file}:affinities"


def model_affinities(folder: Path) -> str:
    """Have the shipped model compute affinities; return where they are."""
    out = folder / "fib25.segmentation"
    if not out.exists():
        words = ["segment", f"{FILE}:raw", str(out), "--model", "fib25"]
        if status := command([*words, "--voxel-size", ",".join(map(str, SIZE))]):
            raise SystemExit(status)
    return str(Result(out).affinities / NEAR)


AFFINITIES: dict[str, Callable[[Path], str]] = {
    "fib25": model_affinities,
    "truth": perfect_affinities,
}


def truth_erl(skeletons: Skeletons) -> float:
    """Return the expected run length of the truth in nm."""
    lengths = skeletons.lengths
    return float((lengths**2).sum() / lengths.sum())


def follow(name: str, folder: Path, chosen: argparse.Namespace) -> list[Line]:
    """Work through the list until it is empty or the time is over; return a line an error."""
    journal = folder / f"{name}.jsonl"
    written = journal.read_text().splitlines() if journal.exists() else []
    lines = [json.loads(line) for line in written]
    whole = truth_erl(read_skeletons(FILE.with_name("training2_gt_erlgraph.npz")))
    ends = time.monotonic() + 60 * chosen.minutes
    with open_project(name, folder, chosen.affinities) as project, journal.open("a") as out:
        last = time.perf_counter()

        def note(kind: str, **more: float) -> None:
            nonlocal last
            now = time.perf_counter()
            voi, erl = project.voi(), project.erl()
            assert voi is not None
            assert erl is not None
            scores = {"voi": voi.total, "erl": erl / whole}
            line = {"kind": kind, "seconds": now - last, **scores, **more}
            lines.append(line)
            out.write(json.dumps(line) + "\n")
            out.flush()
            if len(lines) % 50 == 0:
                print(f"  {name} {len(lines)}: {line}", flush=True)
            last = time.perf_counter()

        def watch(one: Repair) -> None:
            note(
                one.mistake.kind,
                edit=one.operation is not None,
                tries=one.tries,
                points=one.points,
                gain=one.mistake.gain_voi,
                cuts=one.cuts,
            )

        if not lines:
            note("start")
        hand = Hand(chosen.noise, np.random.default_rng(len(lines)))
        repair_all(project, chosen.edits, watch, hand, lambda: time.monotonic() > ends)
        listed = len(project.mistakes())
    report(name, lines, listed)
    return lines


def report(name: str, lines: list[Line], listed: int) -> None:
    """Print how it went."""
    edits = [line for line in lines if line.get("edit")]
    splits = [line for line in lines if line["kind"] == "false_merge"]
    taken = [line for line in splits if line["edit"]]
    again = sum(line["tries"] > 1 for line in taken)
    merges = [line for line in edits if line["kind"] == "false_split"]
    start, end = lines[0], lines[-1]
    print(f"{name}: VOI {start['voi']:.4f} -> {end['voi']:.4f} (aim {TARGETS[name]})", end=", ")
    print(f"normalised ERL (T = 50) {start['erl']:.4f} -> {end['erl']:.4f}")
    inside = sum(line["cuts"] > 0 for line in taken)
    print(
        f"  {len(merges)} merges, {len(taken)} splits, {inside} of them inside fragments", end=", "
    )
    print(f"{len(splits) - len(taken)} errors left alone")
    if taken:
        print(f"  second try: {again} of {len(taken)} splits ({again / len(taken):.1%})", end=", ")
        print(f"points a split: median {np.median([line['points'] for line in taken]):.0f}")
    for kind, some in (("merge", merges), ("split", taken)):
        if some:
            seconds = np.array([line["seconds"] for line in some])
            median, high = np.percentile(seconds, (50, 95))
            print(f"  seconds a {kind}: median {median:.3f}, 95 % within {high:.3f}")
    print(f"  {listed} errors are still listed", flush=True)


def draw(found: dict[str, list[Line]]) -> str:
    """Return the curves as SVG: VOI and ERL over edits."""
    width, height, left, top = 420, 240, 60, 40
    colours = {"watershed": "#2b6ca3", "ffn": "#d1495b"}
    parts = ['<rect width="1060" height="360" fill="#fdfcf9"/>']
    for column, (key, title) in enumerate((("voi", "total VOI, bits"), ("erl", "normalised ERL"))):
        x0 = left + column * (width + 90)
        parts.append(f'<text x="{x0}" y="{top - 12}" fill="#23211e">{title}</text>')
        curves = {
            name: [line[key] for line in lines if line["kind"] == "start" or line.get("edit")]
            for name, lines in found.items()
        }
        high = 1.05 * max(max(curve) for curve in curves.values())
        longest = max(2, *(len(curve) for curve in curves.values())) - 1
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = top + height * (1 - share)
            parts.append(f'<path d="M{x0} {y}L{x0 + width} {y}" stroke="#dcd6cb"/>')
            parts.append(f'<text x="{x0 - 40}" y="{y + 4}">{high * share:.2f}</text>')
            parts.append(f'<text x="{x0 + width * share - 8}" y="{top + height + 18}">')
            parts.append(f"{longest * share:.0f}</text>")
        for row, (name, curve) in enumerate(curves.items()):
            points = [
                f"{x0 + width * n / longest:.1f} {top + height * (1 - value / high):.1f}"
                for n, value in enumerate(curve)
            ]
            style = f'fill="none" stroke="{colours[name]}" stroke-width="2"'
            parts.append(f'<path d="M{"L".join(points)}" {style}/>')
            parts.append(
                f'<text x="{x0 + 8}" y="{top + height + 40 + 18 * row}" fill="{colours[name]}">'
                f"{name}: {curve[0]:.2f} to {curve[-1]:.2f} in {len(curve) - 1} edits</text>"
            )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="1060" height="360" '
        f'viewBox="0 0 1060 360" font-family="DejaVu Sans" font-size="13">{"".join(parts)}</svg>'
    )


def main() -> None:
    """Follow the proofreader on the segmentations chosen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=["watershed", "ffn"], choices=list(TARGETS))
    parser.add_argument("--minutes", type=float, default=60.0, help="at most so long for each")
    parser.add_argument("--edits", type=int, help="at most so many edits for each")
    parser.add_argument("--noise", type=float, default=2.0, help="voxels that points lie off")
    parser.add_argument("--affinities", choices=["none", *AFFINITIES], default="none")
    parser.add_argument("--folder", type=Path, help="where projects and journals are kept")
    parser.add_argument("--picture", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = {name: follow(name, folder, chosen) for name in chosen.names}
    if chosen.picture is not None:
        paint(draw(found), chosen.picture)


if __name__ == "__main__":
    main()
