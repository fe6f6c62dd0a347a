"""The command's side of a job: it holds the folder, and writes down how the work ends."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from napari_axonem import __version__
from napari_axonem.jobs import processes
from napari_axonem.jobs.events import RESERVE, EventLog, Kind
from napari_axonem.jobs.folder import JobFolder
from napari_axonem.jobs.watcher import JobWatcher
from napari_axonem.progress import Progress
from napari_axonem.watching import Watcher, Wish, wish_after_pause

JOB_VARIABLE = "AXONEM_JOB"
"""Names the job's folder, to the command that does the work."""


class RunningJob:
    """A job that this process does.

    Parameters
    ----------
    log
        Of the job.
    watcher
        What the work is watched by.
    """

    def __init__(self, log: EventLog, watcher: JobWatcher) -> None:
        self._log = log
        self.watcher = watcher

    def end(self, how: str, text: str, data: object = None) -> None:
        """Write down how the work ended: "done", "stopped" or "failed"."""
        fits = len(json.dumps(data, default=str)) < RESERVE // 4
        kept: Any = data if fits else None
        self._log.add(Kind.ENDED, how=how, text=text[: RESERVE // 4], data=kept)


@contextmanager
def running_job() -> Iterator[RunningJob | None]:
    """Give the job that the environment names, held by this process; None where it names none.

    Of copies under torchrun only the first does the job, the others help.

    Raises
    ------
    JobTakenError
        Another process does it.
    StorageError
        Its folder cannot be written.
    """
    named = os.environ.pop(JOB_VARIABLE, "")  # whatever this process starts is no job
    if not named or os.environ.get("RANK", "0") != "0":
        yield None
        return
    folder = JobFolder(Path(named))
    with folder.held(), EventLog(folder.events) as log:
        log.add(Kind.BEGAN, **processes.about(), version=__version__)
        yield RunningJob(log, JobWatcher(folder, log))


def heeding(watcher: Watcher) -> Progress:
    """Return a progress for work that asks for no wishes: it waits and stops for it.

    The work is stopped as by Control-C, which all work knows how to tidy up after.
    """

    def progress(done: int, total: int, doing: str) -> None:
        watcher.progress(done, total, doing)
        if wish_after_pause(watcher) is Wish.STOP:
            raise KeyboardInterrupt

    return progress
