"""Threads that decode chunks: what is looked at first, what may be looked at next after that.

The threads end with the program, whatever they do: they are daemons, unlike those of
`concurrent.futures`, which a program waits for before it ends.
"""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

LOCAL_WORKERS = max(2, min(8, os.cpu_count() or 1))
"""Decoding is work for the processor."""

REMOTE_WORKERS = 16
"""Most of the time these wait for an answer."""


@dataclass(slots=True, eq=False)
class Job:
    """A piece of work whose result is awaited; it is done once, however often it is asked for."""

    work: Callable[[], Any]
    """Does it."""

    group: object
    """What it belongs to; jobs are dropped by group."""

    future: Future[Any] = field(default_factory=Future)
    """Has the result, or the error; is cancelled when the job was dropped."""

    def run(self) -> None:
        """Do it; whoever calls this has claimed it."""
        try:
            result = self.work()
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def claim(self) -> bool:
        """Tell whether it is still to be done; then it must be run. Under the queues' lock."""
        waits = not (self.future.running() or self.future.done())
        return waits and self.future.set_running_or_notify_cancel()

    def cancel(self) -> None:
        """Give it up, unless it has begun, and tell who waits for it. Under the queues' lock."""
        if self.future.cancel():
            self.future.set_running_or_notify_cancel()  # it is what tells `wait`


class Decoders:
    """A few threads with two queues.

    Parameters
    ----------
    workers
        Number of threads; with 0 nothing happens but by `run_next`.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._urgent: deque[Job] = deque()
        self._ahead: deque[Job] = deque()
        self._threads: list[Thread] = []
        self._ready = Condition()
        self._ended = False

    def urgent(self, jobs: Collection[Job]) -> None:
        """Do these before all others, in their order; a job that waits in a queue moves up."""
        with self._ready:
            self._urgent.extendleft(reversed(list(jobs)))
            self._wake(len(jobs))

    def ahead(self, jobs: Collection[Job]) -> None:
        """Do these, in their order, when nothing urgent is left."""
        with self._ready:
            self._ahead.extend(jobs)
            self._wake(len(jobs))

    def drop(self, group: object, keep: Iterable[Job] = ()) -> None:
        """Cancel the jobs of a group that nobody has begun, but those to `keep`."""
        kept = {id(job) for job in keep}

        def stays(job: Job) -> bool:
            return job.group != group or id(job) in kept

        with self._ready:
            gone = [job for job in (*self._urgent, *self._ahead) if not stays(job)]
            self._urgent = deque(job for job in self._urgent if stays(job))
            self._ahead = deque(job for job in self._ahead if stays(job))
            for job in {id(job): job for job in gone}.values():
                job.cancel()

    def run_next(self) -> bool:
        """Do the next job in this thread; return whether there was one."""
        with self._ready:
            job = self._next()
        if job is None:
            return False
        job.run()
        return True

    def end(self) -> None:
        """Begin nothing any more."""
        with self._ready:
            self._ended = True
            self._urgent.clear()
            self._ahead.clear()
            self._ready.notify_all()

    def _next(self) -> Job | None:
        for queue in (self._urgent, self._ahead):
            while queue:
                job = queue.popleft()
                if job.claim():  # else it stood in both queues, and the other one came first
                    return job
        return None

    def _wake(self, jobs: int) -> None:
        while len(self._threads) < self.workers and not self._ended:
            thread = Thread(target=self._work, name="napari-axonem decoding", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._ready.notify(jobs)

    def _work(self) -> None:
        while True:
            with self._ready:
                job = self._next()
                while job is None and not self._ended:
                    self._ready.wait()
                    job = self._next()
            if job is None:
                return
            job.run()
            del job  # it would keep its chunk until the next one comes


LOCAL, REMOTE = Decoders(LOCAL_WORKERS), Decoders(REMOTE_WORKERS)
"""Those of files on this machine, and of what comes over a network: one may hang, the other not."""

atexit.register(LOCAL.end)
atexit.register(REMOTE.end)
