"""Work of a child process in a dock: progress, what is being done, and Stop.

A job, which goes on without the window, has a `JobPanel`.
"""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from napari_axonem.widgets.parts.buttons import plain_button
from napari_axonem.widgets.parts.message import Message


class WorkView(QWidget):
    """Shows how far the work is; hidden while there is none."""

    stopped = Signal()
    """The user wants it stopped."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.stop = plain_button("Stop", "Stop the work; nothing half done stays behind")
        self.message = Message()
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.message)
        self.stop.clicked.connect(self.stopped)
        self.idle("")

    def begin(self, text: str) -> None:
        """Show that the work has begun."""
        self.bar.setRange(0, 0)
        self.bar.show()
        self.stop.show()
        self.stop.setEnabled(True)
        self.message.tell(text)

    def set_progress(self, done: int, total: int, doing: str) -> None:
        """Show how far it is; a total below 1 is unknown."""
        self.bar.setRange(0, max(0, total))
        self.bar.setValue(done)
        self.message.tell(f"{doing}: {done:,} of {total:,}" if total > 0 else doing)

    def stopping(self) -> None:
        """Show that it is being stopped."""
        self.stop.setEnabled(False)
        self.message.tell("stopping\N{HORIZONTAL ELLIPSIS}")

    def idle(self, text: str, *, problem: bool = False) -> None:
        """Show that there is no work, and how the last one ended."""
        self.bar.hide()
        self.stop.hide()
        self.message.tell(text, problem=problem)
