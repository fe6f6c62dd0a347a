"""The log on disk: a SQLite database that holds every operation before it is shown.

Write-ahead logging with ``synchronous = FULL``: once `Log.append` returns, the operation
survives a crash of the program and of the machine.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from napari_axonem import __version__
from napari_axonem.errors import ProjectError, StorageError
from napari_axonem.proofreading.operation import Colour, EdgeStates, Kind, Operation, Point

SCHEMA_VERSION = 1

Change: TypeAlias = tuple[str, tuple[object, ...]]
"""A statement that changes a table, and its values."""

SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE operations (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    parent INTEGER NOT NULL,
    target INTEGER NOT NULL,
    points TEXT NOT NULL,
    fragments TEXT NOT NULL,
    edges BLOB NOT NULL,
    segments_before TEXT NOT NULL,
    segments_after TEXT NOT NULL,
    voi TEXT,
    time TEXT NOT NULL,
    user TEXT NOT NULL,
    version TEXT NOT NULL
) STRICT;
CREATE TABLE refinements (
    id INTEGER PRIMARY KEY,
    operation INTEGER NOT NULL REFERENCES operations (id),
    content BLOB NOT NULL,
    written INTEGER NOT NULL
) STRICT;
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

    Raises
    ------
    ProjectError
        The file is no project database, or of a newer version of the program.
    StorageError
        The database is damaged or the disk refuses.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        mode = "rw" if writable else "ro"
        with self._guarded():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            if writable:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            self.close()
            raise ProjectError(
                f"its database has version {version}, this program reads {SCHEMA_VERSION}",
                where=path,
                remedy="update napari-axonem" if version > SCHEMA_VERSION else "create it anew",
            )

    @classmethod
    def create(cls, path: Path, settings: dict[str, object]) -> None:
        """Make an empty database that holds `settings` (values that JSON can hold)."""
        connection = sqlite3.connect(path)
        try:
            connection.executescript(SCHEMA)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.executemany(
                "INSERT INTO settings VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in settings.items()],
            )
            connection.commit()
        finally:
            connection.close()

    def close(self) -> None:
        """Close the database; nothing can be read or added afterwards."""
        self._connection.close()

    def settings(self) -> dict[str, object]:
        """Return what was stored at creation."""
        with self._guarded():
            rows = self._connection.execute("SELECT name, value FROM settings").fetchall()
        return {name: json.loads(value) for name, value in rows}

    def operations(self) -> list[Operation]:
        """Return all operations, oldest first."""
        with self._guarded():
            rows = self._connection.execute("SELECT * FROM operations ORDER BY id").fetchall()
        return [_from_row(row) for row in rows]

    def refinements(self) -> list[StoredRefinement]:
        """Return all refinements, oldest first."""
        with self._guarded():
            rows = self._connection.execute(
                "SELECT id, operation, content, written FROM refinements ORDER BY id"
            ).fetchall()
        return [StoredRefinement(id_, op, blob, bool(done)) for id_, op, blob, done in rows]

    def append(self, operation: Operation, refinements: Iterable[bytes] = ()) -> Operation:
        """Put one operation on disk and return it with its id, time, user and version.

        When this returns, the operation is safe; when it raises, nothing was added.
        """
        stamped = replace(
            operation,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            user=user_name(),
            version=__version__,
        )
        with self._guarded(), self._transaction():
            cursor = self._connection.execute(
                "INSERT INTO operations VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                _to_row(stamped),
            )
            if cursor.lastrowid is None:  # cannot happen for INSERT; keeps the type honest
                raise StorageError("the database gave no id", where=self.path)
            self._connection.executemany(
                "INSERT INTO refinements VALUES (NULL, ?, ?, 0)",
                [(cursor.lastrowid, content) for content in refinements],
            )
        return replace(stamped, id=cursor.lastrowid)

    def mark_written(self, operation: int) -> None:
        """Note that the voxels of an operation's refinements are on disk."""
        with self._guarded():
            self._connection.execute(
                "UPDATE refinements SET written = 1 WHERE operation = ?", (operation,)
            )

    def error_states(self) -> dict[str, str]:
        """Return what the user said of errors: their key and ``"done"`` or ``"skipped"``."""
        with self._guarded():
            return dict(self._connection.execute("SELECT key, state FROM error_states").fetchall())

    def set_error_state(self, key: str, state: str | None) -> None:
        """Store what the user said of an error; None forgets it."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._guarded(), self._transaction():
            self._connection.execute("DELETE FROM error_states WHERE key = ?", (key,))
            if state is not None:
                self._connection.execute(
                    "INSERT INTO error_states VALUES (?, ?, ?, ?)", (key, state, now, user_name())
                )

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return rows of a table that another module keeps in this database."""
        with self._guarded():
            return self._connection.execute(query, values).fetchall()

    def change(self, *changes: Change) -> None:
        """Change such a table; all the statements take effect, on disk, or none does."""
        with self._guarded(), self._transaction():
            for statement, values in changes:
                self._connection.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(
                f"the project database failed ({error})",
                where=self.path,
                remedy="free some disk space and check that the folder can be written; "
                "every edit confirmed so far is kept",
            ) from error


def user_name() -> str:
    """Return who works here; "unknown" where the system has no name for the user."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container without an entry for the user id
        return "unknown"


def _to_row(operation: Operation) -> tuple[object, ...]:
    return (
        str(operation.kind),
        operation.parent,
        operation.target,
        json.dumps([[*p.position_nm, p.colour and str(p.colour)] for p in operation.points]),
        json.dumps(operation.fragments),
        _edges_to_blob(operation.edges),
        json.dumps(operation.segments_before),
        json.dumps(operation.segments_after),
        None if operation.voi is None else json.dumps(operation.voi),
        operation.time,
        operation.user,
        operation.version,
    )


def _from_row(row: tuple[object, ...]) -> Operation:
    id_, kind, parent, target, points, fragments, edges, before, after, voi, *stamp = row
    time, user, version = (str(part) for part in stamp)
    return Operation(
        kind=Kind(str(kind)),
        id=int(str(id_)),
        parent=int(str(parent)),
        target=int(str(target)),
        points=tuple(
            Point((z, y, x), None if colour is None else Colour(colour))
            for z, y, x, colour in json.loads(str(points))
        ),
        fragments=tuple(json.loads(str(fragments))),
        edges=_edges_from_blob(edges),
        segments_before=tuple(json.loads(str(before))),
        segments_after=tuple(json.loads(str(after))),
        voi=None if voi is None else tuple(json.loads(str(voi))),
        time=time,
        user=user,
        version=version,
    )


def _edges_to_blob(edges: EdgeStates) -> bytes:
    return np.ascontiguousarray(edges, dtype="<u4").tobytes()


def _edges_from_blob(blob: object) -> EdgeStates:
    if not isinstance(blob, bytes):
        raise StorageError("an operation's edges are no bytes", where="project database")
    return np.frombuffer(blob, dtype="<u4").reshape(-1, 3).astype(np.int64)
