"""Whatever happens to the database, what was confirmed comes back."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_axonem.cli.main import main
from napari_axonem.errors import AxonemError, EditError, ProjectError, StorageError
from napari_axonem.proofreading import restoring
from napari_axonem.proofreading.plans.painting import Brush
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record import highest
from napari_axonem.proofreading.record.backups import copies
from napari_axonem.proofreading.record.echo import files
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.restoring import restore
from napari_axonem.proofreading.states import ObjectState
from napari_axonem.proofreading.tables.sources import Sources
from napari_axonem.proofreading.verification import verify_project

from .conftest import Maker, centre
from .losing import (
    TABLES,
    Labels,
    PowerCutError,
    cut,
    damage,
    edit,
    forget_the_echo,
    make_copy,
    make_old,
    rows,
    voxels,
)

pytestmark = pytest.mark.usefixtures("only_the_first_copy")


@pytest.fixture
def path(make_project: Maker, bars: Labels) -> Path:
    return make_project(fragments=bars, truth=np.ones_like(bars))


def test_everything_since_the_copy_comes_back(
    path: Path, bars: Labels, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project(path) as project:
        edit(project, bars)
    expected, cut_voxels = rows(path), voxels(path)
    assert set(expected) == set(TABLES) - {"object_checks"}
    (copy,) = copies(Folder(path))
    damage(path)
    with pytest.raises(StorageError, match="project restore"):
        Project(path)
    assert main(["project", "restore", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["copy"]) == copy
    assert (told["operations"], told["operations_after_copy"]) == (6, 6)
    assert told["changes_after_copy"] == 6 + 1 + 3 + 2  # with the voxels written, and the states
    assert Path(told["damaged"]).read_bytes().startswith(b"not what it was")
    assert rows(path) == expected
    with Project(path) as project:
        assert verify_project(project) == []
        np.testing.assert_array_equal(voxels(path), cut_voxels)
        cut(project, x=100.0)
        assert project.log.refinements()[-1].id == 2
        assert voxels(path).max() == 8
        assert verify_project(project) == []


def test_the_text_says_what_came_back(
    path: Path, bars: Labels, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
    (path / "project.db").unlink()
    assert main(["project", "restore", str(path)]) == 0
    said = capsys.readouterr().out
    (copy,) = copies(Folder(path))
    assert said == (
        f"{path / 'project.db'} was made anew with 1 operation, 0 from the copy {copy.name} and 1 "
        "from the 1 change recorded after it\n"
    )


def test_the_text_says_where_the_old_file_is(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(path)
    assert main(["project", "restore", str(path)]) == 0
    said = capsys.readouterr().out
    assert "was made anew with 0 operations, all from the copy" in said
    assert "after which nothing was recorded; the old file is kept as project-" in said


@pytest.mark.parametrize("rest", [b"not what it was" * 1000, b""])
def test_of_a_damaged_database_nothing_but_restoring_is_advised(path: Path, rest: bytes) -> None:
    (path / "project.db").write_bytes(rest)
    with pytest.raises(StorageError, match="'napari-axonem project restore' makes it") as caught:
        Project(path, writable=False)
    assert "disk" not in str(caught.value)
    restore(Folder(path))
    with Project(path) as project:
        assert verify_project(project) == []


def test_where_the_database_is_gone_its_copies_are_named(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path / "project.db").unlink()
    for writable in (False, True):
        with pytest.raises(ProjectError, match=r"project.db is gone.*project restore"):
            Project(path, writable=writable)
    shutil.rmtree(path / "backups")
    with pytest.raises(ProjectError, match="no copy of it"):
        Project(path)
    none = tmp_path / "none.axonem"
    none.mkdir()
    for verb in ("info", "restore"):
        for wrong in (none, tmp_path / "nothere.axonem"):
            assert main(["project", verb, str(wrong)]) == 2
            assert "this is no project" in capsys.readouterr().err
    assert list(none.iterdir()) == []


def test_voxels_that_the_echo_knows_as_unwritten_are_written(
    path: Path, bars: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise PowerCutError

    with Project(path) as project, monkeypatch.context() as patched:
        patched.setattr(Sources, "write_children", stop)
        with pytest.raises(PowerCutError):
            cut(project)
    damage(path)
    assert restore(Folder(path)).operations == 1
    with Project(path) as project:
        assert voxels(path).max() == 7
        assert verify_project(project) == []


def test_an_older_copy_serves_where_the_newest_is_not_whole(path: Path, bars: Labels) -> None:
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        cut(project)
        newest = make_copy(project)
        project.merge([centre(bars, 4), centre(bars, 5)])
    expected = rows(path)
    assert len(files(Folder(path).backups)) == 2
    newest.write_bytes(newest.read_bytes()[:-5000])
    damage(path)
    done = restore(Folder(path))
    assert done.copy != newest
    assert (done.copied, done.operations) == (0, 3)
    assert rows(path) == expected
    assert newest not in copies(Folder(path))
    with Project(path) as project:
        assert verify_project(project) == []


def test_a_row_that_was_changed_before_the_copy_comes_from_the_echo(
    path: Path, bars: Labels
) -> None:
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        expected = rows(path)
        project.log._connection.execute("UPDATE operations SET user = 'somebody else'")
        make_copy(project)
    damage(path)
    done = restore(Folder(path))
    assert done.out_of_chain == ()
    assert rows(path) == expected


def test_a_project_from_before_gets_an_echo(path: Path, bars: Labels) -> None:
    with Project(path) as project:
        cut(project)
    make_old(path)
    with Project(path, writable=False) as project:
        assert len(project.operations) == 1
    with Project(path) as project:
        assert len(copies(project.folder)) == 2
        project.merge([centre(bars, 4), centre(bars, 5)])
    expected = rows(path)
    damage(path)
    assert restore(Folder(path)).operations == 2
    assert rows(path) == expected


def test_a_full_disk_ends_restoring_and_not_the_replay(
    path: Path, bars: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit this time would be lost if the rest were taken for all there is."""
    with Project(path) as project:
        edit(project, bars)
    expected = rows(path)
    damage(path)
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL

    def refuse(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(restoring, "set_mark", refuse)
        with pytest.raises(StorageError, match="cannot be made anew"):
            restore(Folder(path))
    assert sorted(file.name for file in path.glob("*project*")) == ["project.db"]
    restore(Folder(path))
    assert rows(path) == expected


@pytest.mark.parametrize("was_old", [True, False])
def test_voxels_of_cuts_that_nobody_knows_end_editing(
    path: Path, bars: Labels, capsys: pytest.CaptureFixture[str], was_old: bool
) -> None:
    with Project(path) as project:
        cut(project)
    if was_old:
        make_old(path)
    forget_the_echo(path)
    damage(path)
    assert main(["project", "restore", str(path)]) == 1
    assert "1 fragment that no copy knows" in capsys.readouterr().out
    with pytest.raises(ProjectError, match=r"cut into 7 .*knows only 6.*put the project.db"):
        Project(path)
    with Project(path, writable=False) as project:
        assert len(project.operations) == 0


def test_an_older_database_that_was_put_back_by_hand_is_not_edited(path: Path) -> None:
    older = (path / "project.db").read_bytes()
    with Project(path) as project:
        cut(project)
    newer = (path / "project.db").read_bytes()
    (path / "project.db").write_bytes(older)
    with pytest.raises(ProjectError, match="another cut would mix up objects"):
        Project(path)
    (path / "project.db").write_bytes(newer)
    with Project(path) as project:
        cut(project, x=150.0)
        assert verify_project(project) == []


def test_a_database_that_lost_its_end_is_not_gone_on_with(path: Path, bars: Labels) -> None:
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        shutil.copy(path / "project.db", path / "kept.db")  # without what SQLite keeps beside it
        project.merge([centre(bars, 2), centre(bars, 3)])
        project.mark("confirmed")
    expected = rows(path)
    (path / "kept.db").replace(path / "project.db")
    with pytest.raises(ProjectError, match=r"lacks the last \d changes.*project restore.*backups"):
        Project(path)
    restore(Folder(path))
    assert rows(path) == expected
    with Project(path) as project:
        assert verify_project(project) == []


def test_after_an_older_database_was_put_back_its_own_future_counts(
    path: Path, bars: Labels
) -> None:
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
    older = (path / "project.db").read_bytes()
    with Project(path) as project:
        project.merge([centre(bars, 2), centre(bars, 3)])
    (path / "project.db").write_bytes(older)
    with Project(path) as project:
        project.merge([centre(bars, 4), centre(bars, 5)])
    expected = rows(path)
    damage(path)
    assert restore(Folder(path)).operations == 2
    assert rows(path) == expected


@pytest.mark.parametrize("seed", range(6))
def test_at_any_moment_the_project_comes_back_as_it_was(
    path: Path, tmp_path: Path, bars: Labels, seed: int
) -> None:
    """Random edits, copies, and ends of work; each time, a twin loses its database."""
    random = np.random.default_rng(seed)

    def point() -> tuple[float, float, float]:
        return centre(bars, int(random.integers(1, 7)))

    kinds: list[Callable[[Project], object]] = [
        lambda project: project.merge([point(), point()]),
        lambda project: cut(project, x=float(random.choice([40.0, 100.0, 150.0]))),
        lambda project: project.undo(),
        lambda project: project.redo(),
        lambda project: project.delete([point()]),
        lambda project: project.erase(Brush((point(),), 30.0)),
        lambda project: project.log.set_error_state(str(random.integers(3)), "done"),
        lambda project: project.objects.say(int(random.integers(1, 7)), ObjectState.DISCUSS, "?"),
        make_copy,
    ]
    for number in range(5):
        with Project(path) as project:
            for _ in range(int(random.integers(1, 8))):
                try:
                    kinds[int(random.integers(len(kinds)))](project)
                except EditError:
                    continue
        twin = tmp_path / f"{number}.axonem"
        shutil.copytree(path, twin)
        damage(twin)
        if number % 2 and len(copies(Folder(twin))) > 1:
            copies(Folder(twin))[0].write_bytes(b"damaged as well")
        restore(Folder(twin))
        assert rows(twin) == rows(path)
        with Project(twin) as project:
            assert verify_project(project) == []
        np.testing.assert_array_equal(voxels(twin), voxels(path))
    assert highest.noted(Folder(path)) in (None, int(voxels(path).max()))
    with pytest.raises(AxonemError):
        restore(Folder(tmp_path / "none.axonem"))
