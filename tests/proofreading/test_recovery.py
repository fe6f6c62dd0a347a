"""What happens when the machine lets an edit down half-way."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pytest

from napari_axonem.errors import EditError, ProjectError, StorageError
from napari_axonem.proofreading import keeper
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.proofreading.tables.refinement import Refinement
from napari_axonem.proofreading.tables.sources import Sources
from napari_axonem.proofreading.verification import verify_project

from .conftest import Maker, centre

LEFT, RIGHT = (60.0, 64.0, 40.0), (60.0, 64.0, 150.0)


class PowerCutError(BaseException):
    """The end of the process, as far as the program can tell."""


@pytest.fixture
def dumbbell(make_project: Maker) -> Path:
    """One fragment of two blocks with a thin bridge, and a second fragment."""
    labels = np.zeros((4, 16, 48), dtype=np.uint32)
    labels[:, :, :12] = 1
    labels[:, 6:9, 12:16] = 1
    labels[:, :, 16:28] = 1
    labels[:, :, 28:] = 2
    return make_project(fragments=labels, truth=np.ones_like(labels))


def fail_after_half(error: BaseException) -> object:
    """Return a way to write children that stops in the middle of the first one."""
    write = Sources.write_children

    def half(self: Sources, refinements: Sequence[Refinement]) -> None:
        first = refinements[0]
        mask = first.mask.copy()
        mask[mask.shape[0] // 2 :] = False
        write(self, [Refinement(*first.parts, first.corner, mask, first.table)])
        raise error

    return half


def test_voxels_cut_off_by_a_crash_are_written_at_the_next_start(
    dumbbell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(dumbbell)
    plan = project.plan_split([LEFT], [RIGHT])
    with monkeypatch.context() as patched:
        patched.setattr(Sources, "write_children", fail_after_half(PowerCutError()))
        with pytest.raises(PowerCutError):
            project.split(plan)
    project.close()
    with Project(dumbbell) as again:
        assert [operation.kind for operation in again.operations] == ["split"]
        assert again.segment_at(LEFT) != again.segment_at(RIGHT)
        assert verify_project(again) == []


def test_later_cuts_are_written_again_too(dumbbell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first cut's voxels come back, and must not paint over the second's."""
    with Project(dumbbell) as project:
        project.split(project.plan_split([LEFT], [RIGHT]))
        project.split(project.plan_split([(60.0, 20.0, 40.0)], [(60.0, 110.0, 40.0)]))
        fragments = project.sources.fragments.volume
        expected = fragments.read(fragments.box)
    database = sqlite3.connect(dumbbell / "project.db")
    database.execute("UPDATE refinements SET written = 0 WHERE id = 1")
    database.commit()
    database.close()
    with Project(dumbbell) as again:
        np.testing.assert_array_equal(fragments.read(fragments.box), expected)
        assert verify_project(again) == []


def fail_at(number: int) -> Callable[[Sources, Sequence[Refinement]], None]:
    """Return a way to write children that ends the process at the n-th one."""
    write = Sources.write_children

    def some(self: Sources, refinements: Sequence[Refinement]) -> None:
        write(self, refinements[: number - 1])
        raise PowerCutError

    return some


