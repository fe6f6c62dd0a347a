"""What repairing errors in some order does to the scores, step by step.

    python benchmarks/repair_order.py [--steps 800] [--picture docs/pictures/repair_order.png]

On the FIB-25 block (``AXONEM_DATA``, or ``../shared/data``): its over-segmentation ``watershed``
and its flood-filling network ``ffn``. Repairs are perfect and touch no voxel: a false split joins
two segments, a false merge cuts the part off that does not belong. After every repair the errors
are listed again, as in the window, and total VOI and normalised ERL are taken.

Orders:

- *list, T = 50* and *list, T = 0*: the order of the window and of the command with skeletons, where
  a join that would spoil a segment, by that merge threshold, waits for the cuts, and gains in VOI
  and in ERL count together;
- *list, voxels*: the same without skeletons, where voxels say what spoils a segment;
- *ERL*: the same list by gain in ERL (T = 50);
- *VOI*: by gain in VOI alone;
- *size*: by the voxels of the smaller side;
- *random*: any of the list, five seeds.

All but the last two are what `Standing.mistakes` returns, the first of it at each step. That VOI
never rises, and that ERL never falls where it is kept, is checked at each step. Orders are compared
by the means of the scores over all steps: the areas under the curves. The picture is drawn as SVG
and painted by Qt, which the window needs anyway.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from places import DATA, ROOT
from repair_curves import THRESHOLDS, Curve, draw, paint

sys.path.insert(0, str(ROOT))

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.grouping import Ints
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.parts import part_key
from napari_axonem.evaluation.skeletons import Skeletons, lookup, read_skeletons
from napari_axonem.evaluation.standing import (
    Choice,
    Rank,
    RunLengths,
    Runs,
    RunSettings,
    Standing,
)
from napari_axonem.evaluation.standing.rows import Rows
from napari_axonem.evaluation.tables import CellTable
from napari_axonem.geometry import Grid
from napari_axonem.volumes import open_volume

SEEDS = 5
ROUNDING = 1e-12
"""Changes of a score by no more than this are none."""


@dataclass(frozen=True)
class Block:
    """A segmentation whose fragments are its cells: each lies in one true object."""

    table: CellTable
    segment: npt.NDArray[np.uint32]
    skeletons: Skeletons
    node_fragment: Ints
    grid: Grid

    @property
    def truth_erl(self) -> float:
        """Expected run length of the truth in nm."""
        lengths = self.skeletons.lengths
        return float((lengths**2).sum() / lengths.sum())


def read_block(name: str) -> Block:
    """Read one of the segmentations of FIB-25."""
    file = DATA / "fib25" / "training2.h5"
    size = (10.0, 10.0, 10.0)
    segmentation, truth = (open_volume(f"{file}:{n}", voxel_size=size) for n in (name, "gt"))
    skeletons = read_skeletons(file.with_name("training2_gt_erlgraph.npz"))
    table = tabulate(segmentation, truth)
    cells = table.cells
    of_segment, of_truth = (lookup(v, skeletons).segment for v in (segmentation, truth))
    row = np.searchsorted(part_key(cells.fragment, cells.truth), part_key(of_segment, of_truth))
    first = int(np.searchsorted(cells.fragment, 1))  # cells before it belong to no segment
    fragment = np.maximum(0, np.arange(len(cells)) - first + 1).astype(np.uint32)
    segment = np.append(0, cells.fragment[first:]).astype(np.uint32)
    own = dataclasses.replace(cells, fragment=fragment)
    # cells of no segment keep their places: their truths differ
    whole = CellTable(own, table.contacts)
    return Block(whole, segment, skeletons, fragment[row].astype(np.int64), segmentation.grid)


@dataclass(frozen=True)
class Repair:
    """Fragments that get another segment."""

    fragments: Ints
    segment: int
    is_join: bool


class Repairing:
    """Segments under repair, and how they score."""

    def __init__(self, block: Block) -> None:
        self._block, self._segment = block, block.segment.copy()
        cells = block.table.cells
        own = cells.fragment > 0
        self._truth, self._voxels = np.zeros((2, len(block.segment)), np.int64)
        self._truth[cells.fragment[own]] = cells.truth[own]
        self._voxels[cells.fragment[own]] = cells.voxels[own]
        self.standing = Standing(block.table, self._segment, block.grid)
        self.runs = {
            t: Runs(block.skeletons, block.node_fragment, self._segment, RunSettings("em_erl", t))
            for t in THRESHOLDS
        }
        self._fresh = int(self._segment.max()) + 1

    def scores(self) -> Scores:
        """Return total VOI in bits, then normalised ERL for each threshold."""
        truth = self._block.truth_erl
        return self.standing.voi().total, *(r.erl() / truth for r in self.runs.values())

    def repair_of(self, mistake: Mistake) -> Repair:
        """Return what repairs a mistake."""
        if mistake.kind == "false_split":
            keep, name = mistake.segments
            return Repair(np.flatnonzero(self._segment == name), keep, is_join=True)
        inside = self._segment == mistake.segments[0]
        part = np.flatnonzero(inside & (self._truth == mistake.truth[0]))
        return Repair(part, self._fresh, is_join=False)

    def listed(self, rank: Rank, threshold: int | None) -> Repair | None:
        """Return the first repair of the list, with run lengths of a merge threshold, or none."""
        runs = None if threshold is None else self.runs[threshold]
        lengths = None if runs is None else RunLengths(runs, self._block.skeletons.ids)
        found = self.standing.mistakes(Choice(rank=rank), 1, lengths)
        return self.repair_of(found[0]) if found else None

    def do(self, repair: Repair) -> None:
        """Repair, and follow with the scores."""
        self._segment[repair.fragments] = repair.segment
        self._fresh = max(self._fresh, repair.segment + 1)
        self.standing.follow(self._segment, repair.fragments)
        for runs in self.runs.values():
            runs.follow(self._segment, repair.fragments)


Scores = tuple[float, ...]
Order = Callable[[Repairing], Repair | None]


def as_listed(rank: Rank, threshold: int | None = None) -> Order:
    """Return the order of the list."""
    return lambda state: state.listed(rank, threshold)


@dataclass(frozen=True)
class _AtLeast(Choice):
    """Mistakes with a value of at least so much."""

    value: Callable[[Ints, Ints, Ints, Ints], npt.NDArray[np.float64]] | None = None
    least: float = 0.0

    def lists(self, rows: Rows) -> npt.NDArray[np.bool_]:
        assert self.value is not None
        columns = (rows.red, rows.blue, rows.red_truth, rows.size)
        value = self.value(*(column.astype(np.int64) for column in columns))
        return ~self.is_tiny(rows) & (value >= self.least)

    def of(self, mistake: Mistake) -> float:
        """Return the value of one mistake."""
        assert self.value is not None
        one = (mistake.segments[0], mistake.segments[-1], mistake.truth[0], mistake.size_voxels)
        return float(self.value(*(np.array([number]) for number in one))[0])


def by_value(value: Callable[[Ints, Ints, Ints, Ints], npt.NDArray[np.float64]]) -> Order:
    """Return the order of falling values of (segment, segment, true object, size)."""
    least = 1.0  # few are described at a time: all that have so much

    def choose(state: Repairing) -> Repair | None:
        nonlocal least
        while True:
            choice = _AtLeast(rank="voi", value=value, least=least)
            listed = sorted(state.standing.mistakes(choice), key=choice.of, reverse=True)
            if listed:
                least = choice.of(listed[min(10, len(listed) - 1)])
                return state.repair_of(listed[0])
            if least < 1e-9:
                return None
            least *= 0.7

    return choose


def by_size() -> Order:
    """Return the order by voxels of the smaller side."""
    return by_value(lambda red, blue, truth, size: size / 1e9)


def at_random(seed: int) -> Order:
    """Return an order that has nothing to do with the errors."""

    def value(red: Ints, blue: Ints, truth: Ints, size: Ints) -> npt.NDArray[np.float64]:
        del size
        mixed = (red * 0x9E3779B1 + blue * 0x85EBCA77 + truth * 0xC2B2AE3D + seed * 7919) % 2**31
        return (mixed * 48271 % 2147483647) / 2147483647

    return by_value(value)


def follow(name: str, block: Block, order: Order, steps: int) -> Curve:
    """Repair in an order, at most so many steps."""
    state = Repairing(block)
    scores, joins = [state.scores()], []
    while len(scores) <= steps:
        repair = order(state)
        if repair is None:
            break
        state.do(repair)
        scores.append(state.scores())
        joins.append(repair.is_join)
    found = np.array(scores)
    change = np.diff(found, axis=0)
    fell = change[:, 1:] < -ROUNDING
    falls = tuple(int(n) for n in fell.sum(axis=0))
    of_joins = int((fell.any(axis=1) & np.array(joins, bool)).sum())
    return Curve(name, found, falls, int((change[:, 0] > ROUNDING).sum()), of_joins)


def orders() -> Iterator[tuple[str, Order]]:
    """Yield all orders by name."""
    yield "list, T = 50", as_listed("repair", 50)
    yield "list, T = 0", as_listed("repair", 0)
    yield "list, voxels", as_listed("repair")
    yield "ERL", as_listed("erl", 50)
    yield "VOI", as_listed("voi")
    yield "size", by_size()
    for seed in range(SEEDS):
        yield f"random {seed}", at_random(seed)


def check(curves: list[Curve]) -> None:
    """Check what the orders promise."""
    kept, every, _, _, voi, *others = curves
    assert sum(curve.rises for curve in curves) == 0
    assert kept.falls[0] == 0
    assert every.falls == (0, 0)
    for other in others:
        for ours in (voi, kept):
            assert ours.means()[0] < other.means()[0], (ours.name, other.name)
        assert kept.means()[1] > other.means()[1], other.name
        assert every.means()[2] > other.means()[2], other.name


def report(curves: list[Curve]) -> None:
    """Print the scores along each order."""
    for curve in curves:
        last = len(curve.scores) - 1
        marks = sorted({n for n in (0, 10, 30, 100, 300, last) if n <= last})
        falls = ", ".join(f"{n} (T = {t})" for n, t in zip(curve.falls, THRESHOLDS, strict=True))
        print(f"  {curve.name}: VOI rose at {curve.rises} steps; ERL fell at {falls}", end="")
        print(f", at {curve.of_joins} by joins" if curve.of_joins else "")
        print("    mean over steps:", *(f"{mean:.4f}" for mean in curve.means()))
        for n in marks:
            voi, *erl = curve.scores[n]
            shown = "  ".join(f"T={t}: {e:.4f}" for t, e in zip(THRESHOLDS, erl, strict=True))
            print(f"    {n:5} repairs  VOI {voi:.4f} bits  normalised ERL  {shown}")


def main() -> None:
    """Follow all orders on both segmentations."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--sets", nargs="+", default=["watershed", "ffn"])
    parser.add_argument("--orders", nargs="+", help="only these; nothing is checked then")
    chosen = parser.parse_args()
    wanted = [(n, o) for n, o in orders() if not chosen.orders or n in chosen.orders]
    found = {}
    for name in chosen.sets:
        began = time.perf_counter()
        block = read_block(name)
        found[name] = [follow(n, block, order, chosen.steps) for n, order in wanted]
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
        report(found[name])
    if chosen.picture is not None:
        paint(draw(found), chosen.picture)
    for curves in found.values() if not chosen.orders else ():
        check(curves)


if __name__ == "__main__":
    main()
