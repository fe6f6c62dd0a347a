"""Long work in child processes: the window goes on, and their failure cannot take it along."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from qtpy.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

import napari_axonem

PATIENCE_MS = 5000
"""How long a process that was told to stop may take to tidy up."""


class Child(QObject):
    """Runs the command ``napari-axonem`` once, or several times in a row."""

    progressed = Signal(int, int, str)
    """Steps done, steps in all (-1 where unknown), and what is being done."""

    finished = Signal()
    """All commands ended well."""

    failed = Signal(str)
    """A command failed: one line that says why."""

    stopped = Signal()
    """The user stopped it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._todo: deque[list[str]] = deque()
        self._said: deque[str] = deque(maxlen=20)
        self._rest = ""
        self._stopping = False

    @property
    def running(self) -> bool:
        """Whether a command is running."""
        return self._process is not None

    def start(self, *commands: Sequence[str]) -> None:
        """Run commands, each the arguments of ``napari-axonem``, one after the other."""
        if self.running:
            raise RuntimeError("a command is running")
        self._todo = deque(list(command) for command in commands)
        self._stopping = False
        self._next()

    def stop(self) -> None:
        """Stop the work; what is half done is tidied up by the process itself."""
        if self._process is None or self._stopping:  # a second signal would end the tidying up
            return
        self._stopping = True
        self._todo.clear()
        process = self._process
        if os.name != "posix":
            process.terminate()
        elif process.processId() > 0:  # 0 is one that has ended, and to os.kill all of our own
            with suppress(ProcessLookupError):
                os.kill(process.processId(), signal.SIGINT)  # as Control-C: it may tidy up
        patience = QTimer(process)
        patience.setSingleShot(True)
        patience.timeout.connect(process.kill)
        patience.start(PATIENCE_MS)

    def end(self) -> None:
        """Stop the work and wait for it: there is nobody left to tell."""
        process = self._process
        self.blockSignals(True)
        if process is not None:
            self.stop()
            if not process.waitForFinished(PATIENCE_MS):
                process.kill()
                process.waitForFinished(PATIENCE_MS)

    def _next(self) -> None:
        process = self._process = QProcess(self)
        process.setProcessEnvironment(_environment())
        process.readyReadStandardError.connect(self._read)
        process.finished.connect(self._end)
        process.errorOccurred.connect(self._break)
        self._said.clear()
        self._rest = ""
        process.start(sys.executable, ["-m", "napari_axonem", *self._todo.popleft()])
        process.closeWriteChannel()

    def _read(self) -> None:
        if self._process is None:
            return
        text = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line.strip())

    def _line(self, line: str) -> None:
        try:
            told = json.loads(line)
            self.progressed.emit(int(told["done"]), int(told["total"]), str(told["doing"]))
        except (ValueError, TypeError, KeyError):
            if line:
                self._said.append(line)

    def _end(self, status: int, how: QProcess.ExitStatus) -> None:
        if self._process is None:
            return
        self._read()
        if self._rest.strip():
            self._line(self._rest.strip())
        self._forget()
        if self._stopping:
            self.stopped.emit()
        elif status != 0 or how != QProcess.ExitStatus.NormalExit:
            self._todo.clear()
            self.failed.emit(self._reason(status))
        elif self._todo:
            self._next()
        else:
            self.finished.emit()

    def _break(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            reason = self._process.errorString()
            self._forget()
            self.failed.emit(f"{sys.executable} could not be started ({reason})")

    def _forget(self) -> None:
        if self._process is not None:
            self._process.deleteLater()
            self._process = None

    def _reason(self, status: int) -> str:
        prefix = "napari-axonem: "
        own = [line.removeprefix(prefix) for line in self._said if line.startswith(prefix)]
        return (own or [*self._said] or [f"it ended with status {status}"])[-1]


def _environment() -> QProcessEnvironment:
    """Return the environment in which the command tells its progress and finds this package."""
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert("AXONEM_PROGRESS", "json")
    source = str(Path(napari_axonem.__file__).parents[1])
    path = [source, *filter(None, [environment.value("PYTHONPATH")])]
    environment.insert("PYTHONPATH", os.pathsep.join(path))
    return environment
