"""The tables about objects in a project's database.

They are made when something is first said, so that a project made before there were any opens as
well, also for reading only.
"""

from __future__ import annotations

from datetime import UTC, datetime

from napari_axonem.proofreading.record.echo import Change
from napari_axonem.proofreading.record.log import Log, user_name
from napari_axonem.proofreading.states.statement import ObjectState, Statement

STATES = """
CREATE TABLE IF NOT EXISTS object_states (
    id INTEGER PRIMARY KEY,
    fragment INTEGER NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    extent INTEGER NOT NULL,
    time TEXT NOT NULL,
    user TEXT NOT NULL
) STRICT
"""

CHECKS = """
CREATE TABLE IF NOT EXISTS object_checks (
    id INTEGER PRIMARY KEY,
    fragment INTEGER NOT NULL,
    is_right INTEGER NOT NULL,
    time TEXT NOT NULL,
    user TEXT NOT NULL
) STRICT
"""

_STAMP = "VALUES (NULL, ?, ?, ?, ?, ?, ?)"
_SIGN = 1 << 63  # SQLite's integers have a sign, extents have none


class StateStore:
    """Reads and writes what is said of objects.

    Parameters
    ----------
    log
        The project's database.
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    def statements(self) -> list[Statement]:
        """Return everything that was said, oldest first."""
        if not self._has("object_states"):
            return []
        rows = self._log.select(
            "SELECT id, fragment, state, note, extent, time, user FROM object_states ORDER BY id"
        )
        return [
            Statement(fragment, ObjectState(state), note, extent + _SIGN, time, user, id_)
            for id_, fragment, state, note, extent, time, user in rows
        ]

    def exchange(self, removed: list[int], bared: list[int], added: list[Statement]) -> None:
        """Take rows away, take the notes off others, and add new ones: all or nothing."""
        time, user = _now(), user_name()
        changes: list[Change] = [(STATES, ())]
        changes += [("DELETE FROM object_states WHERE id = ?", (row,)) for row in removed]
        changes += [("UPDATE object_states SET note = '' WHERE id = ?", (row,)) for row in bared]
        changes += [
            (
                f"INSERT INTO object_states {_STAMP}",
                (s.fragment, str(s.state), s.note, s.extent - _SIGN, time, user),
            )
            for s in added
        ]
        self._log.change(*changes)

    def checks(self) -> list[tuple[int, int, bool]]:
        """Return id, fragment and whether it was right, of each object checked, oldest first."""
        if not self._has("object_checks"):
            return []
        rows = self._log.select("SELECT id, fragment, is_right FROM object_checks ORDER BY id")
        return [(id_, fragment, bool(right)) for id_, fragment, right in rows]

    def add_check(self, fragment: int, *, right: bool) -> None:
        """Store that an object was checked."""
        row = (fragment, int(right), _now(), user_name())
        self._log.change((CHECKS, ()), ("INSERT INTO object_checks VALUES (NULL, ?, ?, ?, ?)", row))

    def remove_check(self, id_: int) -> None:
        """Forget a check."""
        self._log.change(("DELETE FROM object_checks WHERE id = ?", (id_,)))

    def _has(self, table: str) -> bool:
        found = self._log.select(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table
        )
        return bool(found)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
