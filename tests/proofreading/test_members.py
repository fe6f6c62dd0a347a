"""The fragments of every segment, through moves, against looking at all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.proofreading.tables import members as module
from napari_axonem.proofreading.tables.members import Members

FRAGMENTS = 12
moves = st.lists(
    st.dictionaries(st.integers(1, FRAGMENTS), st.integers(0, FRAGMENTS)), min_size=1, max_size=8
)


@pytest.mark.parametrize("long", [-1, 2, 100])
@given(st.lists(st.integers(0, FRAGMENTS), min_size=FRAGMENTS, max_size=FRAGMENTS), moves)
def test_lists_follow_every_move(long: int, begin: list[int], steps: list[dict[int, int]]) -> None:
    """Moves into lists that lose as well, into new ones, to background, and of nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LONG", long)
        follow(begin, steps)


def follow(begin: list[int], steps: list[dict[int, int]]) -> None:
    segment = np.array([0, *begin], np.uint32)
    members = Members(segment)
    for step in steps:
        wanted = segment.copy()
        wanted[list(step)] = list(step.values())
        moved = np.flatnonzero(wanted != segment)
        members.move(moved, wanted[moved], segment)
        segment = wanted
        for name in range(FRAGMENTS + 1):
            expected = np.flatnonzero(segment[1:] == name) + 1
            assert np.sort(members.of(np.array([name]), segment)).tolist() == expected.tolist()
