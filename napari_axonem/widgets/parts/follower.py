"""Follows a job from the window: looks now and then, and never for long."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer, Signal

from napari_axonem.jobs import Job

LOOK_MS = 400
"""Between two looks."""

BEHIND_MS = 10
"""The same, while a long log is being read in parts."""


class Follower(QObject):
    """Follows one job, or none."""

    changed = Signal()
    """Something happened in the job."""

    ended = Signal()
    """The job's process has ended, while it was followed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.job: Job | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)

    def follow(self, job: Job | None) -> None:
        """Follow another job, or none."""
        self.job = job
        if job is None:
            self._timer.stop()
        else:
            self._timer.start(0)
        self.changed.emit()

    def look(self) -> None:
        """Read what is new of the job."""
        job = self.job
        if job is None:
            return
        was_alive = job.state.is_alive
        news = job.update()
        self._timer.start(BEHIND_MS if job.is_behind else LOOK_MS)
        if news:
            self.changed.emit()
        if was_alive and not job.state.is_alive:
            self.ended.emit()
