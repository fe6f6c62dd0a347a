"""Snapshots and backups: what is kept besides the log, and what happens when it is damaged."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from napari_axonem.cli.main import main
from napari_axonem.errors import AxonemError, StorageError
from napari_axonem.proofreading import keeper
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record import backups
from napari_axonem.proofreading.record.backups import copies, copy_database
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.tables import state
from napari_axonem.proofreading.tables.snapshots import newest, saved_in
from napari_axonem.proofreading.verification import verify_project

from .conftest import Maker, centre

Labels = npt.NDArray[np.uint32]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a snapshot after every third operation and a backup after every second."""
    monkeypatch.setattr(keeper, "SNAPSHOT_EVERY", 3)
    monkeypatch.setattr(backups, "EVERY_OPERATIONS", 2)


def edit(path: Path, bars: Labels) -> Labels:
    """Do eight edits, one of them through a fragment; return the segments."""
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        project.merge([centre(bars, 2), centre(bars, 3)])
        project.split(project.plan_split([(60.0, 20.0, 40.0)], [(60.0, 50.0, 40.0)]))
        project.undo()
        project.merge([centre(bars, 4), centre(bars, 3)])
        project.delete([centre(bars, 6)])
        project.undo()
        project.redo()
        return project.segment.copy()


def test_opening_from_a_snapshot_equals_replaying(
    make_project: Maker, bars: Labels, often: None
) -> None:
    path = make_project(fragments=bars, truth=np.ones_like(bars))
    expected = edit(path, bars)
    for broken in range(3):
        saved = saved_in(path / "snapshots")
        assert len(saved) == 2
        for snapshot in saved[:broken]:
            snapshot.write_bytes(snapshot.read_bytes()[:-400])
        with Project(path, writable=False) as project:
            assert project.state.replayed == (2, 5, 8)[broken]
            np.testing.assert_array_equal(project.segment, expected)
            assert verify_project(project) == []


def test_what_is_long_to_replay_is_worth_a_snapshot_at_once(
    make_project: Maker, bars: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "EDGES_AS_ONE", 1)
    monkeypatch.setattr(keeper, "SNAPSHOT_EVERY", 4)
    path = make_project(fragments=bars, truth=np.ones_like(bars))
    with Project(path) as project:
        for pair in ((1, 2), (2, 3), (4, 5)):
            project.merge([centre(bars, one) for one in pair])
    with Project(path, writable=False) as project:
        before = project.state.replayed
    with Project(path) as project:
        project.go_to(0)  # switches all their edges
    with Project(path, writable=False) as project:
        assert project.state.replayed == 0 < before
        assert verify_project(project) == []


def test_a_snapshot_of_another_log_is_passed_over(
    make_project: Maker, bars: Labels, often: None
) -> None:
    path = make_project(fragments=bars)
    empty = (path / "project.db").read_bytes()
    edit(path, bars[:])
    (path / "project.db").write_bytes(empty)
    with Project(path, writable=False) as project:
        assert len(project.operations) == 0
        np.testing.assert_array_equal(project.segment, np.arange(7))


def test_a_changed_row_of_the_log_is_found(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=bars)
    edit(path, bars)
    database = sqlite3.connect(path / "project.db")
    database.execute("UPDATE operations SET user = 'somebody else' WHERE id = 3")
    database.commit()
    database.close()
    with Project(path) as project:
        assert any("operation 3" in said for said in verify_project(project))


