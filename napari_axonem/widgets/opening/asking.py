"""Asks for what a file does not say, where there is somebody to ask, and remembers the answers."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QObject, QThread
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

from napari_axonem.volumes import VolumeInfo
from napari_axonem.widgets.opening.locations import brief
from napari_axonem.widgets.opening.voxel_size_form import Given, Question, VoxelSizeForm
from napari_axonem.widgets.parts import wording


def can_ask() -> bool:
    """Tell whether this runs on behalf of a window: within the event loop, in its thread.

    A script that is not there gets errors to catch instead of forms and notices.
    """
    app, thread = QApplication.instance(), QThread.currentThread()
    return isinstance(app, QApplication) and app.thread() is thread and thread.loopLevel() > 0


def window() -> QWidget | None:
    """Return the window that dialogs belong to, and look like."""
    windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow)]
    shown = [w for w in windows if w.isVisible()]
    return QApplication.activeWindow() or (shown[0] if shown else None)


def question_of(info: VolumeInfo) -> Question:
    """Return what to ask about a volume without a voxel size."""
    chunks = f", chunks of {wording.extent(info.chunks)}" if info.chunks else ""
    scales = f", {len(info.levels)} scales" if len(info.levels) > 1 else ""
    return Question(
        name=brief(info.location),
        location=info.location,
        facts=f"{info.format}: {wording.extent(info.shape)} voxels (z, y, x), {info.dtype}"
        f"{chunks}{scales}",
        reason="The file does not state its voxel size. It is asked for, not guessed: distances, "
        "scores and exports depend on it.",
        origin=info.origin,
    )


class Answers:
    """What was answered since the program started.

    Volumes that are dropped together are read one by one, each without knowing of the others.
    What they share is the event that brought them: an answer for all of them holds until control
    returns to the event loop.
    """

    def __init__(self) -> None:
        self._of: dict[str, Given] = {}
        self._last: Given | None = None
        self._shared: Given | None = None
        self._event: QObject | None = None

    def ask(self, question: Question) -> Given | None:
        """Return what a person says, None where the form was cancelled."""
        if question.can_share and self._event is not None and isalive(self._event):
            return self._shared
        before = self._of.get(question.location)
        form = VoxelSizeForm(question, before, self._last, window())
        form.exec()
        given = form.given
        if form.for_all.isChecked():
            self._share(given)
        if given is not None:
            self._last = self._of[question.location] = given
        form.deleteLater()
        return given

    def given(self, location: str) -> Given | None:
        """Return what was said of a volume, None where it was not asked for."""
        return self._of.get(location)

    def _share(self, given: Given | None) -> None:
        # Qt deletes it when control is back in the event loop that the present event came from;
        # a timer would run within processEvents already, which napari's progress bars call.
        self._event, self._shared = QObject(), given
        self._event.deleteLater()


ANSWERS = Answers()
"""Those of this program."""
