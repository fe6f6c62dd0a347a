"""Bounded queues between threads that can be closed, so that nobody waits for ever."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):  # noqa: N818 - it says how things are, and is no failure
    """Raised to whoever waits at a channel that was closed."""


class Channel(Generic[T]):
    """A queue of bounded length that one thread can close for all.

    Unlike `queue.Queue` it wakes those who wait when it is closed: a stage that failed stops the
    others at once, without a clock.

    Parameters
    ----------
    capacity
        Items that it holds; whoever puts one more waits.
    """

    def __init__(self, capacity: int) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._changed = threading.Condition()
        self._is_closed = False

    def put(self, item: T) -> None:
        """Add an item, waiting for room.

        Raises
        ------
        Closed
            When the channel is closed, before or meanwhile.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._items) < self._capacity)
            if self._is_closed:
                raise Closed
            self._items.append(item)
            self._changed.notify_all()

    def get(self) -> T:
        """Take the oldest item, waiting for one.

        Raises
        ------
        Closed
            When the channel is closed, before or meanwhile.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or bool(self._items))
            if self._is_closed:
                raise Closed
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def take_all(self) -> list[T]:
        """Return what is there now, without waiting; also from a closed channel."""
        with self._changed:
            items = list(self._items)
            self._items.clear()
            self._changed.notify_all()
            return items

    def close(self) -> None:
        """Wake all who wait, and let nobody wait again."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
