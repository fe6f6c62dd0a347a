"""Making a damaged database anew: the newest whole copy, and the echo of what came after it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from napari_axonem.errors import ProjectError, StorageError
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.record import highest
from napari_axonem.proofreading.record.backups import copies, is_whole, mark_of
from napari_axonem.proofreading.record.echo import UNREADABLE, Record, records_after
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.record.marks import set_mark
from napari_axonem.proofreading.tables.stored import Tables
from napari_axonem.volumes.disk import guarded, publish

_BESIDE = ("", "-wal", "-shm")
"""What SQLite adds to the name of a database, and the database itself."""

_UNFIT = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}
"""What SQLite says of a change that is not one of this database."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a database was made anew of."""

    copy: Path
    """The copy that was taken."""

    copied: int
    """Operations in the copy."""

    changes: int
    """Changes of any kind that came after it, from the echo."""

    operations: int
    """Operations that there are now."""

    out_of_chain: tuple[int, ...]
    """Operations whose digest is not that of their row and of the one before; none, but where
    every copy is damaged in a way that SQLite does not see."""

    fragments: int
    """Fragments that the log knows now."""

    unknown: int = 0
    """Fragments that voxels have and the log does not know; with them nothing can be edited."""

    damaged: Path | None = None
    """Where the old database lies now; None where there was none."""


def restore(folder: Folder, progress: Progress = silent) -> Restored:
    """Put a database made of a copy and the echo in the place of the old one, which is kept.

    The newest copy is taken that is whole, and whose operations are still those that were written;
    newer ones are set aside. Of a project whose voxels were never noted to be cut, all voxels are
    looked at for fragments that the log does not know.

    Raises
    ------
    ProjectError
        There is no whole copy, or the project's tables are damaged.
    StorageError
        The disk refuses.
    VolumeError
        The voxels cannot be read.
    """
    temporary = folder.database.with_name(".project.db.partial")
    with guarded(folder.root):
        try:
            made = _made(folder, temporary)
            old = _set_aside(folder)
            publish(temporary, folder.database, overwrite=True)
        finally:
            for suffix in _BESIDE:
                Path(f"{temporary}{suffix}").unlink(missing_ok=True)
        for newer in copies(folder):
            if newer.name > made.copy.name:
                newer.replace(newer.with_name(f"{newer.name}.damaged"))
    found = highest.noted(folder)
    if found is None:
        found = highest.look_up(folder, progress)
    return replace(made, unknown=max(0, found - made.fragments), damaged=old)


def _made(folder: Folder, target: Path) -> Restored:
    """Make a database at `target` of the copy that serves best."""
    whole = [path for path in copies(folder) if is_whole(path)]
    if not whole:
        raise ProjectError(
            "there is no whole copy of the database",
            where=folder.backups,
            remedy="put project.db back from a copy of your own",
        )
    for path in whole:
        made = _made_of(path, folder, target)
        if not made.out_of_chain:
            return made
    return _made_of(whole[0], folder, target)  # 'project verify' says what is wrong with it


def _made_of(copy: Path, folder: Folder, target: Path) -> Restored:
    for suffix in _BESIDE:
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    target.write_bytes(copy.read_bytes())
    mark = mark_of(copy)
    records = [] if mark is None else records_after(folder.backups, mark)
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as database:
            (copied,) = database.execute("SELECT count(*) FROM operations").fetchone()
            changes = _repeat(database, records)
            (cuts,) = database.execute("SELECT count(*) FROM refinements").fetchone()
    except sqlite3.Error as error:
        raise StorageError(
            f"the database cannot be made anew ({error})",
            where=folder.root,
            remedy="free some disk space and check that the folder can be written",
        ) from error
    with closing(Log(target, writable=False)) as log:
        return Restored(
            copy=copy,
            copied=copied,
            changes=changes,
            operations=log.last()[0],
            out_of_chain=tuple(log.out_of_chain()),
            fragments=len(Tables.load(folder.tables).rank) - 1 + cuts,
        )


def _repeat(database: sqlite3.Connection, records: Iterable[Record]) -> int:
    """Make changes once more, up to one that does not fit; return how many were made."""
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # a record may write no other file
    done = 0
    database.execute("BEGIN IMMEDIATE")
    for record in records:
        database.execute("SAVEPOINT change")
        try:
            for statement, values in record.changes():
                database.execute(statement, values)
            set_mark(database, record.mark)
        except (sqlite3.Error, *UNREADABLE) as error:
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF not in _UNFIT:
                raise  # the disk is full: to stop here would lose what comes next
            database.execute("ROLLBACK TO change")
            break
        database.execute("RELEASE change")
        done += 1
    database.execute("COMMIT")
    return done


def _set_aside(folder: Folder) -> Path | None:
    """Rename the old database and what SQLite keeps beside it; return where it lies now."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = folder.root / f"project-{now}.db.damaged"
    for suffix in _BESIDE:
        old = Path(f"{folder.database}{suffix}")
        if old.exists():
            old.replace(f"{aside}{suffix}")
    return aside if aside.exists() else None
