"""How long work is followed, and told what to do: more than progress, less than a window.

Work that takes hours (training, segmentation) says how far it is, which figures it has reached
and what it made, and asks between steps whether it shall go on. It knows nothing of who listens:
a test, a terminal, or a job's file of events.
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Any, Protocol

import numpy.typing as npt

from napari_axonem.progress import Progress, silent

PAUSE_SECONDS = 0.2
"""How long paused work sleeps before it asks again."""


class Wish(StrEnum):
    """What whoever watches wants of the work."""

    GO_ON = "go on"
    PAUSE = "pause"
    """Wait, holding what is in memory, until another wish comes."""

    CHECKPOINT = "checkpoint"
    """Write a checkpoint now, then go on; asked once, given once."""

    STOP = "stop"
    """Write a checkpoint and end; the same command goes on later."""


class Watcher(Protocol):
    """Is told what long work does, and says what it shall do."""

    def progress(self, done: int, total: int, doing: str) -> None:
        """Take that `done` of `total` steps of the work named `doing` are finished."""

    def scalar(self, name: str, step: int, value: float) -> None:
        """Take one point of the curve `name`, such as ``"loss/train"``, at a step."""

    def picture(self, name: str, step: int, pixels: npt.NDArray[Any]) -> None:
        """Take a picture, uint8, shape (y, x) grey or (y, x, 3) colours."""

    def say(self, text: str) -> None:
        """Take one line for a person."""

    def wish(self) -> Wish:
        """Return what the work shall do; it asks between steps."""


def wish_after_pause(watcher: Watcher) -> Wish:
    """Return what is wished, having waited for as long as a pause is."""
    while (wish := watcher.wish()) is Wish.PAUSE:
        time.sleep(PAUSE_SECONDS)
    return wish


class Unwatched:
    """A watcher that only passes progress on, and never wishes anything.

    Parameters
    ----------
    progress
        Where progress goes.
    """

    def __init__(self, progress: Progress = silent) -> None:
        self._progress = progress

    def progress(self, done: int, total: int, doing: str) -> None:
        """Pass it on."""
        self._progress(done, total, doing)

    def scalar(self, name: str, step: int, value: float) -> None:
        """Let it go."""

    def picture(self, name: str, step: int, pixels: npt.NDArray[Any]) -> None:
        """Let it go."""

    def say(self, text: str) -> None:
        """Let it go."""

    def wish(self) -> Wish:
        """Go on."""
        return Wish.GO_ON
