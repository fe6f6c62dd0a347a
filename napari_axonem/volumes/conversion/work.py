"""The hidden folder beside its destination in which a volume comes into being."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_axonem.blockwise import journal_about
from napari_axonem.volumes.disk import exclusive, guarded, remove


@dataclass(frozen=True, slots=True)
class Work:
    """Work on one destination: ``.NAME.partial``, which nobody else uses at the same time."""

    folder: Path
    destination: Path

    @property
    def result(self) -> Path:
        """What becomes the destination."""
        return self.folder / "result" / self.destination.name

    @property
    def stage(self) -> Path:
        """Where voxels wait that are to be written in order."""
        return self.folder / "stage.zarr"

    @property
    def journal(self) -> Path:
        """What is finished, and with which settings."""
        return self.folder / "journal"

    @property
    def is_worth_keeping(self) -> bool:
        """Whether anything is finished."""
        try:
            return self.journal.read_bytes().count(b"\n") > 1
        except FileNotFoundError:
            return False

    def goes_on(self, about: Mapping[str, Any]) -> bool:
        """Tell whether what lies here is the work that `about` describes."""
        return bool(journal_about(self.journal) == about)

    def begin_anew(self) -> None:
        """Remove what lies here."""
        remove(self.journal)  # first: without it the rest counts for nothing
        remove(self.result.parent)
        remove(self.stage)
        with guarded(self.destination):
            self.result.parent.mkdir()


def work_folder(destination: Path) -> Path:
    """Return the folder for the work on a destination."""
    return destination.with_name(f".{destination.name}.partial")


@contextmanager
def working_on(destination: Path) -> Iterator[Work]:
    """Hold the work on a destination; it stays behind for the next time, if there is any.

    Raises
    ------
    VolumeError
        Another process is working on that destination.
    StorageError
        The disk cannot be written.
    """
    work = Work(work_folder(destination), destination)
    mine = False
    with guarded(destination):
        work.folder.mkdir(parents=True, exist_ok=True)
    try:
        taken = f"{destination.name} is being written by another process"
        with exclusive(work.folder / "lock", taken):
            mine = True
            yield work
    finally:
        if mine and not work.is_worth_keeping:
            remove(work.folder)
