"""Graphs that are made smaller have the same cheapest cuts."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.proofreading.plans.network import Network
from napari_axonem.proofreading.plans.shrinking import known_cut, shrunk

NODES = 7

Edges = list[tuple[int, int, int]]


def network(edges: Edges, own: list[int], others: list[int], count: int) -> Network:
    u, v, capacity = (np.array(column, np.int64) for column in zip(*edges, strict=True))
    return Network.between(np.array(own), np.array(others), (u, v), capacity, count)


def least_side(edges: Edges) -> tuple[set[int], int]:
    """The nodes that are with node 0 in all cheapest cuts from node 6, from all ways to divide."""
    cuts = []
    for chosen in itertools.product([False, True], repeat=NODES - 2):
        side = {0} | {n for n, is_in in enumerate(chosen, start=1) if is_in}
        cuts.append((sum(c for u, v, c in edges if (u in side) != (v in side)), side))
    cheapest = min(cost for cost, _ in cuts)
    return set.intersection(*(side for cost, side in cuts if cost == cheapest)), cheapest


pairs = st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)).filter(
    lambda p: p[0] < p[1]
)


@given(st.dictionaries(pairs, st.integers(1, 6), min_size=4, max_size=18))
def test_the_side_is_that_of_all_ways_to_divide(capacities: dict[tuple[int, int], int]) -> None:
    edges = [(u, v, c) for (u, v), c in capacities.items()]
    whole = network(edges, [0], [NODES - 1], NODES)
    expected, cost = least_side(edges)
    for one in (whole, shrunk(whole)):
        side, found = one.source_side()
        assert (set(np.flatnonzero(side).tolist()), found) == (expected, cost)
    assert known_cut(whole) >= cost


@pytest.mark.parametrize("seed", range(5))
def test_sets_and_many_edges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, 300, (2000, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    capacity = rng.integers(1, 10, len(ends)) ** 4
    edges = [(u, v, c) for (u, v), c in zip(ends.tolist(), capacity.tolist(), strict=True)]
    whole = network(edges, [3, 5, 7], [20, 21], 300)
    small = shrunk(whole)
    assert small.count < whole.count
    side, cost = whole.source_side()
    assert (small.source_side()[0] == side).all()
    assert small.source_side()[1] == cost
    assert side[[3, 5, 7]].all()
    assert not side[[20, 21]].any()


def grid(edge: int, first: int) -> Edges:
    """A square of nodes, joined to those beside it by edges that cost more than 32 bits hold."""
    at = np.arange(first, first + edge * edge).reshape(edge, edge)
    beside = [(at[:, :-1], at[:, 1:]), (at[:-1], at[1:])]
    pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in beside])
    return [(u, v, 2**33) for u, v in pairs.tolist()]


def test_two_thick_objects_with_a_thin_bridge_are_all_but_gone() -> None:
    edges = [*grid(30, 0), *grid(30, 901), (899, 900, 3), (900, 901, 2)]
    whole = network(edges, [0], [1800], 1801)
    small = shrunk(whole)
    assert small.count <= 3
    side, cost = small.source_side()
    assert side.tolist() == [True] * 901 + [False] * 900
    assert cost == 2


def test_what_does_not_hang_together_costs_nothing_to_cut() -> None:
    apart = network([(0, 1, 5), (2, 3, 5)], [0], [3], 4)
    assert known_cut(apart) == 0
    side, cost = shrunk(apart).source_side()
    assert side.tolist() == [True, True, False, False]
    assert cost == 0


def test_costs_beyond_32_bits() -> None:
    """Three ways of one cost, next to which the fourth is nearly nothing."""
    ways = [(0, 1, 2**40), (0, 2, 2**40), (0, 3, 2**40), (1, 4, 2**40), (2, 4, 2**40), (3, 4, 7)]
    side, cost = network(ways, [0], [4], 5).source_side()
    assert cost == 2**41 + 7
    assert side[[0, 3]].all()
