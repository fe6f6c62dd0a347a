"""What happened in a job: lines that one process adds, and any number read as they come.

A line is a JSON object with the time, the kind, and what belongs to the kind. It is added by one
call of the system, so that a reader sees a line whole or without its end, and leaves the latter
for later. A line that was torn by a full disk, or by anything else, is passed over.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

AT_ONCE = 2**19
"""Bytes that are read at once: a log of days must not hold up who reads it."""

RESERVE = 2**16
"""Bytes kept free for the last event, so that a full disk does not hide how the work ended."""

RESERVE_FILE = "reserve"


class Kind(StrEnum):
    """Kinds of events."""

    LAUNCHED = "launched"
    """A process was started: ``pid``, ``born``, ``host``."""

    BEGAN = "began"
    """The process has taken up the work: ``pid``, ``born``, ``host``, ``version``."""

    PROGRESS = "progress"
    """``done``, ``total``, ``doing``."""

    SCALAR = "scalar"
    """``name``, ``step``, ``value``."""

    PICTURE = "picture"
    """``name``, ``step``, ``file`` in the folder of pictures."""

    LINE = "line"
    """``text``, for a person."""

    PAUSED = "paused"
    GOING_ON = "going on"

    ENDED = "ended"
    """``how`` ("done", "stopped" or "failed"), ``text``, ``data``."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    time: float
    """Seconds since 1970."""

    kind: Kind
    values: Mapping[str, Any]


class EventLog:
    """Adds events; what the disk refuses is dropped, because the work matters more.

    Parameters
    ----------
    path
        The file, which may be there already.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = path.with_name(RESERVE_FILE)
        self._torn = _is_torn(path)
        self.dropped = 0
        """Events that could not be written."""

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._reserve.write_bytes(os.urandom(RESERVE))
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._reserve.unlink(missing_ok=True)

    def add(self, kind: Kind, **values: object) -> bool:
        """Write down that something happened; return whether the disk took it."""
        if kind is Kind.ENDED:
            self.__exit__()
        told = {"time": round(time.time(), 3), "kind": str(kind), **values}
        line = json.dumps(told, default=str).encode() + b"\n"
        if self._torn:
            line = b"\n" + line
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                written = os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError:
            self.dropped += 1
            return False
        self._torn = written < len(line)
        self.dropped += self._torn
        return not self._torn


class EventReader:
    """Reads events from where it stopped reading.

    Parameters
    ----------
    path
        The file, which may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.damaged = 0
        """Lines that could not be read, and were passed over."""

    @property
    def has_more(self) -> bool:
        """Whether there is something that was not read yet."""
        try:
            return self._path.stat().st_size > self._offset
        except OSError:
            return False

    def new(self) -> list[Event]:
        """Return what came since the last call, or as much as is read at once."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read(AT_ONCE)
        except OSError:
            return []
        end = text.rfind(b"\n") + 1
        if end == 0 and len(text) == AT_ONCE:
            end = len(text)  # no event is that long
        self._offset += end
        events = [self._event(line) for line in text[:end].split(b"\n") if line.strip()]
        return [event for event in events if event is not None]

    def _event(self, line: bytes) -> Event | None:
        try:
            told = json.loads(line)
            return Event(float(told.pop("time")), Kind(told.pop("kind")), told)
        except (ValueError, KeyError, TypeError, AttributeError):
            self.damaged += 1
            return None


def _is_torn(path: Path) -> bool:
    """Tell whether a file ends in the middle of a line."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False
