"""Marks: the database says which change is the newest in it, so that the echo can be followed.

A mark is random. Two databases with the same mark are the same, whichever of them was copied, put
back or gone on with; a number would be given twice once an old copy was put back.
"""

from __future__ import annotations

import secrets
import sqlite3

MARK_BYTES = 16

MARKS = """
CREATE TABLE IF NOT EXISTS newest_change (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    mark BLOB NOT NULL
) STRICT
"""


def new_mark() -> bytes:
    """Return a mark that no change has had."""
    return secrets.token_bytes(MARK_BYTES)


def mark_in(database: sqlite3.Connection) -> bytes | None:
    """Return the mark of the newest change to a database; None where it has none."""
    try:
        row = database.execute("SELECT mark FROM newest_change").fetchone()
    except sqlite3.OperationalError:  # no such table: it was made before there was an echo
        return None
    return None if row is None else bytes(row[0])


def set_mark(database: sqlite3.Connection, mark: bytes) -> None:
    """Note the mark of the newest change, in its own transaction."""
    database.execute("INSERT OR REPLACE INTO newest_change VALUES (1, ?)", (mark,))


def begin_marks(database: sqlite3.Connection) -> None:
    """Let a database have marks, if it has none yet; the first one is that of no copy."""
    if mark_in(database) is None:
        database.execute(MARKS)
        set_mark(database, new_mark())
