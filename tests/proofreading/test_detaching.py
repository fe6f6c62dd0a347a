"""What keeps an object together once fragments are taken out, against a look at all of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.proofreading.plans.detaching import isolated
from napari_axonem.proofreading.plans.mincut import Piece, states_after
from napari_axonem.proofreading.plans.splitting import Pick
from napari_axonem.proofreading.record.operation import Point
from napari_axonem.proofreading.tables import graph
from napari_axonem.proofreading.tables.edges import Edges
from napari_axonem.proofreading.tables.graph import FragmentGraph

FRAGMENTS = 9
fragments = st.integers(1, FRAGMENTS)
contacts = st.tuples(fragments, fragments).filter(lambda pair: pair[0] < pair[1])


@pytest.mark.parametrize("large", [0, 1000])
@given(
    st.dictionaries(contacts, st.tuples(st.integers(1, 3), st.booleans()), min_size=1),
    st.sets(fragments, min_size=1, max_size=3),
)
def test_what_is_left_is_tied_by_its_largest_contacts(
    large: int, edges: dict[tuple[int, int], tuple[int, bool]], picked: set[int]
) -> None:
    """The edges that go on are those found by looking at all that is left of each object."""
    u, v = np.array(sorted(edges), np.uint32).T
    area, on = (np.array(column) for column in zip(*(edges[p] for p in sorted(edges)), strict=True))
    places = np.zeros((len(u), 3), np.int32)
    known = Edges(u, v, area, np.ones(len(u), np.float32), places, places, on)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "LARGE", large)
        patch.setattr(graph, "MANY_OF", 0.1)
        now = FragmentGraph(known, np.arange(FRAGMENTS + 1))
        segments = np.unique(now.segment[sorted(picked)]).tolist()
        if all(len(now.members(segment)) == 1 for segment in segments):
            return
        picks = [Pick(Point((0.0, 0.0, 0.0)), fragment, (0, 0, 0)) for fragment in sorted(picked)]
        states = isolated(now, picks).edges
    expected = []
    for segment in segments:
        rest = np.setdiff1d(now.members(segment), sorted(picked))
        piece = Piece(rest, now.edges.taken(now.edges_within(rest)))
        expected += states_after(piece, np.zeros(len(rest), np.bool_)).tolist()
    assert states[states[:, 2] == 1].tolist() == expected