@pytest.mark.parametrize("at", [1, 2])
def test_a_second_crash_while_the_voxels_of_the_first_are_written_loses_none(
    dumbbell: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The two children of one operation count as written together, at the next start too."""
    with Project(dumbbell) as project:
        thirds = [(60.0, 64.0, 8.0), (60.0, 64.0, 90.0), (60.0, 64.0, 200.0)]
        plan = project.plan_split(*([place] for place in thirds))
        assert len(plan.refinements) == 2
        with monkeypatch.context() as patched:
            patched.setattr(Sources, "write_children", fail_at(1))
            with pytest.raises(PowerCutError):
                project.split(plan)
    with monkeypatch.context() as patched:
        patched.setattr(Sources, "write_children", fail_at(at))
        with pytest.raises(PowerCutError):
            Project(dumbbell)
    with Project(dumbbell) as again:
        assert len({again.segment_at(place) for place in thirds}) == 3
        assert verify_project(again) == []


def test_after_a_cut_that_was_stopped_half_way_nothing_is_edited(
    dumbbell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next cut would be worked out on voxels that are not there."""
    with Project(dumbbell) as project:
        with monkeypatch.context() as patched:
            patched.setattr(Sources, "write_children", fail_after_half(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                project.split(project.plan_split([LEFT], [RIGHT]))
        with pytest.raises(EditError, match="read-only"):
            project.undo()


def test_a_cut_that_is_stopped_once_it_is_in_the_log_is_done(
    dumbbell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(dumbbell) as project:
        plan, append = project.plan_split([LEFT], [RIGHT]), project.log.append

        def stopped(*given: Any) -> NoReturn:
            append(*given)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(project.log, "append", stopped)
            with pytest.raises(KeyboardInterrupt):
                project.split(plan)
        assert project.segment_at(LEFT) != project.segment_at(RIGHT)
        assert verify_project(project) == []
        project.undo()
        assert len(project.operations) == 2
        assert verify_project(project) == []


def test_the_voxels_of_a_cut_are_on_disk_before_the_log_says_so(
    dumbbell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(dumbbell) as project:
        plan, before = project.plan_split([LEFT], [RIGHT]), chunks_of(dumbbell)
        flushed: set[int] = set()
        written: list[set[int]] = []
        sync, mark = os.fsync, project.log.mark_written

        def watched(file: int) -> None:
            sync(file)
            flushed.add(os.fstat(file).st_ino)

        def marked(operation: int) -> None:
            written.append(set(flushed))
            mark(operation)

        monkeypatch.setattr(os, "fsync", watched)
        monkeypatch.setattr(project.log, "mark_written", marked)
        project.split(plan)
    changed = chunks_of(dumbbell) - before
    assert {level for level, _, _ in changed} == {level for level, _, _ in before}
    assert len(written) == 1
    assert {number for _, number, _ in changed} <= written[0]


def chunks_of(project: Path) -> set[tuple[str, int, int]]:
    """Return level, number and time of the file of each chunk; one that is written changes."""
    files = (project / "fragments.zarr").rglob("c/*/*/*")
    chunks = [(file.parents[3].name, file.stat()) for file in files]
    return {(level, about.st_ino, about.st_mtime_ns) for level, about in chunks}


def test_a_full_disk_ends_editing_but_loses_nothing(
    dumbbell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(dumbbell) as project:
        plan = project.plan_split([LEFT], [RIGHT])
        told: list[Kind] = []
        project.changed.connect(lambda done: told.append(done.kind))
        with monkeypatch.context() as patched:
            full = fail_after_half(OSError(28, "No space left on device"))
            patched.setattr(Sources, "write_children", full)
            with pytest.raises(StorageError, match="nothing is lost"):
                project.split(plan)
        assert told == [Kind.SPLIT]  # it is in the log: a window has to show it
        with pytest.raises(EditError, match="read-only"):
            project.undo()
    with Project(dumbbell) as again:
        assert again.segment_at(LEFT) != again.segment_at(RIGHT)
        assert verify_project(again) == []


def test_a_log_that_refuses_changes_nothing(
    make_project: Maker, bars: npt.NDArray[np.uint32], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        before = project.segment.copy()

        def refuse(*_: object) -> None:
            raise StorageError("the disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(project.log, "append", refuse)
            with pytest.raises(StorageError):
                project.merge([centre(bars, 4), centre(bars, 5)])
        np.testing.assert_array_equal(project.segment, before)
        project.merge([centre(bars, 4), centre(bars, 5)])
        assert len(project.operations) == 2


def test_where_the_log_cannot_be_read_again_nothing_is_built_on_what_it_refused(
    make_project: Maker, bars: npt.NDArray[np.uint32], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_project(fragments=bars)
    monkeypatch.setattr(keeper, "WORTH_A_SNAPSHOT", 1)

    def refuse(*_: object) -> None:
        raise StorageError("the disk is gone")

    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        with monkeypatch.context() as patched:
            for name in ("append", "operations"):
                patched.setattr(project.log, name, refuse)
            with pytest.raises(StorageError):
                project.merge([centre(bars, 4), centre(bars, 5)])
        with pytest.raises(EditError, match="read-only"):
            project.merge([centre(bars, 5), centre(bars, 6)])
    with Project(path) as again:
        assert again.segment[4] != again.segment[5]
        assert verify_project(again) == []


@pytest.mark.parametrize("name", ["project.db", "tables/edges_u.npy"])
def test_a_damaged_file_is_named(dumbbell: Path, name: str) -> None:
    (dumbbell / name).write_bytes(b"not what it was")
    with pytest.raises((StorageError, ProjectError), match=name):
        Project(dumbbell)
    with pytest.raises((StorageError, ProjectError), match=name):
        Project(dumbbell)  # and the failed attempt left no lock behind


def test_a_project_of_a_newer_version_says_so(dumbbell: Path) -> None:
    database = sqlite3.connect(dumbbell / "project.db")
    database.execute("PRAGMA user_version = 99")
    database.commit()
    database.close()
    with pytest.raises(ProjectError, match="update napari-axonem"):
        Project(dumbbell)


def test_verify_finds_what_does_not_agree(dumbbell: Path) -> None:
    with Project(dumbbell) as project:
        fragments = project.sources.fragments
        box = fragments.volume.box
        labels = fragments.volume.read(box)
        labels[0, 0, 0] = 2
        fragments.write(box, labels)
        assert any("cells" in difference for difference in verify_project(project))
        project.graph.edges.on[np.array([0])] = True
        assert any("segments" in difference for difference in verify_project(project))
