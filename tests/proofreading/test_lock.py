"""The lock that keeps a project to one writer."""

from pathlib import Path

import pytest

from napari_axonem.errors import ProjectLockedError, StorageError
from napari_axonem.proofreading.record import log
from napari_axonem.proofreading.record.lock import WriterLock


def test_the_lock_of_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened for writing"):
        WriterLock(tmp_path / "nowhere")


def test_a_lock_that_was_let_go_of_leaves_the_next_alone(tmp_path: Path) -> None:
    first = WriterLock(tmp_path)
    first.release()
    second = WriterLock(tmp_path)
    first.release()
    with pytest.raises(ProjectLockedError, match="process"):
        WriterLock(tmp_path)
    second.release()


def test_a_user_without_a_name_can_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user id has no entry."""

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(log, "getuser", unknown)
    held = WriterLock(tmp_path)
    with pytest.raises(ProjectLockedError, match="unknown on"):
        WriterLock(tmp_path)
    held.release()
