"""The cut of a segment between two colours."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.errors import EditError
from napari_axonem.proofreading.plans.mincut import Piece, components_after, cut, states_after
from napari_axonem.proofreading.tables.edges import Edges


def piece(*rows: tuple[int, int, int, bool]) -> Piece:
    """Return a piece of edges (u, v, area, on); fragments are those named."""
    u, v, area, on = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    edges = Edges(
        u.astype(np.uint32),
        v.astype(np.uint32),
        area.astype(np.int64),
        np.full(n, np.nan, np.float32),
        np.zeros((n, 3), np.int32),
        np.zeros((n, 3), np.int32),
        on.astype(np.bool_),
    )
    return Piece(np.unique(np.concatenate([u, v])).astype(np.int64), edges)


def test_it_cuts_at_the_smallest_contact() -> None:
    chain = piece((1, 2, 50, True), (2, 3, 5, True), (3, 4, 50, True))
    assert cut(chain, [[1], [4]]).tolist() == [0, 0, 1, 1]
    assert states_after(chain, np.array([1, 1, 0, 0], bool)).tolist() == [[2, 3, 0]]


def test_points_of_one_colour_are_not_shaved_off() -> None:
    """Red at both ends of a chain, blue hanging off its middle by a large contact."""
    ends = (1, 2, 5, True), (2, 3, 5, True), (2, 4, 90, True)
    assert cut(piece(*ends), [[1, 3], [4]]).tolist() == [0, 0, 0, 1]


def test_points_may_be_far_apart() -> None:
    """The same with thousands of fragments between the two points, cheaper and dearer ones."""
    chain = [(n, n + 1, 1 + n % 7, True) for n in range(1, 3000)]
    whole = piece(*chain, (1500, 4000, 90, True))
    assert cut(whole, [[1, 3000], [4000]]).tolist() == [0] * 3000 + [1]


def test_a_side_that_falls_apart_is_tied_by_its_largest_contact() -> None:
    """2 joins 1 and 3; without it they hang together only by contacts that are off."""
    star = piece((1, 2, 5, True), (2, 3, 5, True), (1, 3, 9, False), (1, 4, 9, True))
    states = states_after(star, np.array([True, False, True, True]))
    assert sorted(states.tolist()) == [[1, 2, 0], [1, 3, 1], [2, 3, 0]]
    component = components_after(star, states)
    assert component[0] == component[2] == component[3] != component[1]


def test_what_is_off_and_unknown_costs_nothing() -> None:
    """Three chains in a row: a hundred contacts that are off tell nothing of the first joint."""
    chains = [(n, n + 1, 50, True) for n in range(1, 30) if n % 10]
    joints = [(10, 11, 2, True), (20, 21, 3, True)]
    off = itertools.product(range(1, 10), range(12, 21))
    whole = piece(*chains, *joints, *((u, v, 90, False) for u, v in off))
    assert cut(whole, [[1], [30]]).tolist() == [0] * 10 + [1] * 20


def test_a_fragment_of_two_colours_is_refused() -> None:
    with pytest.raises(EditError, match="two colours"):
        cut(piece((1, 2, 5, True)), [[1, 2], [2]])


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda p: p[0] < p[1]),
        st.integers(1, 9),
        min_size=5,
        max_size=15,
    )
)
def test_no_cut_is_cheaper(contacts: dict[tuple[int, int], int]) -> None:
    """Compared with every way to divide up to six fragments."""
    chain = {(i, i + 1): 1 for i in range(5)}  # so that it hangs together
    rows = [(u, v, area, True) for (u, v), area in (chain | contacts).items()]
    whole = piece(*rows)

    def cost(side: Sequence[int]) -> int:
        return sum(area for u, v, area, _ in rows if side[u] != side[v])

    found = cut(whole, [[0], [5]])
    ways = itertools.product([0, 1], repeat=4)
    assert cost(found) == min(cost([0, *way, 1]) for way in ways)


def test_three_colours_are_each_cut_off() -> None:
    """A star of three arms: the middle stays with the arm that is hardest to cut off."""
    arms = (1, 2, 5, True), (1, 3, 6, True), (1, 4, 7, True)
    assert cut(piece(*arms), [[2], [3], [4]]).tolist() == [2, 0, 1, 2]
    states = states_after(piece(*arms), cut(piece(*arms), [[2], [3], [4]]))
    assert states.tolist() == [[1, 2, 0], [1, 3, 0]]


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda p: p[0] < p[1]),
        st.integers(1, 9),
        min_size=5,
        max_size=20,
    )
)
def test_no_cut_of_three_colours_is_much_cheaper(contacts: dict[tuple[int, int], int]) -> None:
    """The bound of the method, 2 - 2/3, against every way to divide seven fragments."""
    chain = {(i, i + 1): 1 for i in range(6)}
    rows = [(u, v, area, True) for (u, v), area in (chain | contacts).items()]

    def cost(side: Sequence[int]) -> int:
        return sum(area for u, v, area, _ in rows if side[u] != side[v])

    found = cut(piece(*rows), [[0], [3], [6]])
    assert (found[0], found[3], found[6]) == (0, 1, 2)
    ways = itertools.product(range(3), repeat=4)
    best = min(cost([0, a, b, 1, c, d, 2]) for a, b, c, d in ways)
    assert cost(found) <= 4 / 3 * best
