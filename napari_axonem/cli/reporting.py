"""What the command prints: progress on standard error, the result on standard output."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any, TextIO

from napari_axonem.progress import Progress
from napari_axonem.watching import Unwatched

PROGRESS_VARIABLE = "AXONEM_PROGRESS"
"""Set to ``json`` by a program that runs the command and shows the progress itself."""

SECONDS_BETWEEN_LINES = 60.0
SHARE_BETWEEN_LINES = 0.05
"""Lines of progress in a file are so far apart at least, the second of the time passed so far."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a verb in two forms."""

    data: Any
    """Plain values, printed with ``--json``."""

    text: str
    """The same for people."""

    status: int = 0
    """Exit status."""

    stopped: bool = False
    """Whether it was wished to stop before the end; the same command goes on."""


def show(outcome: Outcome, *, as_json: bool) -> None:
    """Print a result on standard output."""
    sys.stdout.write(json.dumps(outcome.data, indent=2) if as_json else outcome.text)
    sys.stdout.write("\n")
    sys.stdout.flush()


def progress_for(stream: TextIO) -> Progress:
    """Return how progress is told on `stream`: JSON lines, a line that moves, or a few lines."""
    if os.environ.get(PROGRESS_VARIABLE) == "json":
        return _JsonLines(stream)
    return _MovingLine(stream) if stream.isatty() else _FewLines(stream)


class _JsonLines:
    """One JSON object a line: ``{"done": 3, "total": 10, "doing": "writing fragments"}``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, done: int, total: int, doing: str) -> None:
        line = json.dumps({"done": done, "total": total, "doing": doing})
        self._stream.write(line + "\n")
        self._stream.flush()


class _Pace:
    """Words for what is done, how far, how fast, and the time left."""

    def __init__(self) -> None:
        self._doing = ""
        self._since = 0.0
        self._from = 0

    def words(self, now: float, done: int, total: int, doing: str) -> str:
        """Return the words at a time in seconds."""
        if doing != self._doing:
            # Work that is taken up again begins in the middle, and was not that fast.
            self._doing, self._since, self._from = doing, now, done
        share = f"{done}/{total}" if total > 0 else str(done)
        new, passed = done - self._from, now - self._since
        rate = f", {new / passed:.3g}/s" if new and passed else ""
        left = f", {passed / new * (total - done):.0f} s left" if new and total > done else ""
        return f"{doing}: {share}{rate}{left}"


class _MovingLine:
    """A line that is written over, for a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._pace = stream, _Pace()

    def __call__(self, done: int, total: int, doing: str) -> None:
        words = self._pace.words(time.monotonic(), done, total, doing)
        self._stream.write(f"\r\x1b[K{words}")
        if done == total:
            self._stream.write("\r\x1b[K")
        self._stream.flush()


class _FewLines:
    """Lines for a file that somebody looks into: none in the first minute, then fewer and fewer."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._pace = stream, _Pace()
        self._began = time.monotonic()
        self._next = self._began + SECONDS_BETWEEN_LINES

    def __call__(self, done: int, total: int, doing: str) -> None:
        now = time.monotonic()
        words = self._pace.words(now, done, total, doing)
        if now < self._next:
            return
        self._next = now + max(SECONDS_BETWEEN_LINES, SHARE_BETWEEN_LINES * (now - self._began))
        self._stream.write(f"{words}\n")
        self._stream.flush()


class Spoken(Unwatched):
    """Watches for a person at a terminal: lines and what validations found on standard error."""

    def __init__(self) -> None:
        super().__init__(progress_for(sys.stderr))

    def say(self, text: str) -> None:
        """Write the line."""
        sys.stderr.write(f"\r\x1b[K{text}\n" if sys.stderr.isatty() else f"{text}\n")
        sys.stderr.flush()

    def scalar(self, name: str, step: int, value: float) -> None:
        """Say what validations found; losses are for curves."""
        if "validation" in name:
            self.say(f"mini-batch {step}: {name} {value:.4g}")
