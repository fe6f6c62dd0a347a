"""The log on disk: a SQLite database that holds every operation before it is shown.

Write-ahead logging with ``synchronous = FULL``: once `Log.append` returns, the operation
survives a crash of the program and of the machine. Each row holds the digest of itself and of the
row before it, so that a row that was damaged or changed is found.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any, Self, TypeAlias, overload

from napari_axonem import __version__
from napari_axonem.errors import ProjectError, StorageError
from napari_axonem.proofreading.record.echo import Change, Echo
from napari_axonem.proofreading.record.marks import begin_marks, mark_in, new_mark, set_mark
from napari_axonem.proofreading.record.operation import Operation
from napari_axonem.proofreading.record.rows import (
    OPERATION_COLUMNS,
    START,
    digest_of,
    from_row,
    to_row,
)

SCHEMA_VERSION = 2

Run: TypeAlias = Callable[[str, tuple[object, ...]], None]
"""Executes a statement with its values."""

SCHEMA = f"""
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE operations (id INTEGER PRIMARY KEY, {OPERATION_COLUMNS}, digest BLOB NOT NULL) STRICT;
CREATE TABLE refinements (
    id INTEGER PRIMARY KEY,
    operation INTEGER NOT NULL REFERENCES operations (id),
    content BLOB NOT NULL,
    written INTEGER NOT NULL
) STRICT;
CREATE INDEX refinements_of_operations ON refinements (operation);
CREATE TABLE error_states (
    key TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    time TEXT NOT NULL,
    user TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class StoredRefinement:
    """A refinement as the log holds it."""

    id: int
    """Position among the refinements, from 1."""

    operation: int
    """The operation it came with."""

    content: bytes
    """What `Refinement.from_bytes` reads."""

    written: bool
    """Whether its voxels are known to be on disk."""


class Log:
    """The database of a project.

    Parameters
    ----------
    path
        The database file.
    writable
        Whether operations may be added.
    echo
        Where every change is recorded a second time; nowhere if it is None.

    Raises
    ------
    ProjectError
        The file is no project database, or of a newer version of the program.
    StorageError
        The database is damaged or the disk refuses.
    """

    def __init__(self, path: Path, *, writable: bool, echo: Echo | None = None) -> None:
        self.path = path
        self._echo = echo
        mode = "rw" if writable else "ro"
        with self._guarded():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            self._begin(writable=writable)
        except BaseException:
            self.close()
            raise

    def _begin(self, *, writable: bool) -> None:
        """Set how safe the disk has to be, and look whether this is a database of ours."""
        with self._guarded():
            if writable:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:  # a file of no bytes is a database to SQLite, without any table
            raise StorageError("the project database is empty", where=self.path, remedy=_MADE_ANEW)
        if version != SCHEMA_VERSION:
            raise ProjectError(
                f"its database has version {version}, this program reads {SCHEMA_VERSION}",
                where=self.path,
                remedy="update napari-axonem" if version > SCHEMA_VERSION else "create it anew",
            )
        with self._guarded():
            if writable:
                begin_marks(self._connection)

    @classmethod
    def create(cls, path: Path, settings: dict[str, object]) -> None:
        """Make an empty database that holds `settings` (values that JSON can hold)."""
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SCHEMA)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            begin_marks(connection)
            connection.executemany(
                "INSERT INTO settings VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in settings.items()],
            )
            connection.commit()

    def close(self) -> None:
        """Close the database; nothing can be read or added afterwards."""
        self._connection.close()
        if self._echo is not None:
            self._echo.close()

    def mark(self) -> bytes | None:
        """Return the mark of the newest change; None in a database from before there were any."""
        with self._guarded():
            return mark_in(self._connection)

    def settings(self) -> dict[str, object]:
        """Return what was stored at creation."""
        with self._guarded():
            rows = self._connection.execute("SELECT name, value FROM settings").fetchall()
        return {name: json.loads(value) for name, value in rows}

    def last(self) -> tuple[int, bytes]:
        """Return id and digest of the newest operation; 0 and that of an empty log if none is."""
        return self._newest("")

    def digest(self, operation: int) -> bytes | None:
        """Return the digest of an operation; None where there is no such."""
        found, digest = self._newest("WHERE id = ?", operation)
        return digest if found == operation else None

    def operations(self, after: int = 0, until: int | None = None) -> list[Operation]:
        """Return the operations with ids above `after` and up to `until`, oldest first."""
        last = 2**62 if until is None else until
        with self._guarded():
            rows = self._connection.execute(
                "SELECT * FROM operations WHERE id > ? AND id <= ? ORDER BY id", (after, last)
            ).fetchall()
        return [from_row(row[:-1]) for row in rows]

    def out_of_chain(self) -> list[int]:
        """Return the operations whose digest is not that of their row and of the one before."""
        before, found, expected = START, [], 1
        with self._guarded():
            for number, *row, digest in self._connection.execute(
                "SELECT * FROM operations ORDER BY id"
            ):
                contents = [stored.content for stored in self.refinements(number - 1, number)]
                if number != expected or digest != digest_of(before, number, row, contents):
                    found.append(number)
                before, expected = digest, number + 1
        return found

    def refinements(self, after: int = 0, until: int | None = None) -> list[StoredRefinement]:
        """Return the refinements that came with operations `after` … `until`, oldest first."""
        last = 2**62 if until is None else until
        return self._refinements("operation > ? AND operation <= ?", after, last)

    def unwritten(self) -> list[StoredRefinement]:
        """Return the refinements whose voxels may not be on disk, oldest first."""
        return self._refinements("written = 0")

    def refinement(self, number: int) -> StoredRefinement:
        """Return a refinement by its position."""
        (found,) = self._refinements("id = ?", number)
        return found

    def append(self, operation: Operation, refinements: Sequence[bytes] = ()) -> Operation:
        """Put one operation on disk and return it with its id, time, user and version.

        When this returns, the operation is safe; when it raises, nothing was added.
        """
        stamped = replace(
            operation,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            user=user_name(),
            version=__version__,
        )
        row = to_row(stamped)
        # Of refinements the record is on the disk, too, before voxels know the new fragments.
        with self._guarded(), self._transaction(sync=bool(refinements)) as run:
            last, before = self._newest("")
            values = (last + 1, *row, digest_of(before, last + 1, row, refinements))
            marks = ", ".join("?" * len(values))
            run(f"INSERT INTO operations VALUES ({marks})", values)
            for content in refinements:
                run("INSERT INTO refinements VALUES (NULL, ?, ?, 0)", (last + 1, content))
        return replace(stamped, id=last + 1)

    def mark_written(self, operation: int) -> None:
        """Note that the voxels of an operation's refinements are on disk."""
        self.change(("UPDATE refinements SET written = 1 WHERE operation = ?", (operation,)))

    def error_states(self) -> dict[str, str]:
        """Return what the user said of errors: their key and ``"done"`` or ``"skipped"``."""
        with self._guarded():
            return dict(self._connection.execute("SELECT key, state FROM error_states").fetchall())

    def set_error_state(self, key: str, state: str | None) -> None:
        """Store what the user said of an error; None forgets it."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        changes: list[Change] = [("DELETE FROM error_states WHERE key = ?", (key,))]
        if state is not None:
            row = (key, state, now, user_name())
            changes.append(("INSERT INTO error_states VALUES (?, ?, ?, ?)", row))
        self.change(*changes)

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return rows of a query, or of a table that another module keeps in this database."""
        with self._guarded():
            return self._connection.execute(query, values).fetchall()

    def change(self, *changes: Change) -> None:
        """Change such a table; all the statements take effect, on disk, or none does."""
        with self._guarded(), self._transaction() as run:
            for statement, values in changes:
                run(statement, values)

    def _newest(self, where: str, *values: int) -> tuple[int, bytes]:
        with self._guarded():
            row = self._connection.execute(
                f"SELECT id, digest FROM operations {where} ORDER BY id DESC LIMIT 1", values
            ).fetchone()
        return row or (0, START)

    def _refinements(self, where: str, *values: int) -> list[StoredRefinement]:
        with self._guarded():
            rows = self._connection.execute(
                f"SELECT id, operation, content, written FROM refinements WHERE {where} "
                "ORDER BY id",
                values,
            ).fetchall()
        return [StoredRefinement(id_, op, blob, bool(done)) for id_, op, blob, done in rows]

    @contextmanager
    def _transaction(self, *, sync: bool = False) -> Iterator[Run]:
        """Give what executes statements; all of them are on disk at the end, or none is."""
        changes: list[Change] = []

        def run(statement: str, values: tuple[object, ...]) -> None:
            self._connection.execute(statement, values)
            changes.append((statement, values))

        self._connection.execute("BEGIN IMMEDIATE")
        before, mark = mark_in(self._connection) or b"", new_mark()
        try:
            yield run
            set_mark(self._connection, mark)
            if self._echo is not None:
                self._echo.add(before, mark, changes, sync=sync)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if self._echo is not None and mark_in(self._connection) == before:
                self._echo.take_back(mark)
            raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(
                f"the project database failed ({error})",
                where=self.path,
                remedy=_remedy_of(error),
            ) from error


