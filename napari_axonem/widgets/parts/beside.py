"""Work in threads beside the window."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from qtpy.QtCore import QObject, Signal

Action = Callable[[], None]


class Beside(QObject):
    """Works in threads, and goes on in the thread of the window."""

    _ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ready.connect(lambda done: done())

    def compute(self, work: Action, done: Action) -> None:
        """Do `work` in a thread, then `done` in the window's."""

        def run() -> None:
            try:
                work()
            finally:
                self._hand_over(done)

        Thread(target=run, name="napari-axonem", daemon=True).start()

    def _hand_over(self, done: Action) -> None:
        try:
            self._ready.emit(done)
        except RuntimeError:  # the window was closed meanwhile
            return
