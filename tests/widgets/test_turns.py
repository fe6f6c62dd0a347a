"""Opening and closing in turns: what comes when, without threads and without a window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from napari.components import ViewerModel

from napari_axonem.errors import EditError, ProjectError, ProjectLockedError, StorageError
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.turns import Steps, Turns
from napari_axonem.widgets.session.workplace import Workplace


class Loop:
    """An event loop that turns when it is told to."""

    def __init__(self, place: Workplace) -> None:
        self.waiting = []
        self.work = []
        place.later = self.waiting.append
        place.compute = lambda work, done: self.work.append((work, done))

    def turn(self) -> None:
        self.waiting.pop(0)()

    def turn_on(self) -> int:
        """Turn until nothing waits; return how many turns that took."""
        turns = 0
        while self.waiting:
            self.turn()
            turns += 1
        return turns

    def come_back(self) -> None:
        """Let a thread end."""
        work, done = self.work.pop(0)
        work()
        done()


def steps(done: list[str], *names: str) -> Steps:
    for name in names:
        done.append(name)
        yield


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(ViewerModel())
    yield session
    session.end()


@pytest.fixture
def loop(session: Session) -> Loop:
    return Loop(session.place)


def test_one_step_a_turn() -> None:
    place, done = Workplace(ViewerModel()), []
    loop, turns = Loop(place), Turns(place)
    turns.begin(steps(done, "a", "b"))
    assert done == []
    loop.turn()
    assert done == ["a"]
    turns.begin(steps(done, "c", "d"))
    assert done == ["a", "b"], "what was begun before is finished first"
    loop.turn_on()
    assert done == ["a", "b", "c", "d"]
    turns.begin(steps(done, "e", "f"))
    turns.at_once(steps(done, "g"))
    assert done[-3:] == ["e", "f", "g"]
    turns.begin(steps(done, "h"))
    turns.drop()
    loop.turn_on()
    assert done[-1] == "g"


def test_without_an_event_loop_all_is_done_at_once() -> None:
    done: list[str] = []
    Turns(Workplace(ViewerModel())).begin(steps(done, "a", "b", "c"))
    assert done == ["a", "b", "c"]


def test_a_project_comes_and_goes_in_turns(
    session: Session, loop: Loop, project_path: Path
) -> None:
    changes, refused = [], []
    session.project_changed.connect(lambda: changes.append(session.project))
    session.open_soon(project_path, refused.append)
    with pytest.raises(EditError, match="being opened"):
        session.open_soon(project_path, refused.append)
    with pytest.raises(EditError, match="being opened"):
        session.open_project(project_path)
    assert loop.waiting == [], "nothing is done here while it is read"
    loop.come_back()
    assert session.project is None
    assert loop.turn_on() > len(session.place.sight.layers.all), "a turn for each layer"
    project = session.project
    assert changes == [project]
    assert len(session.review.queue.rows) == 2
    session.close_soon()
    assert changes == [project]
    loop.turn_on()
    assert changes == [project, None]
    assert session.place.sight.all_layers == ()
    assert refused == []
    Project(project_path).close()


def test_a_project_is_closed_when_nothing_shows_it_any_more(
    session: Session, loop: Loop, project_path: Path
) -> None:
    session.open_project(project_path)
    loop.turn_on()
    project, known = session.project, []
    session.project_changed.connect(lambda: known.append(len(project.log.operations())))
    session.close_soon()
    loop.turn_on()
    assert known == [0], "who is told could still look"
    with pytest.raises(StorageError):
        project.log.operations()


def test_the_open_project_is_opened_again_in_turns(
    session: Session, loop: Loop, project_path: Path
) -> None:
    session.open_project(project_path)
    loop.turn_on()
    before, layers = session.project, len(session.place.sight.layers.all)
    session.open_soon(project_path, pytest.fail)
    assert session.project is before, "nothing goes before the window has its turn"
    with pytest.raises(EditError, match="being opened"):
        session.open_soon(project_path, pytest.fail)
    assert loop.work == [], "it is read when it was let go of"
    assert loop.turn_on() > layers
    assert session.project is None
    loop.come_back()
    loop.turn_on()
    assert session.project not in (None, before)
    assert session.project.writable


@pytest.mark.parametrize("turns", [0, 1, 4])
def test_a_window_closed_while_it_opens_the_same_again(
    session: Session, loop: Loop, project_path: Path, turns: int
) -> None:
    session.open_project(project_path)
    session.open_soon(project_path, pytest.fail)
    for _ in range(turns):
        loop.turn()
    session.release()
    assert loop.work == []
    Project(project_path).close()


def test_without_an_event_loop_things_wait_for_each_other() -> None:
    place, done = Workplace(ViewerModel()), []

    def count() -> None:
        done.append(len(done))
        if len(done) < 5000:
            place.later(count)

    place.later(count)
    assert len(done) == 5000


def test_what_cannot_be_opened_is_told(session: Session, loop: Loop, tmp_path, project_path):
    refused: list[Exception] = []
    session.open_soon(tmp_path, refused.append)
    loop.come_back()
    assert isinstance(refused.pop(), ProjectError)
    with Project(project_path):
        session.open_soon(project_path, refused.append)
        loop.come_back()
        assert isinstance(refused.pop(), ProjectLockedError)
        session.open_soon(project_path, refused.append, writable=False)
        loop.come_back()
    loop.turn_on()
    assert not session.project.writable


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_a_window_closed_meanwhile_lets_others_write(
    session: Session, loop: Loop, project_path: Path, turns: int
) -> None:
    session.open_soon(project_path, pytest.fail)
    loop.come_back()
    for _ in range(turns):
        loop.turn()
    session.release()
    Project(project_path).close()


def test_a_window_closed_while_it_is_read_lets_others_write(
    session: Session, loop: Loop, project_path: Path
) -> None:
    session.open_soon(project_path, pytest.fail)
    session.release()
    loop.come_back()
    Project(project_path).close()


def test_opening_at_once_waits_for_nothing(
    session: Session, loop: Loop, project_path: Path
) -> None:
    session.open_project(project_path)
    session.close_soon()
    loop.turn()
    session.open_project(project_path)
    assert session.project is not None
    assert len(session.review.queue.rows) == 2
