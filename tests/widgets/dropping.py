"""Drops files on a real window, as a person does."""

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QDialog, QWidget

NO_KEY = Qt.KeyboardModifier.NoModifier


def later(action: Callable[[], object]) -> None:
    """Do something from within the event loop, as all that a person does is."""
    QTimer.singleShot(0, action)


def drop(canvas: QWidget, *paths: Path | str) -> None:
    """Drop files or addresses on the canvas as soon as the event loop runs."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(p)) if isinstance(p, Path) else QUrl(p) for p in paths])
    place, action = canvas.rect().center(), Qt.DropAction.CopyAction
    button = Qt.MouseButton.LeftButton

    def send() -> None:
        enter = QDragEnterEvent(place, action, mime, button, NO_KEY)
        QApplication.sendEvent(canvas, enter)
        assert enter.isAccepted(), "the window takes no files"
        QApplication.sendEvent(canvas, QDropEvent(QPointF(place), action, mime, button, NO_KEY))

    later(send)


class Person:
    """Answers the dialogs that come up, one after the other, and remembers them.

    Parameters
    ----------
    answers
        What to do with each dialog; one that nobody foresaw is closed.
    """

    def __init__(self, answers: Sequence[Callable[[QDialog], object]] = ()) -> None:
        self._answers = list(answers)
        self._known: QDialog | None = None
        self.titles: list[str] = []
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(5)

    def leave(self) -> None:
        """Answer nothing any more."""
        self._timer.stop()

    def _look(self) -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, QDialog) or dialog is self._known or not dialog.isVisible():
            return
        self._known = dialog
        self.titles.append(dialog.windowTitle())
        if self._answers:
            self._answers.pop(0)(dialog)
        else:
            dialog.reject()
