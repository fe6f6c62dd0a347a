"""What lies where in the folder of a job, who holds it, and what is wished of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from napari_axonem.errors import JobTakenError, VolumeError
from napari_axonem.volumes.disk import exclusive, replacing
from napari_axonem.watching import Wish

PATIENCE_S = 5
"""How long a process that takes up a job waits for others to let go of the lock."""


@dataclass(frozen=True, slots=True)
class Wished:
    """What is wished of the work."""

    wish: Wish
    number: int
    """Which wish this is, so that a checkpoint that is wished twice is written twice."""


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The folder of a job."""

    root: Path

    @property
    def specification(self) -> Path:
        """What shall be done."""
        return self.root / "job.json"

    @property
    def events(self) -> Path:
        """What happened, a line each."""
        return self.root / "events.jsonl"

    @property
    def output(self) -> Path:
        """What the command wrote on its standard streams."""
        return self.root / "output.txt"

    @property
    def pictures(self) -> Path:
        """The folder of pictures that the work has shown."""
        return self.root / "pictures"

    @property
    def wish_file(self) -> Path:
        """What whoever watches wishes."""
        return self.root / "wish.json"

    @property
    def lock(self) -> Path:
        """Held by the process that does the work."""
        return self.root / "lock"

    def wish(self, wish: Wish) -> None:
        """Wish something of the work; it is read between its steps.

        Raises
        ------
        StorageError
            The folder cannot be written.
        """
        wished = {"wish": str(wish), "number": self.wished().number + 1}
        with replacing(self.wish_file, overwrite=True) as path:
            path.write_text(json.dumps(wished), encoding="utf-8")

    def wished(self) -> Wished:
        """Return what is wished; to go on, where nothing that can be read says otherwise."""
        try:
            told = json.loads(self.wish_file.read_text(encoding="utf-8"))
            return Wished(Wish(told["wish"]), int(told["number"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Wished(Wish.GO_ON, 0)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the job, so that nobody else does it; the system lets go when the process dies.

        Raises
        ------
        JobTakenError
            Another process holds it.
        """
        # Patient, because whoever lists jobs may look at the lock in this very moment.
        lock = exclusive(self.lock, "another process is doing this job", patience=PATIENCE_S)
        with ExitStack() as stack:
            try:
                stack.enter_context(lock)
            except VolumeError as error:
                raise JobTakenError(error.seen, where=self.root, remedy="follow it") from error
            yield

    def is_held(self) -> bool:
        """Tell whether a process is doing the job now."""
        if not self.lock.exists():
            return False
        address = f"{self.lock.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=0)) as lock:
                lock.execute("SELECT 1 FROM sqlite_master").fetchall()
        except sqlite3.OperationalError as error:
            return "locked" in str(error)
        return False