class Operations(Sequence[Operation]):
    """The operations of a log, oldest first, read when they are asked for.

    Going through all of them reads all, once; single ones and slices read no more than these.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._count = 0
        self._known: list[Operation] = []  # from the oldest on

    def grow(self, count: int) -> Self:
        """Take the log to have so many operations; return the same object."""
        self._count = count
        return self

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Operation: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Operation]: ...

    def __getitem__(self, index: int | slice) -> Operation | Sequence[Operation]:
        """Return the operation with id ``index + 1``, or those of a slice."""
        places = range(self._count)[index]
        if isinstance(places, int):
            return self._between(places, places + 1)[0]
        if not places:
            return []
        low, high = min(places), max(places)
        found = self._between(low, high + 1)
        return [found[place - low] for place in places]

    def __iter__(self) -> Iterator[Operation]:
        self._known += self._log.operations(len(self._known), self._count)
        return iter(self._known[: self._count])

    def __reversed__(self) -> Iterator[Operation]:
        return reversed(list(self))

    def _between(self, start: int, stop: int) -> list[Operation]:
        if start <= len(self._known) < stop:  # the newest ones are looked at again and again
            self._known += self._log.operations(len(self._known), stop)
        if stop <= len(self._known):
            return self._known[start:stop]
        return self._log.operations(start, stop)


def _remedy_of(error: sqlite3.Error) -> str:
    """Return what to do about an error: what is damaged does not get whole by space on a disk."""
    code = getattr(error, "sqlite_errorcode", None)  # None where Python and not SQLite refused
    if code is not None and code & 0xFF in _DAMAGED:
        return _MADE_ANEW
    return (
        "free some disk space and check that the folder can be written; every edit confirmed so "
        f"far is kept; where the file is damaged, {_MADE_ANEW}"
    )


_MADE_ANEW = "'napari-axonem project restore' makes it anew, with all edits"

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""What SQLite says of a damaged file; the last where a table is missing."""


def user_name() -> str:
    """Return who works here; "unknown" where the system has no name for the user."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container without an entry for the user id
        return "unknown"
