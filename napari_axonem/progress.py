"""How a long piece of work tells how far it is, and learns that it should stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Called between steps of the work; it may raise to stop it."""

    def __call__(self, done: int, total: int, doing: str) -> None:
        """Say that `done` of `total` steps of the work named `doing` are finished."""


def silent(done: int, total: int, doing: str) -> None:
    """Report nothing."""


def tracked(items: Iterable[T], progress: Progress, doing: str, total: int = -1) -> Iterator[T]:
    """Yield `items`, telling `progress` before the first and after each.

    Parameters
    ----------
    total
        Number of items where `items` has no length.
    """
    count = len(items) if isinstance(items, Sized) else total
    progress(0, count, doing)
    for done, item in enumerate(items, start=1):
        yield item
        progress(done, count, doing)