def test_the_newest_whole_backup_takes_the_place_of_a_damaged_database(
    make_project: Maker, bars: Labels, often: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_project(fragments=bars)
    expected = edit(path, bars)
    assert 1 < len(copies(Project(path, writable=False).folder)) <= backups.KEPT
    copies(Project(path, writable=False).folder)[0].write_bytes(b"damaged as well")
    with Project(path) as project:
        project.mark("something new")
    (path / "project.db").write_bytes(b"not what it was" * 1000)
    with pytest.raises(StorageError, match="project restore"):
        Project(path)
    assert main(["project", "restore", str(path), "--json"]) == 0
    assert '"operations": 9' in capsys.readouterr().out
    with Project(path) as project:
        np.testing.assert_array_equal(project.segment, expected)
        assert verify_project(project) == []
    assert len(list(path.glob("project-*.db.damaged"))) == 1


def test_a_damaged_database_takes_the_place_of_no_copy(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=bars)
    edit(path, bars)
    folder = Folder(path)
    whole = copies(folder)
    content = bytearray(folder.database.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 64] = b"not what it was " * 4
    folder.database.write_bytes(content)
    with pytest.raises(sqlite3.DatabaseError):
        copy_database(folder, 9)
    assert copies(folder) == whole
    assert [path.name for path in folder.backups.glob(".*")] == []


def test_a_database_that_is_gone_is_not_made_anew(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=bars)
    edit(path, bars)
    folder = Folder(path)
    whole = copies(folder)
    folder.database.unlink()
    with pytest.raises(sqlite3.OperationalError):
        copy_database(folder, 9)
    assert not folder.database.exists()
    assert copies(folder) == whole


def test_a_copy_that_failed_is_made_when_the_project_is_closed(
    make_project: Maker, bars: Labels, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_project(fragments=bars)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        with monkeypatch.context() as patched:
            patched.setattr(backups, "copy_database", refuse)
            project.merge([centre(bars, 2), centre(bars, 3)])
            kept = project.keeper._backups
            assert kept is not None
            assert kept._thread is not None
            kept._thread.join()
        assert len(copies(project.folder)) == 1  # that of the beginning
    assert len(copies(Folder(path))) == 2


def test_looking_whether_copies_are_whole_leaves_nothing(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=bars)
    edit(path, bars)
    before = sorted((path / "backups").iterdir())
    assert all(backups.is_whole(copy) for copy in copies(Folder(path)))
    assert sorted((path / "backups").iterdir()) == before


@pytest.mark.parametrize("seed", range(3))
def test_a_snapshot_with_any_bit_flipped_is_passed_over_or_right(
    make_project: Maker, bars: Labels, often: None, seed: int
) -> None:
    path = make_project(fragments=bars)
    expected = edit(path, bars)
    saved = saved_in(path / "snapshots")[0]
    content, random = saved.read_bytes(), np.random.default_rng(seed)
    with closing(Log(path / "project.db", writable=False)) as log:
        for place in random.choice(len(content), 400, replace=False).tolist():
            flipped = bytearray(content)
            flipped[place] ^= 1 << int(random.integers(8))
            saved.write_bytes(flipped)
            snapshot = newest(path / "snapshots", log)
            if snapshot is not None and snapshot.operation == 6:
                np.testing.assert_array_equal(snapshot.segment.shape, expected.shape)


@pytest.mark.parametrize("lost", [False, True])
def test_a_project_that_was_never_edited_is_sound_and_comes_back(
    make_project: Maker, bars: Labels, capsys: pytest.CaptureFixture[str], lost: bool
) -> None:
    path = make_project(fragments=bars, truth=np.ones_like(bars))
    assert main(["project", "verify", str(path)]) == 0
    assert "agree" in capsys.readouterr().out
    if lost:
        (path / "project.db").unlink()
    else:
        (path / "project.db").write_bytes(b"not what it was" * 1000)
    assert main(["project", "restore", str(path)]) == 0
    assert main(["project", "verify", str(path)]) == 0
    with Project(path) as project:
        assert len(project.operations) == 0
        assert len(copies(project.folder)) == 1  # that of the making serves
        project.merge([centre(bars, 1), centre(bars, 2)])
        assert verify_project(project) == []


def test_without_a_backup_restoring_says_so(
    make_project: Maker, bars: Labels, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_project(fragments=bars)
    shutil.rmtree(path / "backups")
    assert main(["project", "restore", str(path)]) == 2
    assert "no whole copy" in capsys.readouterr().err


def test_a_disk_that_fills_up_loses_no_confirmed_edit(make_project: Maker, bars: Labels) -> None:
    """A limit on the size of files stands for the full disk; SQLite and zarr meet it alike."""
    resource = pytest.importorskip("resource", reason="this system has no limits on files")
    path = make_project(fragments=bars, truth=np.ones_like(bars))
    confirmed, refusals = 0, list[str]()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in range(0, 60_000, 4_000):
        with Project(path) as project:
            sizes = [file.stat().st_size for file in path.glob("project.db*")]
            resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes) + room, usual[1]))
            try:
                for step in range(40):
                    pair = [centre(bars, 1 + step % 2), centre(bars, 2 + step % 2)]
                    done = project.undo() if step % 2 else project.merge(pair)
                    confirmed = done.id
            except AxonemError as error:
                refusals.append(str(error))
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        with Project(path) as again:
            assert len(again.operations) >= confirmed
            assert verify_project(again) == []
            if again.history.can_undo:
                again.undo()
    assert len(refusals) > 3
    assert all("free some disk space" in refusal for refusal in refusals)
    assert confirmed > 20
