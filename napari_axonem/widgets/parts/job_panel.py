"""A job in a dock: how far, how fast, how long still, and what can be done with it."""

from __future__ import annotations

import time

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from napari_axonem.jobs import Job, State
from napari_axonem.watching import Wish
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.buttons import plain_button
from napari_axonem.widgets.parts.message import Message

FINE = 10_000
"""Steps of the bar: Qt counts in 32 bits, and work does not."""


class JobPanel(QWidget):
    """Shows a job, and emits what the user wants of it; hidden while there is none."""

    wished = Signal(str)
    """The user wishes something of the job: a `Wish`."""

    resumed = Signal()
    """The user wants it to go on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.message = Message()
        self.pause = plain_button("Pause", "Let the job wait; what it holds in memory stays")
        self.stop = plain_button(
            "Stop", "Let the job write a checkpoint and end; it can be resumed"
        )
        self.resume = plain_button("Resume", "Let the job go on where it was")
        row = QHBoxLayout()
        for button in (self.pause, self.resume, self.stop):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addWidget(self.message)
        layout.addLayout(row)
        self.pause.clicked.connect(lambda: self.wished.emit(str(Wish.PAUSE)))
        self.stop.clicked.connect(lambda: self.wished.emit(str(Wish.STOP)))
        self.resume.clicked.connect(self.resumed)
        self.show_job(None)

    def show_job(self, job: Job | None) -> None:
        """Show a job as it is now, or none."""
        self.setVisible(job is not None)
        if job is None:
            return
        wish = job.folder.wished().wish if job.state.is_alive else Wish.GO_ON
        self._show_bar(job)
        self.pause.setVisible(job.state in (State.RUNNING, State.STARTING))
        self.pause.setEnabled(wish is Wish.GO_ON or wish is Wish.CHECKPOINT)
        self.stop.setVisible(job.state.is_alive)
        self.stop.setEnabled(wish is not Wish.STOP)
        self.resume.setVisible(job.state.can_resume and job.state is not State.NEW)
        bad = job.state in (State.FAILED, State.LOST)
        self.message.tell(_said(job, wish), problem=bad)

    def _show_bar(self, job: Job) -> None:
        done, total, _ = job.progress
        self.bar.setVisible(job.state.is_alive)
        if total > 0:
            self.bar.setRange(0, FINE)
            self.bar.setValue(int(FINE * min(1.0, done / total)))
        else:
            self.bar.setRange(0, 0)


def _said(job: Job, wish: Wish) -> str:
    """Return in one line how a job is."""
    done, total, doing = job.progress
    if not job.state.is_alive:
        return f"{job.state}: {job.text.splitlines()[-1]}" if job.text else str(job.state)
    if job.state is State.STARTING:
        return "starting\N{HORIZONTAL ELLIPSIS}"
    told = [f"{doing}: {done:,} of {total:,}" if total > 0 else doing or "working"]
    if job.state is State.PAUSED:
        told.insert(0, "paused")
    elif wish in (Wish.PAUSE, Wish.STOP):
        told.insert(0, f"will {wish} after this step")
    if job.speed:
        told.append(wording.rate(job.speed))
    if job.seconds_left is not None:
        told.append(f"{wording.duration(job.seconds_left)} left")
    told.append(f"since {time.strftime('%H:%M', time.localtime(job.began))}")
    return ", ".join(told)
