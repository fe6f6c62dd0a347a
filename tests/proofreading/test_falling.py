"""What comes off a segment, against the connected components of all of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.proofreading.tables import falling, graph
from napari_axonem.proofreading.tables.edges import Edges
from napari_axonem.proofreading.tables.graph import FragmentGraph

FRAGMENTS = 14
fragments = st.integers(1, FRAGMENTS)
switches = st.tuples(st.just("edge"), st.integers(0, 10**6), st.booleans())
deletions = st.tuples(st.just("fragment"), fragments, st.booleans())


def edges_of(pairs: list[tuple[int, int]]) -> Edges:
    """Return edges that are on."""
    u, v = np.array(pairs, np.uint32).reshape(-1, 2).T
    places = np.zeros((len(u), 3), np.int32)
    ones = np.ones(len(u))
    return Edges(
        u, v, ones.astype(np.int64), ones.astype(np.float32), places, places, ones.astype(np.bool_)
    )


def chain(length: int) -> FragmentGraph:
    """Return fragments in a row, the first of which is the largest."""
    rank = np.arange(length + 1)[::-1].copy()
    return FragmentGraph(edges_of([(n, n + 1) for n in range(1, length)]), np.append(0, rank[:-1]))


@given(
    st.sets(st.tuples(fragments, fragments).filter(lambda pair: pair[0] < pair[1]), min_size=1),
    st.lists(st.integers(1, 5), min_size=FRAGMENTS, max_size=FRAGMENTS),
    st.lists(st.lists(st.one_of(switches, deletions), min_size=1, max_size=5), max_size=6),
)
def test_segments_are_those_of_a_graph_made_anew(
    pairs: set[tuple[int, int]],
    rank: list[int],
    steps: list[list[tuple[str, int, bool]]],
) -> None:
    """Edges on and off, fragments gone and back, several at a time, names included."""
    edges = edges_of(sorted(pairs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "LARGE", 0)
        patch.setattr(graph, "MANY_OF", 0.1)
        followed = FragmentGraph(edges, np.array([0, *rank]))
        for step in steps:
            states = {}
            for kind, number, state in step:
                pair = sorted(pairs)[number % len(pairs)] if kind == "edge" else (0, number)
                states[pair] = state
            rows = np.array([(u, v, int(state)) for (u, v), state in states.items()], np.int64)
            followed.apply(rows)
            anew = FragmentGraph(edges, np.array([0, *rank]), deleted=followed.deleted.copy())
            assert followed.segment.tolist() == anew.segment.tolist()
            for name in range(1, FRAGMENTS + 1):
                expected = np.flatnonzero(anew.segment == name)
                assert followed.members(name).tolist() == expected.tolist()


def test_little_is_looked_at_where_little_comes_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "LARGE", 10_000)
    long = chain(30_000)
    monkeypatch.setattr(FragmentGraph, "_components", None)  # would look at everything
    long.apply(np.array([[29_990, 29_991, 0]]))
    assert long.members(29_991).tolist() == list(range(29_991, 30_001))
    assert (long.segment[1:29_991] == 1).all()
    long.apply(np.array([[5, 6, 0]]))
    assert long.members(1).tolist() == [1, 2, 3, 4, 5]
    assert (long.segment[6:29_991] == 6).all(), "the greatest part gets a new name"


@pytest.mark.parametrize("limits", [{"MOST_ROUNDS": 5}, {}])
def test_a_search_that_takes_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(falling, name, value)
    monkeypatch.setattr(graph, "LARGE", 10_000)
    long = chain(30_000)
    seeds = np.array([15_000, 15_001])
    long.edges.on[np.array([14_999])] = False
    assert falling.fallen(long.edges, seeds, long.deleted, most=1000) is None
    long.edges.on[np.array([14_999])] = True
    long.apply(np.array([[15_000, 15_001, 0]]))
    assert len(long.members(1)) == 15_000
    assert len(long.members(15_001)) == 15_000
