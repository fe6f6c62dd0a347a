"""Long work in child processes."""

import json
import os
from pathlib import Path

import pytest
from qtpy.QtCore import QProcess

from napari_axonem.widgets.parts.child import Child

pytestmark = pytest.mark.window


class Record:
    """Remembers all that a child told."""

    def __init__(self, child: Child) -> None:
        self.progress, self.ends = [], []
        child.progressed.connect(lambda *told: self.progress.append(told))
        child.finished.connect(lambda: self.ends.append("finished"))
        child.failed.connect(lambda why: self.ends.append(why))
        child.stopped.connect(lambda: self.ends.append("stopped"))


@pytest.fixture
def child(qapp):
    child = Child()
    yield child
    child.end()


def test_commands_run_one_after_the_other(child: Child, qtbot, volumes: Path, tmp_path) -> None:
    record = Record(child)
    made = [tmp_path / "one.axonem", tmp_path / "two.axonem"]
    child.start(*(["project", "create", str(m), "--fragments", f"{volumes}:gt"] for m in made))
    with pytest.raises(RuntimeError, match="running"):
        child.start(["info"])
    qtbot.waitUntil(lambda: bool(record.ends), timeout=60_000)
    assert record.ends == ["finished"]
    assert all(m.is_dir() for m in made)
    assert all(0 <= done <= total for done, total, _ in record.progress)
    assert {doing for *_, doing in record.progress}
    assert not child.running


def test_a_failure_is_one_line_and_ends_the_row(child: Child, qtbot, tmp_path: Path) -> None:
    record = Record(child)
    bad = [
        "project",
        "create",
        str(tmp_path / "x.axonem"),
        "--fragments",
        str(tmp_path / "none.h5"),
    ]
    child.start(bad, ["phantom", str(tmp_path / "never.zarr")])
    qtbot.waitUntil(lambda: bool(record.ends), timeout=60_000)
    assert len(record.ends) == 1
    assert "none.h5" in record.ends[0]
    assert "\n" not in record.ends[0]
    assert not list(tmp_path.iterdir()), "nothing half done stays behind"


def test_stopping_tidies_up(child: Child, qtbot, tmp_path: Path) -> None:
    record = Record(child)
    child.stop()
    child.start(["phantom", str(tmp_path / "phantom.zarr")])
    qtbot.waitUntil(lambda: bool(record.progress), timeout=60_000)
    child.stop()
    qtbot.waitUntil(lambda: bool(record.ends), timeout=60_000)
    assert record.ends == ["stopped"]
    assert not (tmp_path / "phantom.zarr").exists()


def test_a_process_is_told_to_stop_once(child: Child, qtbot, monkeypatch, tmp_path: Path) -> None:
    record, signals, really = Record(child), [], os.kill
    monkeypatch.setattr(os, "kill", lambda *call: signals.append(call) or really(*call))
    child.start(["phantom", str(tmp_path / "phantom.zarr")])
    qtbot.waitUntil(lambda: bool(record.progress), timeout=60_000)
    child.stop()
    child.stop()
    qtbot.waitUntil(lambda: bool(record.ends), timeout=60_000)
    assert len(signals) == 1
    assert record.ends == ["stopped"]


def test_a_process_that_is_gone_gets_no_signal(child: Child, monkeypatch) -> None:
    signals = []
    monkeypatch.setattr(os, "kill", lambda *call: signals.append(call))
    child._process = QProcess(child)  # its id is 0, by which all processes of ours are meant
    child.stop()
    assert signals == []
    child._forget()


def test_a_program_that_cannot_be_started_is_told(child: Child, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    record = Record(child)
    child.start(["info"])
    qtbot.waitUntil(lambda: bool(record.ends), timeout=60_000)
    assert "could not be started" in record.ends[0]
    assert not child.running


def test_what_is_no_progress_is_kept_for_the_reason(child: Child) -> None:
    record = Record(child)
    child._process = QProcess(child)
    for line in (json.dumps({"done": 1, "total": 2, "doing": "x"}), "[1]", "", "napari-axonem: oh"):
        child._line(line)
    assert record.progress == [(1, 2, "x")]
    assert child._reason(2) == "oh"
    child._forget()
