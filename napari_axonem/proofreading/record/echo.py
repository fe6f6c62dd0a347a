"""The echo: a second record of every change to a project's database, in files of its own.

A copy of the database and the echo since then make up the database as it is now. Each change has a
random *mark*, which the database holds as well: that of the newest change in it. A record names
the mark that the database had before the change and the one it had after it, so that the records
that come after a copy are found by following the marks, each once, whatever files they lie in.

A record is written before its transaction is committed: what the database confirmed is in the
echo. One that was never committed does no harm, as the next change begins at the same mark as it.
A record that the disk refuses is no failure of an edit, which the database holds. It is counted,
and the marks cannot be followed over it, so that a new copy is due.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from napari_axonem.errors import ProjectError
from napari_axonem.proofreading.record.folder import next_stamp
from napari_axonem.proofreading.record.marks import MARK_BYTES
from napari_axonem.volumes.disk import flush_folder

Change: TypeAlias = tuple[str, tuple[object, ...]]
"""A statement that changes a table, and its values."""

UNREADABLE = (OSError, ValueError, KeyError, TypeError)
"""What `Record.changes` may raise where a file has changed since it was checked."""

_CHECKSUM = struct.Struct("<I")
_HEAD = struct.Struct(f"<I{MARK_BYTES}s{MARK_BYTES}s")
"""Bytes of the content, and the marks before and after it; all that the checksum is of, with it."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where one change lies in the echo."""

    before: bytes
    """The mark of the database that it was made to."""

    mark: bytes
    """The mark of the database with it."""

    path: Path
    start: int
    """First byte of the content in the file."""

    size: int
    """Bytes of the content."""

    def changes(self) -> list[Change]:
        """Read the statements with their values, in order; may raise one of `UNREADABLE`."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            content = json.loads(file.read(self.size), object_hook=_as_bytes)
        return [(statement, tuple(values)) for statement, values in content]


class Echo:
    """Adds records; one writer a project.

    Parameters
    ----------
    folder
        Where the files lie; made with the first of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self._is_new = False
        self._newest: tuple[bytes, int] = b"", 0
        self.failures = 0
        """Records that the disk refused: copies from before the last of them are not continued."""

    def add(self, before: bytes, mark: bytes, changes: Sequence[Change], *, sync: bool) -> None:
        """Add the record of a change that is about to be committed; failures are counted.

        Parameters
        ----------
        before, mark
            The marks of the database without and with the change.
        sync
            Whether it has to be on the disk when this returns, and not only with the system.
        """
        try:
            content = json.dumps(changes, default=_as_text, separators=(",", ":")).encode()
            body = _HEAD.pack(len(content), before, mark) + content
            file = self._opened()
            self._newest = mark, os.lseek(file, 0, os.SEEK_END)
            _write(file, _CHECKSUM.pack(zlib.crc32(body)) + body)
            if sync:
                os.fsync(file)
                if self._is_new:
                    flush_folder(self._folder)
                    self._is_new = False
        except (OSError, MemoryError, struct.error):  # a threshold may have gigabytes
            self.failures += 1
            self.close()  # what comes next must not follow half a record

    def take_back(self, mark: bytes) -> None:
        """Remove the newest record, of a change that was not committed after all."""
        newest, start = self._newest
        if self._file is not None and newest == mark:
            with suppress(OSError):
                os.ftruncate(self._file, start)

    def close(self) -> None:
        """End the file; the next record begins another."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
        self._file = None

    def _opened(self) -> int:
        if self._file is None:
            self._folder.mkdir(exist_ok=True)
            path = self._folder / f"{next_stamp(self._folder)}.echo"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file, self._is_new = os.open(path, flags, 0o666), True
        return self._file


def files(folder: Path) -> list[Path]:
    """Return the files of the echo, oldest first."""
    return sorted(folder.glob("[0-9]*.echo"))


def records_after(folder: Path, mark: bytes) -> list[Record]:
    """Return the changes that lead from a database with `mark` to the newest that they lead to."""
    known: dict[bytes, Record] = {}
    newest = mark
    for record in (found for path in files(folder) for found in _whole_records(path)):
        begins = record.before == mark or record.before in known
        if begins and record.mark != mark and record.mark not in known:
            known[record.mark] = record
            newest = record.mark
    way = []
    while newest != mark:
        way.append(known[newest])
        newest = known[newest].before
    return way[::-1]


def require_newest(folder: Path, mark: bytes | None) -> None:
    """Refuse a database that lacks changes which it had confirmed, as it is older or lost its end.

    One change may be in the echo alone, where the process ended before it was confirmed.

    Raises
    ------
    ProjectError
        It lacks more.
    """
    lost = 0 if mark is None else len(records_after(folder, mark))
    if lost > 1:
        raise ProjectError(
            f"its database lacks the last {lost} changes that were made to it",
            where=folder.parent,
            remedy="'napari-axonem project restore' brings them back; to do without them for good, "
            f"rename the folder {folder.name}",
        )


def remove_before(folder: Path, oldest: Path) -> None:
    """Remove the files all of whose records are older than the copy `oldest`."""
    found = files(folder)
    for path, following in pairwise(found):
        if following.name < oldest.name:  # so this one had ended when the copy was begun
            path.unlink(missing_ok=True)


def _whole_records(path: Path) -> Iterator[Record]:
    """Yield the records of a file up to one that is torn or damaged."""
    first = _CHECKSUM.size + _HEAD.size
    with suppress(OSError), path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size
        while len(head := file.read(first)) == first:
            (checksum,) = _CHECKSUM.unpack_from(head)
            size, before, mark = _HEAD.unpack_from(head, _CHECKSUM.size)
            left -= first
            if size > left:
                return
            if zlib.crc32(file.read(size), zlib.crc32(head[_CHECKSUM.size :])) != checksum:
                return
            left -= size
            yield Record(before, mark, path, file.tell() - size, size)


def _write(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:  # the system takes a part where it has not room for all, and says why next time
        rest = rest[os.write(file, rest) :]


def _as_text(value: Any) -> dict[str, str]:  # noqa: ANN401 - any value that is no JSON
    return {"bytes": base64.b64encode(value).decode()}


def _as_bytes(value: dict[str, str]) -> bytes:
    return base64.b64decode(value["bytes"], validate=True)
