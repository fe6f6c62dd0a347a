"""The echo: a second record of every change, whatever ends it."""

import errno
import os
import sqlite3
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_axonem.errors import StorageError
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record import backups
from napari_axonem.proofreading.record import echo as echo_module
from napari_axonem.proofreading.record.backups import copies
from napari_axonem.proofreading.record.echo import Echo, files, records_after, remove_before
from napari_axonem.proofreading.record.folder import Folder, next_stamp
from napari_axonem.proofreading.record.marks import new_mark
from napari_axonem.proofreading.restoring import restore
from napari_axonem.proofreading.tables.sources import Sources
from napari_axonem.proofreading.verification import verify_project

from .conftest import Maker, centre
from .losing import Labels, PowerCutError, cut, damage, make_copy, rows, voxels

pytestmark = pytest.mark.usefixtures("only_the_first_copy")


@pytest.fixture
def path(make_project: Maker, bars: Labels) -> Path:
    return make_project(fragments=bars, truth=np.ones_like(bars))


def test_a_torn_record_ends_the_replay(path: Path, bars: Labels) -> None:
    with Project(path) as project:
        for pair in ((1, 2), (2, 3), (4, 5)):
            project.merge([centre(bars, fragment) for fragment in pair])
    (segment,) = files(Folder(path).backups)
    segment.write_bytes(segment.read_bytes()[:-5])
    damage(path)
    assert restore(Folder(path)).operations == 2
    with Project(path) as project:
        assert verify_project(project) == []
        assert len(set(project.segment[[1, 2, 3]].tolist())) == 1
        project.merge([centre(bars, 4), centre(bars, 5)])
    damage(path)
    assert restore(Folder(path)).operations == 3


