"""One writer a project: a lock that the operating system drops when its holder dies.

The lock is an open exclusive transaction on a small SQLite file: SQLite knows how files are
locked on every platform, and a killed process leaves nothing behind that blocks the next.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from napari_axonem.errors import ProjectLockedError, StorageError
from napari_axonem.proofreading.record.log import user_name

LOCK_FILE = "writer.lock"
HOLDER_FILE = "writer.json"


class WriterLock:
    """Holds a project for writing until `release`.

    Parameters
    ----------
    folder
        The project's folder.

    Raises
    ------
    ProjectLockedError
        Another process holds it; the message says who, where and since when.
    StorageError
        The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._holder = folder / HOLDER_FILE
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = sqlite3.connect(
                folder / LOCK_FILE, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if self._connection is not None:
                self._connection.close()
            if "locked" not in str(error):
                raise StorageError(
                    f"the project cannot be opened for writing ({error})",
                    where=folder,
                    remedy="check the permissions and the space on the disk",
                ) from error
            raise ProjectLockedError(
                f"{_describe(self._holder)} has it open for writing",
                where=folder,
                remedy="close it there, or open the project read-only",
            ) from error
        holder = {
            "user": user_name(),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with suppress(OSError):  # the lock holds; others are only not told whose it is
            self._holder.write_text(json.dumps(holder), encoding="utf-8")

    def release(self) -> None:
        """Let others write; may be called twice."""
        if self._connection is None:  # by now the file may name somebody else
            return
        with suppress(OSError):
            self._holder.unlink()
        self._connection.close()
        self._connection = None


def _describe(holder: Path) -> str:
    try:
        who = json.loads(holder.read_text(encoding="utf-8"))
        return f"{who['user']} on {who['host']} (process {who['process']}, since {who['since']})"
    except (OSError, ValueError, KeyError):
        return "another process"
