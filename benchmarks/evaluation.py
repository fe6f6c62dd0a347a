"""Scores of a segmentation against the truth: from scratch, and after edits.

    python benchmarks/evaluation.py scores --rounds 3
    python benchmarks/evaluation.py edits --edits 100

**Scores**: variation of information and adapted Rand of 512³ voxels, ours, scikit-image's and
waterz's in turn, each in a process of its own that loads both arrays into memory, then scores them.
The truth is the labels of the pinky40 block (from the folder in ``AXONEM_DATA``, default
``../shared/data``), or the phantom's where there is no data. The segmentation is the same, moved by
one or two voxels along each axis and cut every 100 sections. Time is that of the scores alone;
memory is the peak of the process (VmHWM) and so holds both arrays, which waterz needs as uint64.
That the numbers agree is checked.

**Edits**: a made-up table of a million fragments (`million`), and edits that repair one of the 50
worst mistakes chosen at random: a false split by joining its segments, a false merge by cutting
fragments of the wrong object off. After each, VOI, expected run length (ERL) and the list (the 200
worst, as objects) are brought up to date, in that order, and at the end compared with scratch. The
fragments that moved are known, as they are in a project.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import million
import numpy as np
import numpy.typing as npt
from measuring import peak_memory
from places import DATA

from napari_axonem.evaluation.erl import erl
from napari_axonem.evaluation.mistakes import Mistake, find_mistakes
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.parts import voi_of
from napari_axonem.evaluation.scores import adapted_rand, voi
from napari_axonem.evaluation.standing import Choice, RunLengths, Runs, Standing
from napari_axonem.geometry import Box
from napari_axonem.volumes.phantom import Phantom, PhantomSettings

LISTED = 200

Labels = npt.NDArray[np.uint32]
Scores = dict[str, float]


def ours(segments: Labels, truth: Labels) -> Scores:
    """Score with this package."""
    table = count_overlaps(segments, truth)
    found, rand = voi(table), adapted_rand(table)
    return _scores(found.split, found.merge, rand.precision, rand.recall)


def scikit_image(segments: Labels, truth: Labels) -> Scores:
    """Score with scikit-image, whose precision and recall are exchanged (its issue 6485)."""
    from skimage.metrics import adapted_rand_error, variation_of_information

    split, merge = variation_of_information(truth, segments, ignore_labels=[0])
    _, recall, precision = adapted_rand_error(truth, segments, ignore_labels=[0])
    return _scores(split, merge, precision, recall)


def waterz(segments: Labels, truth: Labels) -> Scores:
    """Score with waterz, which takes pairs of equal voxels into account too, and prints."""
    import waterz as package

    with _no_output():
        found = package.evaluate(segments, truth)
    names = ("voi_split", "voi_merge", "rand_merge", "rand_split")
    return _scores(*(found[name] for name in names))


SCORERS: dict[str, Callable[[Labels, Labels], Scores]] = {
    "ours": ours,
    "scikit-image": scikit_image,
    "waterz": waterz,
}


def compare_scores(rounds: int) -> None:
    """Print time and memory of all scorers, and check that they agree."""
    with tempfile.TemporaryDirectory() as folder:
        _write_labels(Path(folder))
        runs: dict[str, list[Scores]] = {name: [] for name in SCORERS}
        for _ in range(rounds):
            for name, found in runs.items():
                command = [sys.executable, __file__, "one", name, folder]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found.append(json.loads(done.stdout))
    best = {name: _median(found, "seconds") for name, found in runs.items()}
    memory = {name: _median(found, "gb") for name, found in runs.items()}
    print(f"VOI and adapted Rand of 512³ voxels, median of {rounds}")
    for name, found in runs.items():
        for score in ("split", "merge", "precision", "recall"):
            # waterz counts each voxel as a pair with itself
            assert abs(found[0][score] - runs["ours"][0][score]) < 1e-6, (name, score)
        print(
            f"{name:14}{best[name]:8.2f} s{memory[name]:8.2f} GB"
            f"{best[name] / best['ours']:8.1f} times our time"
            f"{memory[name] / memory['ours']:8.1f} times our memory"
        )


def score_one(name: str, folder: Path) -> None:
    """Score in this process and print the result with time and memory."""
    dtype = np.uint64 if name == "waterz" else np.uint32
    segments, truth = (
        np.load(folder / f"{part}_{dtype.__name__}.npy") for part in ("segments", "truth")
    )
    began = time.perf_counter()
    found = SCORERS[name](segments, truth)
    seconds = time.perf_counter() - began
    print(json.dumps({**found, "seconds": seconds, "gb": peak_memory() / 1e9}))


def time_edits(edits: int, side: int) -> None:
    """Print how long scores and list take after edits, and check them at the end."""
    made = million.make(side)
    cells, contacts = len(made.table.cells), len(made.table.contacts)
    print(f"{len(made.segment) - 1:,} fragments, {cells:,} cells, {contacts:,} contacts")
    standing, began = _timed(lambda: Standing(made.table, made.segment, million.GRID))
    runs, runs_began = _timed(lambda: Runs(made.skeletons, made.node_fragment, made.segment))
    # skeleton n is that of the object n + 1
    lengths = RunLengths(runs, np.arange(1, len(made.skeletons) + 1))
    listed, list_began = _timed(lambda: standing.mistakes(limit=LISTED, lengths=lengths))
    print(f"{standing.count():,} mistakes, {len(made.node_fragment):,} nodes")
    print(f"at the beginning: scores {began:.2f}, ERL {runs_began:.2f}, list {list_began:.2f} s")
    segment, rng = made.segment.copy(), np.random.default_rng(0)
    times: dict[str, list[tuple[float, ...]]] = {"false_split": [], "false_merge": []}
    sizes = []
    while len(sizes) < edits:
        mistake = listed[rng.integers(0, 50)]
        members = np.flatnonzero(np.isin(segment, mistake.segments))
        moved = _repair(segment, standing, mistake)
        if not len(moved):
            continue
        sizes.append(len(members))
        score = _timed(lambda m=moved: (standing.follow(segment, m), standing.voi()))[1]
        length = _timed(lambda m=moved: (runs.follow(segment, m), runs.erl()))[1]
        listed, listing = _timed(lambda: standing.mistakes(limit=LISTED, lengths=lengths))
        times[mistake.kind].append((score, length, listing))
    print(f"edits of segments with {np.median(sizes):,.0f} fragments (most {max(sizes):,})")
    for kind, rows in times.items():
        for name, column in zip(("VOI", "ERL", "list"), np.array(rows).T * 1000, strict=True):
            print(
                f"after {'a merge' if kind == 'false_split' else 'a split'}, n = {len(rows)}: "
                f"{name:5} median {np.median(column):6.2f} ms, 9 of 10 below "
                f"{np.quantile(column, 0.9):6.2f} ms, least {column.min():6.2f} ms"
            )
    gain, asked = _timed(lambda: lengths.gains(listed))
    print(f"gain in ERL of the {len(gain)} worst: {asked * 1000:.0f} ms")
    _check(made, segment, standing, lengths, listed)


def _check(
    made: million.Million,
    segment: Labels,
    standing: Standing,
    lengths: RunLengths,
    listed: list[Mistake],
) -> None:
    """Check that what followed the edits equals what is computed from scratch."""
    found, seconds = _timed(lambda: voi_of(made.table, segment))
    assert abs(found.split - standing.voi().split) < 1e-12
    assert abs(found.merge - standing.voi().merge) < 1e-12
    print(f"from scratch: VOI {seconds:.2f}", end=" s, ")
    nodes = segment[made.node_fragment].astype(np.uint64)
    runs, seconds = _timed(lambda: erl(made.skeletons, nodes, (30.0, 30.0, 30.0)))
    assert abs(runs.erl_nm - lengths.runs.erl()) < 1e-9 * runs.erl_nm
    print(f"ERL {seconds:.2f}", end=" s, ")
    scratch, seconds = _timed(
        lambda: find_mistakes(made.table, segment, million.GRID, limit=LISTED)
    )
    assert scratch == standing.mistakes(Choice(rank="voi"), LISTED)
    assert listed == standing.mistakes(Choice(), LISTED, lengths)
    print(f"list {seconds:.2f} s; all equal")


def _repair(segment: Labels, standing: Standing, mistake: Mistake) -> npt.NDArray[np.int64]:
    """Repair a mistake as far as whole fragments can; return those that moved."""
    if mistake.kind == "false_split":
        one, other = (np.flatnonzero(segment == name) for name in mistake.segments)
        few, name = (one, other[0]) if len(one) < len(other) else (other, one[0])
        segment[few] = segment[name]
        return few
    (name,) = mistake.segments
    cells = standing.cells_of(np.flatnonzero(segment == name))
    wrong = np.unique(cells.fragment[cells.truth == mistake.truth[0]])
    wrong = wrong[wrong != name].astype(np.int64)
    segment[wrong] = wrong.max(initial=0)
    return wrong


def _write_labels(folder: Path) -> None:
    path = DATA / "pinky40" / "labels.h5"
    if path.is_file():
        with h5py.File(path) as file:
            truth = file["labels"][:]
    else:
        phantom = Phantom(PhantomSettings(shape=(512, 512, 512)))
        truth = phantom.render(Box.of_shape((512, 512, 512))).truth
    pieces = np.arange(len(truth), dtype=np.uint32) // 100 * 100003
    segments = np.roll(truth, (1, 2, 2), (0, 1, 2)) + pieces[:, None, None] * (truth > 0)
    for dtype in (np.uint32, np.uint64):
        np.save(folder / f"segments_{dtype.__name__}.npy", segments.astype(dtype))
        np.save(folder / f"truth_{dtype.__name__}.npy", truth.astype(dtype))


def _scores(split: float, merge: float, precision: float, recall: float) -> Scores:
    return {"split": split, "merge": merge, "precision": precision, "recall": recall}


def _median(found: list[Scores], name: str) -> float:
    return float(np.median([one[name] for one in found]))


def _timed(work: Callable[[], object]) -> tuple[object, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


@contextlib.contextmanager
def _no_output():  # noqa: ANN202
    """Keep what compiled code prints from standard output."""
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("scores").add_argument("--rounds", type=int, default=3)
    edits = verbs.add_parser("edits")
    edits.add_argument("--edits", type=int, default=100)
    edits.add_argument("--side", type=int, default=million.SIDE, help="fragments along an axis")
    one = verbs.add_parser("one")
    one.add_argument("name", choices=SCORERS)
    one.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    if chosen.verb == "scores":
        compare_scores(chosen.rounds)
    elif chosen.verb == "edits":
        time_edits(chosen.edits, chosen.side)
    else:
        score_one(chosen.name, chosen.folder)


if __name__ == "__main__":
    main()
