"""Made-up skeletons over made-up segmentations, and what em_erl and plain loops say of them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.skeletons import Skeletons, Tree, from_trees, write_skeletons
from napari_axonem.geometry import Grid, Nm, Zyx
from napari_axonem.volumes import Volume

INTERVALS = (0.0, 300.0, 900.0, 2000.0, 1e7)
SHAPE: Zyx = (20, 28, 24)


@dataclass(frozen=True)
class Case:
    """One thing to score."""

    skeletons: Skeletons
    segmentation: npt.NDArray[Any]
    voxel_size: Nm
    threshold: int
    mask: npt.NDArray[Any] | None

    @property
    def volume(self) -> Volume:
        return volume_of(self.segmentation, self.voxel_size)

    @property
    def mask_volume(self) -> Volume | None:
        return None if self.mask is None else volume_of(self.mask, self.voxel_size)


def volume_of(
    voxels: npt.NDArray[Any], voxel_size: Nm, origin: Nm = (0.0, 0.0, 0.0), name: str = "made"
) -> Volume:
    """An array as a volume."""
    return Volume((voxels,), ((1, 1, 1),), Grid(voxel_size, origin), name, "array")


def random_case(seed: int) -> Case:
    """A case that em_erl reads rightly: ids below 2**53, nodes in the middle of voxels."""
    rng = np.random.default_rng(seed)
    voxel_size = [(30.0, 8.0, 8.0), (40.0, 32.0, 32.0), (10.0, 10.0, 10.0), (33.3, 8.4, 8.4)][
        seed % 4
    ]
    number = int(rng.integers(1, 9))
    trees = [random_tree(rng, int(rng.integers(1, 1000)), voxel_size) for _ in range(number)]
    top = [5, 40, 2**32 - 1, 2**40, 2**53 - 1][seed % 5]
    segmentation = random_segments(rng, top)
    mask = (rng.random(SHAPE) < rng.choice([0.001, 0.01, 0.2])) if seed % 2 else None
    threshold = int(rng.choice([0, 1, 2, 5, 20, 50]))
    return Case(
        from_trees(trees),
        segmentation,
        voxel_size,
        threshold,
        None if mask is None else mask.astype(np.uint8) * 255,
    )


def random_tree(rng: np.random.Generator, id_: int, voxel_size: Nm) -> Tree:
    """A tree of nodes in the middle of neighbouring voxels, with branches."""
    nodes = [rng.integers(0, SHAPE)]
    edges = []
    for i in range(1, int(rng.integers(2, 90))):
        parent = i - 1 if rng.random() < 0.9 else int(rng.integers(i))
        step = rng.integers(-1, 2, size=3)
        nodes.append(np.clip(nodes[parent] + step, 0, np.subtract(SHAPE, 1)))
        edges.append((parent, i))
    return Tree(id_, (np.array(nodes) + 0.5) * voxel_size, np.array(edges))


def random_segments(rng: np.random.Generator, top: int) -> npt.NDArray[np.uint64]:
    """Boxes of random ids up to `top`, some of them background."""
    voxels = np.zeros(SHAPE, np.uint64)
    ids = rng.integers(1, top, size=12, dtype=np.uint64, endpoint=True)
    for _ in range(int(rng.integers(1, 60))):
        corner = rng.integers(0, SHAPE)
        size = rng.integers(1, 16, size=3)
        box = tuple(slice(a, a + b) for a, b in zip(corner, size, strict=True))
        voxels[box] = rng.choice(ids) if rng.random() < 0.85 else 0
    return voxels


@dataclass(frozen=True)
class Scored:
    """What all implementations say."""

    erl: float
    truth: float
    per_skeleton: npt.NDArray[np.float64]
    intervals: list[tuple[float, float, int]]


def by_em_erl(case: Case, folder: Path) -> Scored:
    """Score with em_erl itself, from a file that we write."""
    from em_erl import ERLGraph, compute_erl_score, compute_segment_lut

    write_skeletons(folder / "graph.npz", case.skeletons, overwrite=True)
    graph = ERLGraph.from_npz(str(folder / "graph.npz"))
    positions = graph.get_nodes_position(case.voxel_size)
    lut, masked = compute_segment_lut(case.segmentation, positions, case.mask, data_type=np.uint64)
    score = compute_erl_score(graph, lut, masked, case.threshold)
    with np.errstate(invalid="ignore"):  # an empty interval is 0 / 0 there
        score.compute_erl(list(INTERVALS))
    rows = [(float(r[0]), float(r[1]), int(r[2])) for r in score.erl]
    return Scored(rows[0][0], rows[0][1], score.skeleton_erl, rows[1:])


def by_loops(case: Case, definition: str = "em_erl") -> Scored:
    """Score with plain loops over nodes and edges, from the definition; no matter how slow."""
    skeletons = case.skeletons
    segment = [_segment_at(case, position) for position in skeletons.positions]
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for s, g in zip(skeletons.node_skeleton.tolist(), segment, strict=True):
        counts[s, g] += 1
    merging, penalised = _merging(case, counts, definition)
    lengths = skeletons.lengths.tolist()
    erls = []
    for s in range(len(skeletons)):
        correct: dict[int, float] = defaultdict(float)
        for e in range(int(skeletons.edge_pointer[s]), int(skeletons.edge_pointer[s + 1])):
            u, v = (segment[node] for node in skeletons.edges[e])
            is_merged = s in penalised and u in merging
            if u == v and u != 0 and not is_merged:
                correct[u] += float(skeletons.edge_lengths[e])
        runs = sum(c * c for c in correct.values())
        erls.append(runs / lengths[s] if lengths[s] else 0.0)  # all nodes may be in one place
    rows = []
    for low, high in [(0.0, np.inf), *itertools.pairwise(INTERVALS)]:
        chosen = [s for s in range(len(skeletons)) if low <= lengths[s] < high]
        whole = sum(lengths[s] for s in chosen) or np.nan
        rows.append(
            (
                sum(lengths[s] * erls[s] for s in chosen) / whole,
                sum(lengths[s] ** 2 for s in chosen) / whole,
                len(chosen),
            )
        )
    return Scored(rows[0][0], rows[0][1], np.array(erls), rows[1:])


def _segment_at(case: Case, position: npt.NDArray[np.float32]) -> int:
    voxel = [int(p / s) for p, s in zip(position.tolist(), case.voxel_size, strict=True)]
    return int(case.segmentation[tuple(voxel)])


def _merging(
    case: Case, counts: dict[tuple[int, int], int], definition: str
) -> tuple[set[int], set[int]]:
    t = case.threshold
    big = {p for p, n in counts.items() if (n >= t if definition == "em_erl" else n > t)}
    merging = {g for _, g in counts if sum(g == other for _, other in big) > 1}
    who = counts.keys() if definition == "em_erl" else big
    penalised = {s for s, g in who if g in merging}
    if case.mask is not None:
        under = case.segmentation[case.mask > 0].tolist()
        reaching = {g for _, g in counts if under.count(g) > t}
        penalised |= {s for s, g in big if g in reaching}
        merging |= reaching
    return merging, penalised