@pytest.mark.parametrize("seed", range(20))
def test_of_a_damaged_record_everything_before_it_counts(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    echo, start = Echo(tmp_path), new_mark()
    marks, ends = [start], list[int]()
    for number in range(5):
        marks.append(new_mark())
        echo.add(
            marks[-2], marks[-1], [("A", (number, b"\0" * number, None, "ä", 0.5))], sync=False
        )
        ends.append(files(tmp_path)[0].stat().st_size)
    echo.close()
    content = bytearray(files(tmp_path)[0].read_bytes())
    place = int(random.integers(len(content)))
    whole = sum(end <= place for end in ends)
    if seed % 2:
        del content[place:]
    else:
        content[place] ^= 1 << int(random.integers(8))
    files(tmp_path)[0].write_bytes(content)
    found = records_after(tmp_path, start)
    assert [record.mark for record in found] == marks[1 : whole + 1]
    assert [record.changes()[0][1] for record in found] == [
        (number, b"\0" * number, None, "ä", 0.5) for number in range(whole)
    ]


def test_what_was_never_committed_is_not_gone_on_from(
    path: Path, bars: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends between the echo and the database; the next one works on."""
    add = Echo.add

    def last(*given: Any, **named: Any) -> None:
        add(*given, **named)
        raise PowerCutError

    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        with monkeypatch.context() as patched:
            patched.setattr(Echo, "add", last)
            patched.setattr(Echo, "take_back", lambda *_: None)
            with pytest.raises(PowerCutError):
                project.merge([centre(bars, 4), centre(bars, 5)])
    with Project(path) as project:
        assert len(project.operations) == 1
        project.merge([centre(bars, 2), centre(bars, 3)])
    expected = rows(path)
    assert len(copies(Folder(path))) == 1
    damage(path)
    assert restore(Folder(path)).operations == 2
    assert rows(path) == expected


def test_what_the_database_refused_is_taken_back(
    path: Path, bars: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        connection = project.log._connection

        class Refusing:
            """The connection, to a disk that fills up with the commit."""

            def __getattr__(self, name: str) -> Any:
                return getattr(connection, name)

            def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
                if statement == "COMMIT":
                    raise sqlite3.OperationalError("database or disk is full")
                return connection.execute(statement, *values)

        with monkeypatch.context() as patched:
            patched.setattr(project.log, "_connection", Refusing())
            with pytest.raises(StorageError, match="disk is full"):
                project.merge([centre(bars, 4), centre(bars, 5)])
    expected = rows(path)
    damage(path)
    assert restore(Folder(path)).operations == 1
    assert rows(path) == expected


def test_an_echo_without_its_end_gets_a_copy_to_go_on_from(path: Path, bars: Labels) -> None:
    """A power cut takes what only the system had; the database waits for the disk."""
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        project.merge([centre(bars, 2), centre(bars, 3)])
    (segment,) = files(Folder(path).backups)
    segment.write_bytes(segment.read_bytes()[:-5])
    with Project(path, writable=False) as looked_at:
        (found,) = verify_project(looked_at)
    assert "do not make up the database" in found
    with Project(path) as project:
        assert len(copies(Folder(path))) == 2
        assert verify_project(project) == []
        project.merge([centre(bars, 4), centre(bars, 5)])
    expected = rows(path)
    damage(path)
    done = restore(Folder(path))
    assert (done.copied, done.operations) == (2, 3)
    assert rows(path) == expected


def test_what_is_older_than_all_copies_is_removed(path: Path, bars: Labels) -> None:
    with Project(path) as project:
        for step in range(3 * backups.KEPT):
            project.mark(str(step))
            make_copy(project)
            assert len(files(project.folder.backups)) <= backups.KEPT + 2
        project.mark("newest")
        oldest = copies(project.folder)[-1]
    expected = rows(path)
    for copy in copies(Folder(path))[:-1]:
        copy.unlink()
    damage(path)
    assert restore(Folder(path)).copy == oldest
    assert rows(path) == expected


def test_an_echo_that_fails_fails_no_edit(
    path: Path, bars: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        with monkeypatch.context() as patched:
            patched.setattr(echo_module, "_write", refuse)
            assert not project.trouble
            cut(project)
            assert "backups" in project.trouble
        project.mark("a change that follows no record")
        assert len(copies(project.folder)) == 1
        monkeypatch.setattr(backups, "PATIENCE_SECONDS", 0)
        project.merge([centre(bars, 4), centre(bars, 5)])
        kept = project.keeper._backups
        assert kept is not None
        assert kept._thread is not None
        kept._thread.join()
        assert not project.trouble, "a copy has all"
        assert len(copies(project.folder)) == 2
        project.merge([centre(bars, 5), centre(bars, 6)])
        assert len(copies(project.folder)) == 2
    expected = rows(path)
    damage(path)
    done = restore(Folder(path))
    assert (done.copied, done.operations) == (4, 5)
    assert rows(path) == expected


def test_half_a_record_hides_none_that_comes_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that is being made meanwhile may have the change, and is gone on from."""

    def half(file: int, content: bytes) -> None:
        os.write(file, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    echo, marks = Echo(tmp_path), [new_mark() for _ in range(4)]
    with monkeypatch.context() as patched:
        patched.setattr(echo_module, "_write", half)
        echo.add(marks[0], marks[1], [("A", ())], sync=False)
    for before, mark in pairwise(marks[1:]):
        echo.add(before, mark, [("B", ())], sync=True)
    echo.close()
    assert echo.failures == 1
    assert records_after(tmp_path, marks[0]) == []
    assert [record.mark for record in records_after(tmp_path, marks[1])] == marks[2:]


def test_a_file_that_may_have_gone_on_after_the_oldest_copy_stays(tmp_path: Path) -> None:
    times = [f"20260101T0000000000{number:02}" for number in range(5)]
    for number in (0, 1, 3):
        (tmp_path / f"{times[number]}.echo").touch()
    remove_before(tmp_path, tmp_path / f"{times[2]}-7.db")
    assert [file.stem for file in files(tmp_path)] == [times[1], times[3]]
    remove_before(tmp_path, tmp_path / f"{times[4]}-9.db")
    assert [file.stem for file in files(tmp_path)] == [times[3]]


def test_a_record_of_a_cut_is_on_disk_before_its_voxels(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could leave voxels of a fragment that no record knows."""
    flushed: set[tuple[int, int]] = set()
    sync, write = os.fsync, Sources.write_children

    def watched(file: int) -> None:
        sync(file)
        flushed.add((os.fstat(file).st_ino, os.fstat(file).st_size))

    def checked(self: Sources, refinements: Any) -> None:
        (segment,) = files(Folder(path).backups)
        for file in (segment, Folder(path).highest):
            assert (file.stat().st_ino, file.stat().st_size) in flushed
        write(self, refinements)

    monkeypatch.setattr(os, "fsync", watched)
    monkeypatch.setattr(Sources, "write_children", checked)
    with Project(path) as project:
        project.mark("a")
        assert not {inode for inode, _ in flushed} & {
            file.stat().st_ino for file in files(project.folder.backups)
        }
        cut(project)
    assert voxels(path).max() == 7


def test_a_record_can_reach_no_other_file(path: Path, tmp_path: Path, bars: Labels) -> None:
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        before, mark = project.log.mark(), new_mark()
    assert before is not None
    elsewhere = tmp_path / "elsewhere.db"
    for statement in (f"ATTACH '{elsewhere}' AS other", f"VACUUM INTO '{elsewhere}'"):
        echo = Echo(Folder(path).backups)
        echo.add(before, mark, [(statement, ())], sync=False)
        echo.close()
        damage(path)
        assert restore(Folder(path)).operations == 1
        assert not elsewhere.exists()


def test_names_rise_though_the_clock_was_set_back(tmp_path: Path) -> None:
    (tmp_path / "29990101T000000000000-3.db").touch()
    assert next_stamp(tmp_path) == "29990101T000000000001"
    (tmp_path / "29990101T000000000001.echo").touch()
    (tmp_path / ".hidden").touch()
    assert next_stamp(tmp_path) == "29990101T000000000002"
