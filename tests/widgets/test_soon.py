"""The picture first, then what docks say of it: once a turn for all that was asked for."""

from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_axonem.geometry import Box
from napari_axonem.proofreading.plans.painting import Brush
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.workplace import Workplace

from .conftest import nm
from .hand import Hand


@pytest.fixture
def place() -> Workplace:
    return Workplace(ViewerModel())


def test_what_is_asked_for_several_times_is_done_once_in_one_turn(place: Workplace) -> None:
    turns, done = [], []
    place.later = turns.append
    one, other = (lambda: done.append(1)), (lambda: done.append(2))
    for action in (one, other, one):
        place.soon(action)
    assert place.behind
    (turn,) = turns
    turn()
    assert done == [1, 2]
    assert not place.behind
    place.soon(one)
    assert len(turns) == 2


def test_what_fails_keeps_nothing_from_being_done(place: Workplace) -> None:
    turns, done = [], []
    place.later = turns.append

    def fail() -> None:
        raise OSError("no")

    place.soon(fail)
    place.soon(lambda: done.append(1))
    with pytest.raises(OSError, match="no"):
        turns.pop(0)()
    turns.pop(0)()
    assert done == [1]
    assert not place.behind


def test_without_a_window_it_is_done_at_once(place: Workplace) -> None:
    done = []
    place.soon(lambda: done.append(1))
    assert done == [1]


def test_a_jump_shows_the_picture_before_docks_and_marks_follow(
    hand: Hand, project_path: Path
) -> None:
    session, errors = hand.session, hand.dock("Errors").view
    session.open_project(project_path)
    hand.show()
    here, overlay = session.place.sight.marks.here, session.place.sight.layers.overlay
    thumbnail = overlay.thumbnail.copy()
    session.step(1)
    current = session.review.queue.current
    assert hand.viewer.dims.point[0] == pytest.approx(current.mistake.position_nm[0])
    assert not len(here.data)
    assert errors.table.currentIndex().row() == -1
    np.testing.assert_array_equal(overlay.thumbnail, thumbnail)
    hand.show()
    np.testing.assert_allclose(here.data_to_world(here.data[0]), current.mistake.position_nm)
    assert errors.table.currentIndex().row() == 0
    assert not np.array_equal(overlay.thumbnail, thumbnail)


def test_keys_that_come_faster_than_docks_leave_them_with_the_last(
    hand: Hand, project_path: Path
) -> None:
    session, errors = hand.session, hand.dock("Errors").view
    session.open_project(project_path)
    session.step(1)
    session.step(1)
    assert session.place.behind
    hand.show()
    assert errors.table.currentIndex().row() == 1


def test_the_picture_reads_again_what_a_cut_has_written(session: Session) -> None:
    project, layers = session.project, session.place.sight.layers
    written: list[Box] = []
    project.written.connect(written.append)
    before = np.asarray(layers.segmentation.data)
    project.erase(Brush((nm(6, 14, 20),), 24.0))
    after = np.asarray(layers.segmentation.data)
    changed = np.argwhere(before != after)
    assert len(changed)
    assert not after[tuple(changed.T)].any(), "background, and nothing else is another object"
    (box,) = written
    assert (changed >= box.start).all()
    assert (changed < box.stop).all()
