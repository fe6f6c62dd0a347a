"""What is finished of a long piece of work, kept in a file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from napari_axonem.errors import StorageError

FLUSH_SECONDS = 2.0
"""So much work, at most, is done again after a crash."""


def _nothing() -> None:
    """Have nothing else to bring onto the disk."""


class Journal:
    """Finished items of work and their results, one JSON line each.

    The first line says what the work is about; a journal about something else is begun anew.
    Lines are kept back and appended in batches: first what the items have written is brought onto
    the disk, then their lines, so that a line which is there after a crash, or after a power cut,
    is true. A last line that a crash tore is dropped.

    Parameters
    ----------
    path
        The file; its folder exists.
    about
        Plain values (as JSON has them) that say what the work is about.
    settle
        Brings onto the disk what finished items have written.
    every
        Seconds between batches.

    Raises
    ------
    StorageError
        The file cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        about: Mapping[str, Any],
        settle: Callable[[], None] = _nothing,
        every: float = FLUSH_SECONDS,
    ) -> None:
        self._path = path
        self._settle = settle
        self._every = every
        self._done: dict[str, dict[int, Any]] = {}
        self._kept_back: list[str] = []
        head = _line({"about": about})
        lines = list(_whole_lines(path))
        goes_on = bool(lines) and lines[0] == head
        for line in lines[1:] if goes_on else ():
            entry = json.loads(line)
            self._done.setdefault(entry["stage"], {})[entry["item"]] = entry["result"]
        try:
            self._file = path.open("rb+" if goes_on else "wb")
            self._file.seek(sum(map(len, lines)) if goes_on else 0)
            self._file.truncate()
        except OSError as error:
            raise _unwritable(path, error) from error
        if not goes_on:
            self._append(head)
        self._flushed = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def done(self, stage: str) -> dict[int, Any]:
        """Return the finished items of a stage of the work, and the result of each."""
        return dict(self._done.get(stage, {}))

    def add(self, stage: str, item: int, result: Any) -> None:  # noqa: ANN401 - any plain value
        """Take down that an item is finished; it is kept with the next batch.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        self._done.setdefault(stage, {})[item] = result
        self._kept_back.append(_line({"stage": stage, "item": item, "result": result}))
        if time.monotonic() - self._flushed >= self._every:
            self.flush()

    def flush(self) -> None:
        """Bring all lines onto the disk.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        if self._kept_back:
            self._settle()
            self._append("".join(self._kept_back))
            self._kept_back.clear()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Bring all lines onto the disk and let go of the file; may be called twice.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        try:
            if not self._file.closed:
                self.flush()
        finally:
            self._file.close()

    def discard(self) -> None:
        """Remove the file: what it says has turned out to be wrong."""
        self._kept_back.clear()
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _append(self, lines: str) -> None:
        try:
            self._file.write(lines.encode("utf-8"))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self._path, error) from error


def journal_about(path: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what the journal at `path` is about, None where there is none.

    Raises
    ------
    StorageError
        The file cannot be read.
    """
    first = next(_whole_lines(path), None)
    return None if first is None else json.loads(first)["about"]


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, separators=(",", ":")) + "\n"


def _whole_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a journal up to the first that a crash has torn."""
    try:
        with path.open("rb") as file:
            for raw in file:
                line = raw.decode("ascii", "replace")
                if not line.endswith("\n") or not _is_json(line):
                    return
                yield line
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(
            f"cannot be read ({error.strerror or error})", where=path, remedy="check the disk"
        ) from error


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot be written ({error.strerror or error})",
        where=path,
        remedy="check that its disk has space and may be written to",
    )
