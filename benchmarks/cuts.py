"""How long the cut of a large object between fragments takes, beside maximum flow on all of it.

    python benchmarks/cuts.py PROJECT.axonem

The project is one of a gigavoxel, made by `edits_data.py`. Objects of 10,000 to 2,000,000 fragments
are put together of its true objects that lie next to each other, each joined to the rest by its
largest contact, as false merges are. Three points each lie in the two largest; affinities are
unknown, as in the project, or made up: 0.5 to 1 where fragments are joined, up to 0.5 where they
are not. Beside our cut stands scipy's maximum flow on the whole graph, with the same costs and
paths between the points of a colour. Both are run in turn, and must leave the same fragments on
either side. Up to 100,000 fragments, the flow is also run with a cost of 1 for contacts that are
off and of unknown affinity, which cost nothing in ours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from napari_axonem.proofreading.plans import mincut
from napari_axonem.proofreading.plans.mincut import Piece, cut, ties
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.tables.edges import Edges, Index
from napari_axonem.proofreading.tables.falling import groups_of

SIZES = (10_000, 100_000, 1_000_000, 2_000_000)
"""Fragments of an object."""

MOST = 100_000
"""What takes minutes beyond is done up to this size only."""

ROUNDS = 3
POINTS = 3

Side = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Case:
    """An object to cut."""

    piece: Piece
    ends: tuple[Index, Index]
    """Fragments with points, of either colour."""


def cases(edges: Edges, seed: int = 0) -> Iterator[tuple[str, Case]]:
    """Yield objects of all sizes, with words for each."""
    rng = np.random.default_rng(seed)
    count = int(edges.v.max()) + 1
    graph = csr_array(coo_array((np.ones(len(edges.u), np.int8), (edges.u, edges.v)), (count,) * 2))
    start = int(edges.u[len(edges.u) // 3])
    order = breadth_first_order(graph, start, directed=False, return_predecessors=False)
    for size in SIZES:
        case = falsely_merged(edges, np.sort(order[:size]).astype(np.int64), rng)
        yield f"{size:,}", case
        if size <= MOST:
            known = replace(case.piece.edges, affinity=made_up(case.piece.edges.on, rng))
            yield f"{size:,}, affinities", replace(case, piece=Piece(case.piece.fragments, known))


def falsely_merged(edges: Edges, members: Index, rng: np.random.Generator) -> Case:
    """Return some fragments as one object, whose parts are joined by their largest contacts."""
    inside = np.zeros(int(edges.v.max()) + 1, np.bool_)
    inside[members] = True
    within = edges.taken(np.flatnonzero(inside[edges.u] & inside[edges.v]))
    u, v = np.searchsorted(members, within.u), np.searchsorted(members, within.v)
    part = groups_of((u[within.on], v[within.on]), len(members))
    off = np.flatnonzero(~within.on)
    on = within.on.copy()
    on[off[ties(np.stack([part[u[off]], part[v[off]]], axis=1), within.area[off])]] = True
    largest = np.argsort(np.bincount(part))[::-1][:2].tolist()
    red, blue = (rng.choice(members[part == one], POINTS, replace=False) for one in largest)
    return Case(Piece(members, replace(within, on=on)), (red, blue))


def made_up(on: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return affinities that agree with what is joined."""
    found = rng.uniform(0, 0.5, len(on)) + 0.5 * on
    return found.astype(np.float32)


def by_flow(piece: Piece, capacity: Index, own: Index, others: Index) -> tuple[Side, int]:
    """Return the source's side as `mincut` does, by maximum flow on the whole graph."""
    n = len(piece.fragments)
    costs = capacity > 0
    u, v = piece.ends[0][costs], piece.ends[1][costs]
    both = np.concatenate([capacity[costs]] * 2)
    bound = int(min(2**30, capacity.sum() + 1))
    limits = np.concatenate([both, np.full(len(own) + len(others), bound)])
    tails = np.concatenate([u, v, np.full(len(own), n), others])
    heads = np.concatenate([v, u, own, np.full(len(others), n + 1)])
    limits = np.minimum(limits, bound).astype(np.int32)
    network = csr_array(coo_array((limits, (tails, heads)), (n + 2, n + 2)))
    found = maximum_flow(network, n, n + 1)
    residual = csr_array(network - found.flow)
    residual.eliminate_zeros()
    inside = np.zeros(n + 2, np.bool_)
    inside[breadth_first_order(residual, n, return_predecessors=False)] = True
    return inside[:n], int(found.flow_value)


def counting_all(piece: Piece, capacity: Index, own: Index, others: Index) -> tuple[Side, int]:
    """Return the same where every contact costs something."""
    return by_flow(piece, np.maximum(1, capacity), own, others)


def timed(case: Case, way: Callable[..., tuple[Side, int]]) -> tuple[float, Index]:
    """Return the seconds of a cut and the sides."""
    piece = Piece(case.piece.fragments, case.piece.edges)  # that remembers nothing
    usual = mincut._source_side
    mincut._source_side = way
    try:
        start = time.perf_counter()
        side = cut(piece, case.ends)
        return time.perf_counter() - start, side
    finally:
        mincut._source_side = usual


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    given = parser.parse_args()
    with Project(given.project, writable=False) as project:
        everything = np.arange(1, project.graph.n_fragments + 1)
        edges = project.graph.edges.taken(project.graph.edges_within(everything))
    print("| fragments | edges | ours, s | all by flow, s | times as fast | all counted, s |")
    print("|---|---|---|---|---|---|")
    for words, case in cases(edges):
        ours, flow, counted = [], [], []
        for _ in range(ROUNDS):
            took, side = timed(case, mincut._source_side)
            ours.append(took)
            took, expected = timed(case, by_flow)
            flow.append(took)
            if (side != expected).any():
                raise SystemExit(f"{words}: the sides differ")
            if len(case.piece.fragments) <= MOST:
                counted.append(timed(case, counting_all)[0])
        times = median(b / a for a, b in zip(ours, flow, strict=True))
        last = f"{median(counted):.2f}" if counted else ""
        rows = f"{words} | {len(case.piece.edges.u):,} | {median(ours):.2f} | {median(flow):.2f}"
        print(f"| {rows} | {times:.1f} | {last} |", flush=True)


if __name__ == "__main__":
    main()
