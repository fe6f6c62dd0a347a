"""A watcher that writes down what it is told, and asks the job's folder for wishes."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy.typing as npt

from napari_axonem.jobs import processes
from napari_axonem.jobs.events import EventLog, Kind
from napari_axonem.jobs.folder import JobFolder, Wished
from napari_axonem.watching import Wish

TELL_EVERY_S = 0.25
"""Progress is written down no more often; what is done, and what is done next, always is."""

ASK_EVERY_S = 0.1
"""The file with the wish is read no more often."""

MEASURE_EVERY_S = 5.0
"""Memory is measured no more often."""

KEPT = 20
"""Pictures of one name that are kept, the latest ones."""

GB = 1e9


class JobWatcher:
    """Watches work on behalf of the folder of a job.

    Parameters
    ----------
    folder
        Of the job.
    log
        Where events go.
    """

    def __init__(self, folder: JobFolder, log: EventLog) -> None:
        self._folder, self._log = folder, log
        self._told, self._doing = 0.0, ""
        self._asked, self._wish = 0.0, Wish.GO_ON
        self._wished = self._granted = folder.wished().number
        self._measured = 0.0

    def progress(self, done: int, total: int, doing: str) -> None:
        """Write it down, but not too often."""
        now = time.monotonic()
        if doing == self._doing and done != total and now - self._told < TELL_EVERY_S:
            return
        self._told, self._doing = now, doing
        self._log.add(Kind.PROGRESS, done=done, total=total, doing=doing)
        if now - self._measured > MEASURE_EVERY_S:
            self._measured = now
            self.scalar("memory/GB", done, processes.memory() / GB)

    def scalar(self, name: str, step: int, value: float) -> None:
        """Write it down."""
        self._log.add(Kind.SCALAR, name=name, step=int(step), value=float(value))

    def picture(self, name: str, step: int, pixels: npt.NDArray[Any]) -> None:
        """Write it to a file of its own; it is dropped where the disk refuses it."""
        from PIL import Image

        stem = re.sub(r"[^\w-]+", "-", name)
        path = self._folder.pictures / f"{stem}-{step:09d}.png"
        partial = path.with_suffix(".partial")
        try:
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(partial, format="PNG")
            partial.replace(path)
            for old in sorted(path.parent.glob(f"{stem}-{'[0-9]' * 9}.png"))[:-KEPT]:
                old.unlink()
        except OSError:
            partial.unlink(missing_ok=True)
            return
        self._log.add(Kind.PICTURE, name=name, step=int(step), file=path.name)

    def say(self, text: str) -> None:
        """Write it down."""
        self._log.add(Kind.LINE, text=text)

    def wish(self) -> Wish:
        """Return what is wished; a wish for a checkpoint is given once."""
        now = time.monotonic()
        if now - self._asked >= ASK_EVERY_S:
            self._asked = now
            self._take(self._folder.wished())
        if self._wish is not Wish.CHECKPOINT:
            return self._wish
        if self._wished == self._granted:
            return Wish.GO_ON
        self._granted = self._wished
        return Wish.CHECKPOINT

    def _take(self, wished: Wished) -> None:
        """Take another wish, and write down where a pause begins and ends."""
        if (wished.wish is Wish.PAUSE) is not (self._wish is Wish.PAUSE):
            self._log.add(Kind.PAUSED if wished.wish is Wish.PAUSE else Kind.GOING_ON)
        self._wish, self._wished = wished.wish, wished.number
