"""Copies of a project's database, made at intervals while it is edited.

The database is safe from crashes and power cuts by itself; copies are for what it is not safe
from: a disk that goes bad, or a file that is overwritten.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from napari_axonem.errors import ProjectError
from napari_axonem.proofreading.folder import Folder
from napari_axonem.volumes.disk import guarded

EVERY_SECONDS = 1800.0
"""Time of editing after which a copy is made."""

EVERY_OPERATIONS = 1000
"""Operations after which one is made, if they come sooner."""

SMALL_BYTES = 2**26
"""A database up to this size is copied after every cut that writes voxels."""

KEPT = 5
"""Copies that are kept."""


class Backups:
    """Makes copies in the background; one that fails is no failure of an edit.

    Parameters
    ----------
    folder
        The project.
    operations
        How many there are at the start.
    """

    def __init__(self, folder: Folder, operations: int) -> None:
        self._folder = folder
        self._begun = self._copied = operations
        self._time = time.monotonic()
        self._thread: threading.Thread | None = None

    def follow(self, operations: int, *, cut: bool = False) -> None:
        """Make a copy, if it is time to, after so many operations.

        Parameters
        ----------
        cut
            Whether voxels were written: a copy that does not know of that would not fit them.
        """
        since = operations - self._begun
        waited = time.monotonic() - self._time >= EVERY_SECONDS
        busy = self._thread is not None and self._thread.is_alive()
        small = cut and _size(self._folder.database) < SMALL_BYTES
        if busy or not since or not (waited or small or since >= EVERY_OPERATIONS):
            return
        self._begun, self._time = operations, time.monotonic()
        self._thread = threading.Thread(target=self._copy, args=(operations,), daemon=True)
        self._thread.start()

    def close(self, operations: int) -> None:
        """Wait for a copy that is being made; make one where there is none of what is new."""
        if self._thread is not None:
            self._thread.join()
        if operations != self._copied:
            self._copy(operations)

    def _copy(self, operations: int) -> None:
        with contextlib.suppress(OSError, sqlite3.Error):
            copy_database(self._folder, operations)
            self._copied = operations


def copy_database(folder: Folder, operations: int) -> Path:
    """Copy the database as it is now, and remove older copies.

    A copy that is not whole, because the database is not, takes the place of none.

    Raises
    ------
    OSError, sqlite3.Error
        The disk refuses, or the database is damaged or gone.
    """
    folder.backups.mkdir(exist_ok=True)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    path = folder.backups / f"{now}-{operations}.db"
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with (
            closing(sqlite3.connect(_address(folder.database, "rw"), uri=True)) as source,
            closing(sqlite3.connect(temporary)) as target,
        ):
            source.backup(target)  # in one step: a snapshot that no edit waits for
            if not _is_sound(target):
                raise sqlite3.DatabaseError("the database is damaged")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    for old in copies(folder)[KEPT:]:
        old.unlink()
    return path


def copies(folder: Folder) -> list[Path]:
    """Return the copies of a project's database, newest first."""
    return sorted(folder.backups.glob("[0-9]*.db"), reverse=True)


def restore(folder: Folder) -> tuple[Path, Path]:
    """Put the newest whole copy in the place of the database, which is kept beside it.

    Returns
    -------
    The copy that was taken, and where the old database lies now.

    Raises
    ------
    ProjectError
        There is no whole copy.
    StorageError
        The disk refuses.
    """
    chosen = next((path for path in copies(folder) if is_whole(path)), None)
    if chosen is None:
        raise ProjectError(
            "there is no whole copy of the database",
            where=folder.backups,
            remedy="put project.db back from a copy of your own",
        )
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = folder.root / f"project-{now}.db.damaged"
    with guarded(folder.root):
        temporary = folder.database.with_name(".project.db.partial")
        temporary.write_bytes(chosen.read_bytes())
        for suffix in ("", "-wal", "-shm"):
            old = Path(f"{folder.database}{suffix}")
            if old.exists():
                old.replace(f"{aside}{suffix}")
        temporary.replace(folder.database)
    return chosen, aside


def is_whole(path: Path) -> bool:
    """Tell whether SQLite finds nothing wrong with a copy, which nobody writes; it stays alone."""
    try:
        address = f"{_address(path, 'ro')}&immutable=1"  # else it leaves files beside the copy
        with closing(sqlite3.connect(address, uri=True)) as database:
            return _is_sound(database)
    except sqlite3.Error:
        return False


def _is_sound(database: sqlite3.Connection) -> bool:
    return bool(database.execute("PRAGMA quick_check").fetchone() == ("ok",))


def _address(database: Path, mode: str) -> str:
    """Return how SQLite opens a database that is there, and makes none where it is not."""
    return f"{database.absolute().as_uri()}?mode={mode}"


def _size(path: Path) -> int:
    """Return the size of a file in bytes; 0 where it cannot be told."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
