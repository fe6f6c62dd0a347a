"""Events and wishes: what one process writes and others read, with all that can be torn."""

import errno
import itertools
import json
import os

import numpy as np
import pytest
from PIL import Image

from napari_axonem.errors import JobTakenError
from napari_axonem.jobs.curves import Curve, Pace
from napari_axonem.jobs.events import RESERVE_FILE, EventLog, EventReader, Kind
from napari_axonem.jobs.folder import JobFolder
from napari_axonem.jobs.watcher import KEPT, JobWatcher
from napari_axonem.watching import Wish


@pytest.fixture
def folder(tmp_path):
    return JobFolder(tmp_path)


@pytest.fixture
def watcher(folder, monkeypatch):
    monkeypatch.setattr("napari_axonem.jobs.watcher.ASK_EVERY_S", 0.0)
    return JobWatcher(folder, EventLog(folder.events))


def test_events_come_once_and_in_order(folder):
    log, reader = EventLog(folder.events), EventReader(folder.events)
    assert reader.new() == []
    log.add(Kind.LINE, text="one")
    log.add(Kind.SCALAR, name="loss", step=3, value=float("nan"))
    first, second = reader.new()
    assert (first.kind, first.values) == (Kind.LINE, {"text": "one"})
    assert second.values["name"] == "loss"
    assert np.isnan(second.values["value"])
    assert reader.new() == []
    log.add(Kind.LINE, text="two")
    assert [e.values["text"] for e in reader.new()] == ["two"]


def test_the_beginning_of_a_line_is_left_for_later(folder):
    log, reader = EventLog(folder.events), EventReader(folder.events)
    log.add(Kind.LINE, text="whole")
    line = json.dumps({"time": 1, "kind": "line", "text": "late"}).encode() + b"\n"
    for cut in range(1, len(line)):
        with folder.events.open("ab") as file:
            file.write(line[:cut])
        assert [e.values["text"] for e in reader.new()] == (["whole"] if cut == 1 else [])
        folder.events.write_bytes(folder.events.read_bytes()[:-cut])
    with folder.events.open("ab") as file:
        file.write(line)
    assert [e.values["text"] for e in reader.new()] == ["late"]
    assert reader.damaged == 0


def test_damaged_lines_are_passed_over_and_counted(folder):
    log = EventLog(folder.events)
    log.add(Kind.LINE, text="before")
    with folder.events.open("ab") as file:
        file.write(b"\x00\xff\xfe\n[1, 2]\n{}\n" + b'{"time": 1, "kind": "unheard of"}\n')
        file.write(b'{"time": 2, "kind": "li')  # a process was killed here
    EventLog(folder.events).add(Kind.LINE, text="after")
    reader = EventReader(folder.events)
    assert [e.values["text"] for e in reader.new()] == ["before", "after"]
    assert reader.damaged == 5


def test_a_log_of_days_is_read_in_parts(folder, monkeypatch):
    log = EventLog(folder.events)
    for number in range(100):
        log.add(Kind.LINE, text=str(number))
    monkeypatch.setattr("napari_axonem.jobs.events.AT_ONCE", 1000)
    reader = EventReader(folder.events)
    parts = []
    while reader.has_more:
        parts.append([int(e.values["text"]) for e in reader.new()])
    assert len(parts) > 3
    assert list(itertools.chain(*parts)) == list(range(100))


def test_a_full_disk_drops_events_and_no_work(folder, monkeypatch):
    real = os.write
    room = 150

    def write(descriptor, data):
        nonlocal room
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(descriptor, data[:room])
        room -= written
        return written

    with EventLog(folder.events) as log:
        monkeypatch.setattr(os, "write", write)
        took = [log.add(Kind.LINE, text=str(number)) for number in range(10)]
        assert took[0]
        assert not took[-1]
        assert log.dropped == took.count(False)
        assert folder.events.stat().st_size == 150
        assert folder.root.joinpath(RESERVE_FILE).exists()
        unlink = type(folder.root).unlink

        def freed(path, **options):
            nonlocal room
            room = 10_000 if path.name == RESERVE_FILE and path.exists() else room
            unlink(path, **options)

        monkeypatch.setattr(type(folder.root), "unlink", freed)
        assert log.add(Kind.ENDED, how="failed", text="disk full")
    reader = EventReader(folder.events)
    events = reader.new()
    assert events[-1].values == {"how": "failed", "text": "disk full"}
    assert len(events) == took.count(True) + 1
    assert reader.damaged == 1  # what fitted of the line that did not


