"""Work on several blocks at the same time in threads of this process.

NumPy, compression and waiting for a disk release Python's lock. Where that is not enough, and for
clusters, there is `napari_axonem.blockwise.Team`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORKERS = min(8, os.cpu_count() or 1)
"""Threads, and so blocks in memory, unless told otherwise."""


def each(function: Callable[[T], R], items: Iterable[T], workers: int = WORKERS) -> Iterator[R]:
    """Yield the results of `function` as they come, with few items under way at a time."""
    left = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        running: set[Future[R]] = {pool.submit(function, i) for i in islice(left, workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(function, i) for i in islice(left, len(done))}
            for future in done:
                yield future.result()
