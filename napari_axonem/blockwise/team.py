"""Workers that run a function over blocks: this process, others, or those of a cluster."""

from __future__ import annotations

import contextlib
import itertools
import logging
import signal
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from napari_axonem.blockwise.journal import Journal
from napari_axonem.errors import AxonemError, BlockError, SettingsError
from napari_axonem.progress import Progress, silent

if TYPE_CHECKING:  # imported when used: half a second that few commands need
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

FEW = 4
"""So few blocks are not worth the two seconds in which processes start."""

QUEUED = 2
"""Blocks under way for each thread of a worker: one is worked on, one waits."""

PATIENCE = 60
"""Seconds in which a cluster must answer and have a worker."""


class Team:
    """Workers that run functions over blocks, until `close`.

    Processes, not threads, work on this machine. Writing 1 GB of uint32 labels as a pyramid (zarr,
    zstd, most frequent ids) took on two cores 7.6 s with two processes, the 2 s in which they start
    counted in, 9.0 s with two threads, 11.5 s with one: zarr holds Python's lock much of the time.

    A script that uses more than one worker needs the usual ``if __name__ == "__main__":``, because
    each process imports it.

    Parameters
    ----------
    workers
        Processes of this machine; 0 means one for each core, 1 means this process itself.
    scheduler
        Address of a scheduler of dask.distributed, such as ``"tcp://10.0.0.1:8786"``, whose
        workers take the place of processes. They have this package installed and see files under
        the same paths. What a worker that died had under way is run again by others.
    few
        Up to so many blocks are done in this process without starting others.
    """

    def __init__(self, workers: int = 0, scheduler: str = "", few: int = FEW) -> None:
        self._workers = workers or _cores()
        self._scheduler = scheduler
        self._few = few
        self._open = contextlib.ExitStack()
        self._client: Client | None = None
        self._under_way: dict[Future[Any], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what is under way and let the workers go; may be called twice."""
        try:
            self._stop()
        finally:
            self._client = None
            self._open.close()

    def run(
        self,
        function: Callable[[T], R],
        items: Sequence[T],
        progress: Progress = silent,
        doing: str = "working",
        journal: Journal | None = None,
    ) -> Iterator[tuple[int, R]]:
        """Run `function` on each of `items` and yield index and result as they finish.

        An item may be run again after a crash or when a worker has died: `function` must leave
        the same whether it ran once or several times, wholly or in part.

        Parameters
        ----------
        function
            Picklable; sent along with each item, so that large tables belong into files.
        items
            Picklable.
        progress
            Called after each item. When it raises, nothing goes on in the background.
        doing
            What the work is called, in progress and in the journal.
        journal
            Finished items are yielded from it and not run again; new ones are added once the
            caller has taken them. Results are plain values then.

        Raises
        ------
        AxonemError
            From `function`, as it was.
        BlockError
            `function` failed in another way, or every worker that was given the item died.
        SettingsError
            The scheduler does not answer or has no workers.
        """
        finished = journal.done(doing) if journal else {}
        done, total = len(finished), len(items)
        progress(done, total, doing)
        yield from ((i, r) for i, r in sorted(finished.items()) if i < total)
        todo = [(i, item) for i, item in enumerate(items) if i not in finished]
        with contextlib.closing(self._results(_Named(function), todo)) as results:
            for index, result in results:
                yield index, result
                if journal:
                    journal.add(doing, index, result)
                done += 1
                progress(done, total, doing)

    def _results(
        self, function: Callable[[T], R], todo: list[tuple[int, T]]
    ) -> Generator[tuple[int, R]]:
        here = self._client is None and not self._scheduler
        if here and (self._workers == 1 or len(todo) <= self._few):
            for index, item in todo:
                yield index, function(item)
        elif todo:
            try:
                yield from self._streamed(self._connected(), function, todo)
            finally:
                self._stop()

    def _streamed(
        self, client: Client, function: Callable[[T], R], todo: list[tuple[int, T]]
    ) -> Iterator[tuple[int, R]]:
        """Keep a few items under way, and hand in another for each that comes back."""
        from distributed import as_completed

        run = uuid.uuid4().hex
        items = dict(todo)
        waiting = iter(todo)
        finished = as_completed(loop=client.loop)

        def hand_in() -> None:
            room = max(QUEUED, QUEUED * sum(client.nthreads().values())) - len(self._under_way)
            for index, item in itertools.islice(waiting, max(0, room)):
                key = f"block-{run}-{index}"
                future = client.submit(function, item, key=key, pure=False)
                self._under_way[future] = index
                finished.add(future)

        hand_in()
        for future in finished:
            index = self._under_way[future]
            result = _result_of(future, items[index])
            del self._under_way[future]
            yield index, result
            hand_in()

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._open.enter_context(
                _cluster(self._scheduler) if self._scheduler else _processes(self._workers)
            )
        return self._client

    def _stop(self) -> None:
        """Call off what has not begun, and wait for what has: no worker may go on writing."""
        if not self._under_way or self._client is None:
            return
        from distributed import CancelledError

        keys = {future.key for future in self._under_way}
        self._client.cancel(list(self._under_way))
        self._under_way.clear()
        with contextlib.suppress(OSError, CancelledError):  # of a scheduler that is gone
            _reach(self._client)
            while any(self._client.run(_known_of, keys, on_error="ignore").values()):
                time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class _Named(Generic[T, R]):
    """A function whose failures name the item."""

    function: Callable[[T], R]

    def __call__(self, item: T) -> R:
        try:
            return self.function(item)
        except AxonemError:
            raise
        except Exception as error:
            raise BlockError(f"{type(error).__name__}: {error}", where=item) from error


def _result_of(future: Future[Any], item: object) -> Any:  # noqa: ANN401 - whatever the function gives
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise BlockError(
            "every worker that was given it died",
            where=item,
            remedy="look for a lack of memory; fewer --workers need less",
        ) from error
    except CancelledError as error:
        raise BlockError(
            "the scheduler has lost it",
            where=item,
            remedy="see whether the scheduler is running, then start the same command again",
        ) from error


def _reach(client: Client) -> None:
    """Wait until every worker has what the scheduler sent it up to now.

    A task that is on its way to a worker is known to nobody there yet; what is handed in later
    arrives after it.
    """
    marks = [
        client.submit(
            _nothing, key=uuid.uuid4().hex, pure=False, workers=[worker], allow_other_workers=True
        )
        for worker in client.nthreads()
    ]
    client.gather(marks)


def _nothing() -> None:
    """Do nothing, where it was sent to."""


def _known_of(keys: set[str], dask_worker: Any = None) -> int:  # noqa: ANN401 - untyped there
    """Return how many tasks with these keys the worker this runs on still has."""
    return len(keys & set(dask_worker.state.tasks))


@contextlib.contextmanager
def _processes(count: int) -> Iterator[Client]:
    """Start processes of one thread each on this machine."""
    import dask
    from distributed import Client, LocalCluster

    # Distributed tells the memory allocator of its workers to give everything back at once, which
    # doubles the processor time of work on blocks (600,000 page faults for half a GB); and for
    # that, and for the threads of numeric libraries, it changes the environment of this process.
    untouched = dask.config.set({"distributed.nanny.pre-spawn-environ": {}})
    with untouched, _deaf_to_interrupts():
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=None,  # what is under way is bounded: nothing has to be paused or spilled
            dashboard_address="127.0.0.1:0",  # None would take the usual port of a dashboard
            silence_logs=logging.CRITICAL,
        )
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let the processes that the body starts, and this one meanwhile, ignore Control-C.

    A terminal sends it to all of them, but it is this process that stops them, in good order.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # it may not say how signals are taken
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[Client]:
    """Connect to a scheduler that has at least one worker."""
    from distributed import Client

    with contextlib.ExitStack() as held:
        try:
            client = held.enter_context(Client(address, timeout=PATIENCE, set_as_default=False))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError) as error:  # a timeout is an OSError
            raise SettingsError(
                f"no scheduler with workers at {address} ({error})",
                where="--scheduler",
                remedy="start 'dask scheduler' and 'dask worker', or leave it out to use this "
                "machine",
            ) from error
        yield client


def _cores() -> int:
    """Return how many cores this process may use; a container may grant fewer than there are."""
    from dask.system import cpu_count

    return int(cpu_count())
