"""Watches the event loop of a window: for how long it stands still, and what is done in it."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

IDLE_S = 0.15
"""The loop is idle when it has been turning freely for so long."""


class Watchdog:
    """Measures for how long the event loop stands still."""

    def __init__(self) -> None:
        self.blocked: dict[str, list[float]] = defaultdict(list)
        self._last = time.perf_counter()
        self._worst = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(1)

    def _tick(self) -> None:
        now = time.perf_counter()
        self._worst, self._last = max(self._worst, now - self._last), now

    @contextmanager
    def watching(self, what: str) -> Iterator[None]:
        """Note the longest standstill from here until the loop is idle again."""
        self._turn_until_idle()
        self._last, self._worst = time.perf_counter(), 0.0
        yield
        self._turn_until_idle()
        self.blocked[what].append(self._worst)

    def _turn_until_idle(self) -> None:
        quiet = time.perf_counter()
        while time.perf_counter() - quiet < IDLE_S:
            began = time.perf_counter()
            QApplication.processEvents()
            if time.perf_counter() - began > 0.02:
                quiet = time.perf_counter()


class Threads:
    """Notes in which threads functions were called."""

    def __init__(self) -> None:
        self.main: set[str] = set()
        """Those called in the thread of the window."""
        self.beside: set[str] = set()
        """Those called in another one."""

    def noting(self, name: str, function: Callable[..., object]) -> Callable[..., object]:
        """Return the function, noting each call under a name."""

        def noted(*arguments: object, **options: object) -> object:
            here = threading.current_thread() is threading.main_thread()
            (self.main if here else self.beside).add(name)
            return function(*arguments, **options)

        return noted