def test_progress_is_thinned_but_ends_are_told(folder, watcher):
    for done in range(1001):
        watcher.progress(done, 1000, "reading")
    watcher.progress(0, 5, "writing")
    told = [e.values for e in EventReader(folder.events).new() if e.kind is Kind.PROGRESS]
    assert told[0] == {"done": 0, "total": 1000, "doing": "reading"}
    assert told[-2] == {"done": 1000, "total": 1000, "doing": "reading"}
    assert told[-1] == {"done": 0, "total": 5, "doing": "writing"}
    assert len(told) < 500


def test_pictures_lie_beside_and_old_ones_go(folder, watcher):
    colours = np.zeros((4, 6, 3), np.uint8)
    colours[1, 2] = 9, 8, 7
    watcher.picture("examples/1 a", 3, colours)
    (event,) = EventReader(folder.events).new()
    assert (event.values["name"], event.values["step"]) == ("examples/1 a", 3)
    with Image.open(folder.pictures / event.values["file"]) as image:
        np.testing.assert_array_equal(np.asarray(image), colours)
    for step in range(4, 30):
        watcher.picture("examples/1 a", step, colours[..., 0])
        watcher.picture("examples", step, colours[..., 0])
    assert len(list(folder.pictures.iterdir())) == 2 * KEPT
    assert sorted(folder.pictures.glob("examples-0*"))[-1].name == "examples-000000029.png"


def test_wishes_reach_the_work(folder, watcher):
    assert watcher.wish() is Wish.GO_ON
    folder.wish(Wish.PAUSE)
    assert [watcher.wish(), watcher.wish()] == [Wish.PAUSE, Wish.PAUSE]
    folder.wish(Wish.GO_ON)
    assert watcher.wish() is Wish.GO_ON
    folder.wish(Wish.CHECKPOINT)
    assert [watcher.wish() for _ in range(3)] == [Wish.CHECKPOINT, Wish.GO_ON, Wish.GO_ON]
    folder.wish(Wish.CHECKPOINT)
    assert watcher.wish() is Wish.CHECKPOINT
    folder.wish(Wish.STOP)
    assert watcher.wish() is Wish.STOP
    kinds = [e.kind for e in EventReader(folder.events).new()]
    assert kinds == [Kind.PAUSED, Kind.GOING_ON]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"wish": "fly", "number": 1}', '{"wish": "stop"}']
)
def test_a_damaged_wish_is_none(folder, text):
    folder.wish_file.write_text(text)
    assert folder.wished().wish is Wish.GO_ON
    folder.wish(Wish.STOP)
    assert folder.wished().wish is Wish.STOP


def test_one_process_holds_a_job(folder, monkeypatch):
    monkeypatch.setattr("napari_axonem.jobs.folder.PATIENCE_S", 0)
    assert not folder.is_held()
    with folder.held():
        assert folder.is_held()
        with pytest.raises(JobTakenError), folder.held():
            pass
        assert folder.is_held()
    assert not folder.is_held()


def test_a_curve_forgets_what_is_done_again():
    curve = Curve()
    for step in (1, 10, 20, 30, 20, 25):
        curve.add(step, step / 10)
    assert curve.steps == [1, 10, 20, 25]
    assert curve.values == [0.1, 1, 2, 2.5]


def test_speed_is_that_of_the_last_minute():
    pace = Pace()
    assert pace.speed is None
    for second in range(100):
        pace.take(second, second, "slowly")
    for second in range(100, 200):
        pace.take(second, 100 + 5 * (second - 100), "slowly")
    assert pace.speed == pytest.approx(5)
    pace.take(200, 3, "again")
    assert pace.speed is None
