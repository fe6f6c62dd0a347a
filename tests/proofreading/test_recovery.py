"""What happens when the machine lets an edit down half-way."""

import sqlite3
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from napari_axonem.errors import EditError, ProjectError, StorageError
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.refinement import Refinement
from napari_axonem.proofreading.sources import Sources
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
    """Return a way to write a child that stops in the middle of it."""
    write = Sources.write_child

    def half(self: Sources, refinement: Refinement) -> None:
        mask = refinement.mask.copy()
        mask[mask.shape[0] // 2 :] = False
        write(self, Refinement(*refinement.parts, refinement.corner, mask, refinement.table))
        raise error

    return half


def test_voxels_cut_off_by_a_crash_are_written_at_the_next_start(
    dumbbell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(dumbbell)
    plan = project.plan_split([LEFT], [RIGHT])
    with monkeypatch.context() as patched:
        patched.setattr(Sources, "write_child", fail_after_half(PowerCutError()))
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


def test_a_full_disk_ends_editing_but_loses_nothing(
    dumbbell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(dumbbell) as project:
        plan = project.plan_split([LEFT], [RIGHT])
        with monkeypatch.context() as patched:
            full = fail_after_half(OSError(28, "No space left on device"))
            patched.setattr(Sources, "write_child", full)
            with pytest.raises(StorageError, match="nothing is lost"):
                project.split(plan)
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
