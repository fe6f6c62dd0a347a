"""How many of the suggestions made without truth are right.

    python benchmarks/suggestions.py --sets watershed ffn fragments-4 phantom-4 [--affinities FILE]
    python benchmarks/suggestions.py --project fib25.axonem

**Sets**: ``watershed`` and ``ffn`` are the supervoxels and the flood filling of the labelled FIB-25
block (from the folder in ``AXONEM_DATA``, default ``../shared/data``), z ≥ 160, which no weight was
chosen on; with ``-whole`` behind the name the whole block, of which z < 160 was.
``fragments-SEED`` are the fragments of a phantom, ``phantom-SEED`` its imperfect segmentation with
planted errors. Weights were chosen with seeds 1 to 3; others are held out.

**Affinities**: with ``--affinities``, those in ``FILE`` (of the whole block) are evidence for the
sets of FIB-25, and those that a phantom brings for its sets.

**Project**: one of the block with its truth, as it is made by ``napari-axonem segment
fib25/training2.h5:raw fib25.axonem --model fib25 --voxel-size 10,10,10 --truth
fib25/training2.h5:gt``; again only what lies in z ≥ 160 counts.

**Right**: the *main object* of a segment is the true object with most of its voxels. To join two
segments is right where both have the same main object. To cut a segment is right where at the two
points that a suggestion puts on its sides there are two different true objects, each with at least
`CUT_VOXELS` voxels of the segment.

**Beside it**: the share of right ones among all pairs that touch and are large enough (base rate),
and the precision of the same list ordered by contact area alone. Recall is the share of all right
pairs, or of all segments that hold two objects of that size, among the first.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from places import DATA

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.edges import fragment_edges
from napari_axonem.evaluation.suggestions import MIN_VOXELS, Suggestion, suggest
from napari_axonem.evaluation.suggestions.joins import MIN_FACES
from napari_axonem.geometry import Box, Grid, Zyx, zyx
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.suggested import suggest_for
from napari_axonem.volumes import open_affinities
from napari_axonem.volumes.phantom import Phantom, PhantomSettings, PlantedMistake
from napari_axonem.volumes.volume import Volume

HELD_OUT_FROM = 160
CUT_VOXELS = 1000
AROUND_NM, PASSING_NM, CROSSING_DEGREES = 400.0, 200.0, 30.0
FIRST = (20, 50, 100)

Labels = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Case:
    """A segmentation with image and truth."""

    image: npt.NDArray[np.uint8]
    truth: Labels
    segments: Labels
    grid: Grid
    affinities: npt.NDArray[np.generic] | None = None
    planted: tuple[PlantedMistake, ...] = ()


def load(name: str, affinities: str | None = None) -> Case:
    """Return the set of that name, with affinities where a place of some is given."""
    kind, _, rest = name.partition("-")
    if kind in ("watershed", "ffn"):
        first = 0 if rest == "whole" else HELD_OUT_FROM
        with h5py.File(DATA / "fib25" / "training2.h5") as file:
            image, truth, segments = (file[key][first:] for key in ("raw", "gt", kind))
        dense = np.unique(segments, return_inverse=True)[1].reshape(segments.shape)
        return Case(
            image,
            truth.astype(np.uint32),
            (dense + (segments.min() > 0)).astype(np.uint32),
            Grid((10.0, 10.0, 10.0)),
            None if affinities is None else read_affinities(affinities, first),
        )
    phantom = Phantom(PhantomSettings(seed=int(rest)))
    block = phantom.render(Box.of_shape(phantom.shape))
    own = None if affinities is None else block.affinities
    if kind == "fragments":
        return Case(block.image, block.truth, block.fragments, phantom.grid, own)
    segments = phantom.segment_of_fragment[block.fragments]
    return Case(block.image, block.truth, segments, phantom.grid, own, phantom.planted)


def read_affinities(location: str, first: int) -> npt.NDArray[np.generic]:
    """Return affinities (3, z, y, x) from a section on."""
    array: Any = open_affinities(location)
    whole = slice(None)
    return np.stack([np.asarray(array[(c, slice(first, None), whole, whole)]) for c in range(3)])


def volume(array: npt.NDArray[np.generic], grid: Grid) -> Volume:
    """Return an array as a volume."""
    return Volume((array,), ((1, 1, 1),), grid, "memory", "array")


def overlaps(case: Case) -> npt.NDArray[np.int64]:
    """Return the voxels that segments and true objects share, shape (segments, objects)."""
    shape = int(case.segments.max()) + 1, int(case.truth.max()) + 1
    key = case.segments.astype(np.int64).ravel() * shape[1] + case.truth.ravel()
    return np.bincount(key, minlength=shape[0] * shape[1]).reshape(shape)


def measure(name: str, affinities: str | None = None) -> None:
    """Print what is right among the suggestions for a set."""
    case = load(name, affinities)
    shared = overlaps(case)
    began = time.perf_counter()
    volumes = volume(case.segments, case.grid), volume(case.image, case.grid)
    found = suggest(*volumes, case.affinities)
    seconds = time.perf_counter() - began
    print(f"{name}: {case.segments.shape}, {len(found)} suggestions in {seconds:.0f} s")
    joins(case, shared, [s for s in found if s.kind == "false_split"])
    cuts(case, shared, [s for s in found if s.kind == "false_merge"])


def measure_project(path: str) -> None:
    """Print what is right among the suggestions for a project of the block."""
    with Project(path, writable=False) as project:
        found = suggest_for(project)
        sources = project.sources
        assert sources.truth is not None
        held_out = Box((HELD_OUT_FROM, 0, 0), sources.truth.volume.shape)
        truth = sources.truth.volume.read(held_out)
        segments = project.segment[sources.fragments.volume.read(held_out)]
        case = Case(np.zeros(truth.shape, np.uint8), truth, segments, sources.grid)
    inside = [s for s in found if held_out.contains(s.red[0]) and held_out.contains(s.blue[0])]
    print(f"{path}: {len(inside)} of {len(found)} suggestions in z >= {HELD_OUT_FROM}")
    shifted = [replace(s, red=(below(s.red[0]),), blue=(below(s.blue[0]),)) for s in inside]
    joins(case, overlaps(case), [s for s in shifted if s.kind == "false_split"])
    cuts(case, overlaps(case), [s for s in shifted if s.kind == "false_merge"])


def below(voxel: Zyx) -> Zyx:
    """Return where a voxel lies in what is held out."""
    return voxel[0] - HELD_OUT_FROM, voxel[1], voxel[2]


def joins(case: Case, shared: npt.NDArray[np.int64], found: list[Suggestion]) -> None:
    """Print precision and recall of missing merges, and of ordering by area."""
    main = np.where(shared[:, 1:].any(axis=1), 1 + shared[:, 1:].argmax(axis=1), 0)
    size = shared.sum(axis=1)
    edges = fragment_edges(tabulate(volume(case.segments, case.grid), gap_voxels=0))
    small = np.minimum(size[edges.u], size[edges.v])
    rows = np.flatnonzero((edges.area >= MIN_FACES) & (small >= MIN_VOXELS))
    rows = rows[np.argsort(-edges.area[rows], kind="stable")]
    right = (main[edges.u] == main[edges.v]) & (main[edges.u] > 0)
    pairs = np.array([s.segments for s in found], dtype=np.int64).reshape(-1, 2)
    mine = (main[pairs[:, 0]] == main[pairs[:, 1]]) & (main[pairs[:, 0]] > 0)
    everything = int(right[rows].sum())
    print(f"  joins: {len(rows)} pairs, {everything} right, base rate {right[rows].mean():.3f}")
    print(f"    suggested {line(mine, everything)}")
    print(f"    by area   {line(right[rows], everything)}")


def cuts(case: Case, shared: npt.NDArray[np.int64], found: list[Suggestion]) -> None:
    """Print precision and recall of false merges, and where planted ones are in the list."""
    large = shared[:, 1:] >= CUT_VOXELS
    merged = np.flatnonzero(large.sum(axis=1) > 1)
    merged = merged[merged > 0]
    whole = (shared.sum(axis=1) >= 2 * CUT_VOXELS).sum()
    print(f"  cuts: {len(merged)} of {whole} segments of {2 * CUT_VOXELS} voxels hold two objects")
    sides = [(s.segments[0], int(case.truth[s.red[0]]), int(case.truth[s.blue[0]])) for s in found]
    right = np.array(
        [a != b and min(a, b) > 0 and bool(large[s, [a - 1, b - 1]].all()) for s, a, b in sides],
        dtype=bool,
    )
    first = np.zeros(len(right), dtype=bool)
    first[np.unique([s for s, _, _ in sides], return_index=True)[1].astype(int)] = True
    print(f"    suggested {line(right, len(merged), right & first)}")
    for error in case.planted:
        if len(error.truths) == 2:
            places = [n for n, (_, a, b) in enumerate(sides, 1) if {a, b} == set(error.truths)]
            place = places[0] if places else "none"
            shape = shape_of(case, error)
            print(f"    planted {error.kind} of {error.truths}, {shape}-shaped: place {place}")


def shape_of(case: Case, error: PlantedMistake) -> str:
    """Return X or H where both neurites pass the contact, at an angle or not, T where one ends.

    A neurite passes where it goes on for `PASSING_NM` both ways along its course, as it is
    within `AROUND_NM` of the contact.
    """
    size = np.asarray(case.grid.voxel_size)
    middle = case.grid.to_voxel(error.position_nm)
    box = Box(zyx(middle), zyx(middle + 1)).grow(zyx(AROUND_NM / size))
    box = box.intersect(Box.of_shape(case.truth.shape))
    axes, passes = [], True
    for truth in error.truths:
        at = np.argwhere(case.truth[box.slices] == truth) + box.start - middle
        points = at[np.square(at * size).sum(axis=1) <= AROUND_NM**2] * size
        axis = np.linalg.eigh(np.cov(points.T))[1][:, 2]
        along = points @ axis
        passes &= bool(along.min() < -PASSING_NM and along.max() > PASSING_NM)
        axes.append(axis)
    crosses = abs(float(axes[0] @ axes[1])) < np.cos(np.radians(CROSSING_DEGREES))
    return ("X" if crosses else "H") if passes else "T"


def line(right: Flags, everything: int, distinct: Flags | None = None) -> str:
    """Return precision and recall of the first of a list."""
    counted = right if distinct is None else distinct
    return "  ".join(
        f"@{n}: precision {right[:n].mean() if len(right) else 0:.2f} "
        f"recall {counted[:n].sum() / max(1, everything):.2f}"
        for n in FIRST
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--sets", nargs="+", default=["watershed", "ffn", "fragments-4", "phantom-4"]
    )
    parser.add_argument("--affinities", metavar="FILE")
    parser.add_argument("--project", help="instead of sets")
    arguments = parser.parse_args()
    for chosen in arguments.sets if arguments.project is None else ():
        measure(chosen, arguments.affinities)
    if arguments.project is not None:
        measure_project(arguments.project)
