"""Run the stages of a pipeline: in turn in one thread, or each in a thread of its own.

Both do the passes of each stage in the order of `schedules.program`, and what a stage computes
depends on that order alone: the results are the same, bit by bit on the CPU.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

import torch

from napari_axonem.errors import AxonemError, StageError, StageMemoryError
from napari_axonem.pipeline.channels import Channel, Closed
from napari_axonem.pipeline.messages import Return, Work
from napari_axonem.pipeline.schedules import Rhythm
from napari_axonem.pipeline.stage import Stage

T = TypeVar("T")

JOIN_SECONDS = 1.0
"""How long a failure waits for stages in the middle of an operation, which nothing can stop."""

UNBOUNDED = 1 << 40


def run_serially(
    stages: Sequence[Stage], rhythms: Sequence[Rhythm], works: Iterable[Work]
) -> Iterator[Return]:
    """Run (micro-)batches through the stages in turn; yield each when stage 0 is done with it.

    After each group of forward passes through all stages, the backward passes that are due go
    from the last stage to the first.
    """
    group = rhythms[0].group
    waiting: list[deque[Return]] = [deque() for _ in stages]
    fed = 0
    for work in works:
        onward: Work | None = work
        for stage in stages:
            assert onward is not None
            with telling(stage):
                onward = stage.forward(onward)
        fed += 1
        if fed % group == 0:
            yield from _backward_sweep(stages, rhythms, waiting, fed // group - 1)
    rounds = fed // group
    for n in range(rounds, rounds + max(rhythm.lag for rhythm in rhythms)):
        yield from _backward_sweep(stages, rhythms, waiting, n, rounds)


def _backward_sweep(
    stages: Sequence[Stage],
    rhythms: Sequence[Rhythm],
    waiting: list[deque[Return]],
    n: int,
    rounds: int | None = None,
) -> Iterator[Return]:
    """Do the backward passes that are due after the forward passes of group `n`."""
    for stage, rhythm in zip(reversed(stages), reversed(rhythms), strict=True):
        due = n - rhythm.lag
        if due < 0 or (rounds is not None and due >= rounds):
            continue
        for member in range(rhythm.group):
            back = None if stage.is_last else waiting[stage.number].popleft()
            with telling(stage):
                gone = stage.backward(back, is_step=member == rhythm.group - 1)
            if stage.number:
                waiting[stage.number - 1].append(gone)
            else:
                yield gone


@contextmanager
def telling(stage: Stage) -> Iterator[None]:
    """Turn whatever goes wrong inside into an error that names the stage.

    Control-C is nothing that goes wrong: in turn, stages run in the thread that it comes to.

    Raises
    ------
    StageError
        With the first cause kept.
    """
    try:
        yield
    except (AxonemError, Closed, KeyboardInterrupt):
        raise
    except BaseException as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "alloc" in text.lower():
            raise StageMemoryError(
                f"no memory left: {text}",
                where=stage.name,
                remedy="cut so that it has fewer operations, let it compute its forward pass again "
                f"(recompute {stage.number}), use the order 1f1b, or take smaller patches",
            ) from error
        raise StageError(f"{type(error).__name__}: {text}", where=stage.name) from error


class StageThread(threading.Thread):
    """Runs one stage; the channels tie it to the stages beside it.

    Parameters
    ----------
    stage, rhythm
        What it runs, and in which order.
    ends
        Channels: (micro-)batches that come in and those that go to the next stage, where None
        ends them; gradients that come from the next stage and those that go to the stage before.
    crew
        Told when the stage fails.
    """

    def __init__(
        self,
        stage: Stage,
        rhythm: Rhythm,
        ends: tuple[Channel[Work | None], Channel[Work | None], Channel[Return], Channel[Return]],
        crew: Crew,
    ) -> None:
        super().__init__(name=f"stage {stage.number}", daemon=True)
        self._stage, self._rhythm, self._crew = stage, rhythm, crew
        self._works, self._onward, self._returns, self._back = ends

    def run(self) -> None:
        """Do all passes, until there is no more work or a channel is closed."""
        try:
            torch.set_num_threads(self._crew.threads)
            with telling(self._stage):
                self._passes()
        except Closed:
            pass  # another stage failed, or the run was given up
        except AxonemError as error:
            self._crew.fail(error)

    def _passes(self) -> None:
        stage, rhythm = self._stage, self._rhythm
        done = 0
        while (work := self._waiting(self._works)) is not None:
            onward = stage.forward(work)
            if onward is not None:
                self._onward.put(onward)
            done += 1
            if done % rhythm.group == 0 and done // rhythm.group > rhythm.lag:
                self._backward_group()
        if not stage.is_last:
            self._onward.put(None)
        for _ in range(min(rhythm.lag, done // rhythm.group)):
            self._backward_group()

    def _backward_group(self) -> None:
        for member in range(self._rhythm.group):
            back = None if self._stage.is_last else self._waiting(self._returns)
            is_step = member == self._rhythm.group - 1
            self._back.put(self._stage.backward(back, is_step=is_step))

    def _waiting(self, channel: Channel[T]) -> T:
        start = perf_counter()
        item = channel.get()
        self._stage.waited += perf_counter() - start
        return item


class Crew:
    """The threads of all stages, for one run.

    Parameters
    ----------
    stages, rhythms
        What runs, and in which order.
    threads
        Threads that torch uses in each stage.
    """

    def __init__(self, stages: Sequence[Stage], rhythms: Sequence[Rhythm], threads: int) -> None:
        self.threads = threads
        self._failure: AxonemError | None = None
        self._lock = threading.Lock()
        group = rhythms[0].group
        # two groups ready for each stage: one that it works on next, one on the way
        works: list[Channel[Work | None]] = [Channel(2 * group) for _ in range(len(stages) + 1)]
        # gradients that wait never hold up the stage behind: their number is bounded by the lag
        backs: list[Channel[Return]] = [Channel(UNBOUNDED) for _ in range(len(stages) + 1)]
        self._works, self._finished = works[0], backs[0]
        self._channels: list[Channel[Work | None] | Channel[Return]] = [*works, *backs]
        self._threads = [
            StageThread(stage, rhythm, (works[n], works[n + 1], backs[n + 1], backs[n]), self)
            for n, (stage, rhythm) in enumerate(zip(stages, rhythms, strict=True))
        ]

    def fail(self, error: AxonemError) -> None:
        """Keep the first failure, and stop all stages."""
        with self._lock:
            self._failure = self._failure or error
        self._close()

    def _close(self) -> None:
        for channel in self._channels:
            channel.close()

    def run(self, works: Iterable[Work]) -> Iterator[Return]:
        """Run (micro-)batches; yield each when stage 0 is done with it.

        Raises
        ------
        StageError
            When a stage fails; all others have stopped, or stop after their present operation.
        """
        for thread in self._threads:
            thread.start()
        fed = finished = 0
        try:
            for work in works:
                self._works.put(work)
                fed += 1
                for back in self._finished.take_all():
                    finished += 1
                    yield back
            self._works.put(None)
            while finished < fed:
                finished += 1
                yield self._finished.get()
        except Closed:
            if self._failure is not None:
                raise self._failure from self._failure.__cause__
            raise
        finally:
            self._close()
            until = perf_counter() + JOIN_SECONDS
            for thread in self._threads:
                thread.join(max(0.0, until - perf_counter()))
