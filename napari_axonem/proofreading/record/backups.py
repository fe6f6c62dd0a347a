"""Copies of a project's database, made at intervals while it is edited.

The database is safe from crashes and power cuts by itself; copies are for what it is not safe
from: a disk that goes bad, or a file that is overwritten. What comes after a copy is in the echo
(`napari_axonem.proofreading.record.echo`); one is due where the echo does not lead from the newest
to the database.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from napari_axonem.errors import ProjectError
from napari_axonem.proofreading.record.echo import Echo, records_after, remove_before
from napari_axonem.proofreading.record.folder import Folder, next_stamp
from napari_axonem.proofreading.record.marks import mark_in
from napari_axonem.volumes.disk import flush_folder

EVERY_SECONDS = 1800.0
"""Time of editing after which a copy is made."""

EVERY_OPERATIONS = 1000
"""Operations after which one is made, if they come sooner."""

SMALL_BYTES = 2**26
"""A database up to this size is copied after every cut that writes voxels."""

KEPT = 5
"""Copies that are kept."""

PATIENCE_SECONDS = 30.0
"""Time until a copy that the echo needs is tried again."""


class Backups:
    """Makes copies in the background; one that fails is no failure of an edit.

    Parameters
    ----------
    folder
        The project.
    operations
        How many there are at the start.
    echo
        Where changes are recorded meanwhile.
    mark
        The mark of the database at the start.
    """

    def __init__(self, folder: Folder, operations: int, echo: Echo, mark: bytes | None) -> None:
        self._folder = folder
        self._begun = self._copied = operations
        self._time = time.monotonic()
        self._thread: threading.Thread | None = None
        self._echo = echo
        self._echoed: int | None = echo.failures
        """Failures of the echo when a copy was begun that it leads on from; None without one."""
        if not leads_to(folder, mark):
            self._echoed = None
            copying = self._begin(operations)
            if _size(folder.database) < SMALL_BYTES:
                copying.join()  # so that no edit is without one

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
        due = since and (waited or small or since >= EVERY_OPERATIONS)
        gap = self._has_gap and time.monotonic() - self._time >= PATIENCE_SECONDS
        if not busy and (due or gap):
            self._begin(operations)

    def close(self, operations: int) -> None:
        """Wait for a copy that is being made; make one where there is none of what is new."""
        if self._thread is not None:
            self._thread.join()
        if operations != self._copied or self._has_gap:
            self._begin(operations).join()

    @property
    def are_behind(self) -> bool:
        """Whether the disk refused to record changes since the newest copy."""
        return self._echo.failures > (self._echoed or 0)

    @property
    def _has_gap(self) -> bool:
        """Whether changes since the newest copy are in no echo."""
        return self._echoed != self._echo.failures

    def _begin(self, operations: int) -> threading.Thread:
        """Begin a copy, and with it another file of the echo."""
        self._begun, self._time = operations, time.monotonic()
        self._echo.close()
        given = operations, self._echo.failures
        self._thread = threading.Thread(target=self._copy, args=given, daemon=True)
        self._thread.start()
        return self._thread

    def _copy(self, operations: int, failures: int) -> None:
        with contextlib.suppress(OSError, sqlite3.Error):
            copy_database(self._folder, operations)
            self._copied, self._echoed = operations, failures


def copy_database(folder: Folder, operations: int) -> Path:
    """Copy the database as it is now, and remove older copies and what came before them.

    A copy that is not whole, because the database is not, takes the place of none.

    Raises
    ------
    OSError, sqlite3.Error
        The disk refuses, or the database is damaged or gone.
    """
    folder.backups.mkdir(exist_ok=True)
    path = folder.backups / f"{next_stamp(folder.backups)}-{operations}.db"
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
        flush_folder(folder.backups)
    finally:
        temporary.unlink(missing_ok=True)
    for old in copies(folder)[KEPT:]:
        old.unlink()
    remove_before(folder.backups, copies(folder)[-1])
    return path


def copies(folder: Folder) -> list[Path]:
    """Return the copies of a project's database, newest first."""
    return sorted(folder.backups.glob("[0-9]*.db"), reverse=True)


def require_database(folder: Folder) -> None:
    """Refuse a folder without a database, and say whether one can be made of copies.

    Raises
    ------
    ProjectError
        It has none.
    """
    if folder.database.is_file():
        return
    if copies(folder):
        raise ProjectError(
            f"its database {folder.database.name} is gone, but there are copies of it",
            where=folder.root,
            remedy="'napari-axonem project restore' makes it anew, with all edits",
        )
    require_project(folder)
    raise ProjectError(
        f"its database {folder.database.name} is gone, and there is no copy of it",
        where=folder.root,
        remedy=f"put {folder.database.name} back from a copy of your own",
    )


def require_project(folder: Folder) -> None:
    """Refuse a folder that is none, or has nothing of a project in it.

    Raises
    ------
    ProjectError
        It is no project.
    """
    if not (folder.database.is_file() or folder.tables.is_dir() or copies(folder)):
        raise ProjectError(
            "this is no project", where=folder.root, remedy="make one with `project create`"
        )


def is_whole(path: Path) -> bool:
    """Tell whether SQLite finds nothing wrong with a copy."""
    try:
        with _copy_opened(path) as database:
            return _is_sound(database)
    except sqlite3.Error:
        return False


def mark_of(path: Path) -> bytes | None:
    """Return the mark of a copy; None where it is damaged, or from before there were any."""
    try:
        with _copy_opened(path) as database:
            return mark_in(database)
    except sqlite3.Error:
        return None


def leads_to(folder: Folder, mark: bytes | None) -> bool:
    """Tell whether the newest copy, with the echo after it, makes up a database with `mark`."""
    newest = next(iter(copies(folder)), None)
    known = None if newest is None else mark_of(newest)
    if known is None:
        return False
    return mark == known or any(r.mark == mark for r in records_after(folder.backups, known))


def _copy_opened(path: Path) -> closing[sqlite3.Connection]:
    """Open a copy, which nobody writes; it stays alone."""
    address = f"{_address(path, 'ro')}&immutable=1"  # else SQLite leaves files beside it
    return closing(sqlite3.connect(address, uri=True))


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
