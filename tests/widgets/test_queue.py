"""The list of errors: knowing an error again, states, order, stepping."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.geometry import Box, Grid
from napari_axonem.widgets.session.identity import NEAR_VOXELS, Identity, keys_of
from napari_axonem.widgets.session.queue import DONE, FLAGGED, OPEN, SKIPPED, ErrorQueue, Filter

GRID = Grid((30.0, 8.0, 8.0), (0.0, 100.0, 0.0))


def mistake(place: int, kind: str = "false_split", truth: int = 1, gain: float = 1.0) -> Mistake:
    position = tuple(float(v) for v in GRID.to_nm((2, 3, place)))
    box = Box((0, 0, 0), (1, 1, 1))
    return Mistake(kind, (1, 2), (truth, 9), position, 100, gain, box, ((0, 0, 0),), ((0, 0, 1),))


def queue_of(*mistakes: Mistake, stored: dict[str, str] | None = None) -> ErrorQueue:
    queue = ErrorQueue()
    queue.load(mistakes, stored or {}, GRID)
    return queue


def places(queue: ErrorQueue) -> list[int]:
    return [int(GRID.to_voxel(row.mistake.position_nm)[2]) for row in queue.listed]


@given(st.integers(0, 9), st.tuples(*[st.integers(-9, 9)] * 3), st.integers(1, 3))
def test_an_identity_is_read_back_from_its_key(truth, voxel, twin) -> None:
    identity = Identity("false_merge", truth, voxel, twin)
    assert Identity.parse(identity.key) == identity


@pytest.mark.parametrize("key", ["", "false_split", "false_split a b c d", "false_split 1 2 3"])
def test_keys_of_others_are_left_alone(key: str) -> None:
    assert Identity.parse(key) is None
    assert keys_of([mistake(5)], [key], GRID) == ["false_split 1 2 3 5"]


def test_a_contact_that_moved_a_little_is_the_same_error() -> None:
    (key,) = keys_of([mistake(10)], [], GRID)
    assert keys_of([mistake(10 + NEAR_VOXELS)], [key], GRID) == [key]
    assert keys_of([mistake(11 + NEAR_VOXELS)], [key], GRID) != [key]
    assert keys_of([mistake(10, truth=2)], [key], GRID) != [key]
    assert keys_of([mistake(10, "false_merge")], [key], GRID) != [key]


def test_a_key_is_given_once() -> None:
    (key,) = keys_of([mistake(10)], [], GRID)
    first, second = keys_of([mistake(9), mistake(11)], [key], GRID)
    assert first == key
    assert second != key
    assert keys_of([mistake(9), mistake(10)], [key], GRID)[1] == key, "the exact one is first"


@given(st.lists(st.integers(0, 4), max_size=8))
def test_keys_are_unique(spots: list[int]) -> None:
    mistakes = [mistake(spot) for spot in spots]
    known = keys_of(mistakes[::2], [], GRID)
    keys = keys_of(mistakes, known, GRID)
    assert len(set(keys)) == len(keys)


def test_states_hide_and_count() -> None:
    queue = queue_of(mistake(10), mistake(20), mistake(30, "false_merge"))
    keys = [row.key for row in queue.rows]
    queue.set_states({keys[0]: DONE, keys[2]: SKIPPED, "other": DONE})
    assert queue.counts() == {OPEN: 1, DONE: 1, SKIPPED: 1, FLAGGED: 0}
    assert places(queue) == [20]
    queue.filter = Filter(hide_done=False)
    assert places(queue) == [10, 20, 30]
    queue.filter = Filter("false_merge", hide_done=False)
    assert places(queue) == [30]


def test_what_is_left_of_an_error_far_down_the_list_takes_nobody_past_the_worse_ones() -> None:
    queue = queue_of(mistake(10), mistake(20), mistake(30), mistake(40))
    queue.select(queue.rows[0])
    repaired_in_part = [mistake(20), mistake(30), mistake(40), mistake(10)]
    queue.load(repaired_in_part, {}, GRID)
    assert queue.current is not None
    assert queue.current.number == 4
    assert queue.step(1) == queue.rows[0], "and not the end of the list"
    queue.load(repaired_in_part, {}, GRID)  # once more, as after another edit
    assert queue.step(1) == queue.rows[0]
    queue.set_states({queue.current.key: SKIPPED})
    assert queue.step(1) == queue.rows[0]
    queue.select(queue.rows[1])
    assert queue.step(1) == queue.rows[2]
    queue.load([mistake(30), mistake(20), mistake(40)], {}, GRID)  # it has moved up
    assert queue.step(1) == queue.rows[1]


def test_an_order_or_filter_chosen_by_the_user_is_gone_through_from_the_current_error() -> None:
    queue = queue_of(mistake(10), mistake(20), mistake(30, "false_merge"), mistake(40))
    queue.select(queue.rows[0])
    queue.load([mistake(20), mistake(30, "false_merge"), mistake(10), mistake(40)], {}, GRID)
    queue.filter = Filter("false_split")
    assert queue.step(1) == queue.rows[3]
    queue.filter = Filter()
    queue.set_order([row.key for row in reversed(queue.rows)])
    assert queue.step(1) == queue.rows[1]


def test_stepping_goes_through_the_list_and_ends() -> None:
    queue = queue_of(mistake(10), mistake(20))
    for place in (10, 20):
        row = queue.step(1)
        assert row is not None
        queue.select(row)
        assert int(GRID.to_voxel(row.mistake.position_nm)[2]) == place
    assert queue.step(1) is None
    assert queue.step(-1) == queue.rows[0]
    queue.select(queue.rows[0])
    assert queue.step(-1) is None


def test_after_a_repair_the_one_that_took_its_place_is_next() -> None:
    queue = queue_of(mistake(10), mistake(20), mistake(30))
    queue.select(queue.rows[1])
    queue.load([mistake(10), mistake(30)], {}, GRID)
    assert not queue.current_is_listed
    assert queue.step(1) == queue.rows[1]
    assert queue.step(-1) == queue.rows[0]
    queue.select(queue.rows[1])
    queue.load([mistake(10)], {}, GRID)
    assert queue.step(1) == queue.rows[0], "nothing follows: the nearest"


def test_the_current_error_is_found_again_with_its_new_gain() -> None:
    queue = queue_of(mistake(10), mistake(20))
    queue.select(queue.rows[1])
    better = replace(mistake(21), gain_voi=3.0, segments=(4, 5))
    queue.load([better, mistake(10)], {}, GRID)
    assert queue.current is not None
    assert queue.current.mistake == better
    assert queue.current.number == 1


def test_stepping_follows_the_order_of_the_table() -> None:
    queue = queue_of(mistake(10), mistake(20), mistake(30))
    queue.set_order([row.key for row in queue.rows][::-1])
    assert places(queue) == [30, 20, 10]
    assert queue.step(1) == queue.rows[2]


def test_an_empty_list_has_no_next() -> None:
    queue = queue_of()
    assert queue.step(1) is None
    assert queue.step(-1) is None
