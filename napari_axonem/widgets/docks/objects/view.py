"""The dock Objects: those selected, their neighbours, the progress over the volume, the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.proofreading.states import ObjectState
from napari_axonem.widgets.docks.objects.neighbours_view import NeighboursView
from napari_axonem.widgets.docks.objects.space_view import SpaceView
from napari_axonem.widgets.docks.objects.table import ObjectRow, ObjectTable
from napari_axonem.widgets.parts.bars import set_bar
from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.fields import TextField

STATES = (
    ("object_done", "Done", ObjectState.DONE),
    ("lock", "Lock", ObjectState.LOCKED),
    ("discuss", "Discuss", ObjectState.DISCUSS),
)

SELECTED = (
    ("Selected", "Objects picked with the tool Look, more than one with Shift"),
    ("Voxels", "Its size"),
    ("State", "What was said of it"),
)
MOST_SELECTED = 5

MEASURES = (
    ("Objects", "Objects that are done or locked, of all"),
    ("Voxels", "Their share of the voxels of all objects"),
    ("Run length", "The share of the skeletons' length that lies inside of them"),
)

PARTS = 1000
"""Steps of a progress bar."""


class ObjectsView(QWidget):
    """Shows what is said of objects, and emits what the user wants to say."""

    asked = Signal(str)
    """The button of an action was clicked: its id."""

    noted = Signal(str)
    """A note was written: its text."""

    def __init__(self, tips: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tips = tips
        self.about = _wrapped()
        self.selected = ObjectTable(SELECTED, MOST_SELECTED)
        self.isolate = self._button("isolate", "Only these")
        self.isolate.setCheckable(True)
        self.merge = self._button("merge_selected", "Merge them")
        self.space = SpaceView(tips, self.asked.emit)
        self.neighbours = NeighboursView(tips, self.asked.emit)
        self.states: dict[ObjectState, QPushButton] = {}
        for action, text, state in STATES:
            self.states[state] = self._button(action, text)
            self.states[state].setCheckable(True)
        self.note = TextField()
        self.note.setPlaceholderText("Note")
        self.note.setToolTip(tips.get("note", ""))
        self.note.editingFinished.connect(lambda: self.noted.emit(self.note.text()))
        self.hide_done = QCheckBox("Hide what is done")
        self.hide_done.setToolTip(tips.get("hide", ""))
        self.hide_done.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide_done.clicked.connect(lambda: self.asked.emit("hide"))
        self.bars = tuple(QProgressBar() for _ in MEASURES)
        self.estimate = _wrapped()
        self.draw = self._button("draw", "Draw one")
        self.right = self._button("right", "Right")
        self.wrong = self._button("wrong", "Wrong")
        self.unjudge = self._button("unjudge", "Take back")
        self._lay_out()

    def set_selected(self, rows: Sequence[ObjectRow], current: int, *, isolated: bool) -> None:
        """Show the objects selected, and which of them was picked last."""
        self.selected.set_rows(rows, current)
        self.selected.setVisible(bool(rows))
        self.isolate.setEnabled(bool(rows))
        self.isolate.setChecked(isolated and bool(rows))
        self.merge.setEnabled(len(rows) > 1)

    def set_object(self, about: str, state: ObjectState, note: str, *, picked: bool) -> None:
        """Show what is said of the object picked last."""
        self.about.setText(about)
        for name, button in self.states.items():
            button.setChecked(name == state)
            button.setEnabled(picked)
        self.note.setEnabled(picked)
        if not self.note.hasFocus():
            self.note.setText(note)

    def set_progress(self, shares: tuple[float | None, ...], texts: tuple[str, ...]) -> None:
        """Show how much is finished; a share that is None is not known."""
        for bar, label, share, text in zip(self.bars, self._bar_names, shares, texts, strict=True):
            bar.setVisible(share is not None)
            label.setVisible(share is not None)
            set_bar(bar, round((share or 0.0) * PARTS), text)

    def set_hiding(self, hiding: bool) -> None:
        """Show whether finished objects are hidden."""
        self.hide_done.setChecked(hiding)

    def set_sample(self, text: str, *, drawn: bool, any_verdict: bool) -> None:
        """Show what the sample says so far."""
        self.estimate.setText(text)
        self.right.setEnabled(drawn)
        self.wrong.setEnabled(drawn)
        self.unjudge.setEnabled(any_verdict)

    def write_note(self) -> None:
        """Put the cursor into the note."""
        self.note.setFocus()
        self.note.selectAll()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        for box in (self._object_box(), self.neighbours, self._progress_box(), self._sample_box()):
            layout.addWidget(box)
        layout.addStretch(1)

    def _object_box(self) -> QGroupBox:
        box = QGroupBox("Objects selected")
        states, deeds = QHBoxLayout(), QHBoxLayout()
        for button in self.states.values():
            states.addWidget(button)
        for button in (self.isolate, self.merge):
            deeds.addWidget(button)
        layout = QVBoxLayout(box)
        layout.addWidget(self.selected)
        layout.addWidget(self.about)
        layout.addLayout(states)
        layout.addWidget(self.note)
        layout.addLayout(deeds)
        layout.addWidget(self.space)
        return box

    def _progress_box(self) -> QGroupBox:
        box = QGroupBox("Finished")
        grid = QGridLayout(box)
        grid.setColumnStretch(1, 1)
        self._bar_names = tuple(QLabel(name) for name, _ in MEASURES)
        for row, (bar, label, (_, tip)) in enumerate(
            zip(self.bars, self._bar_names, MEASURES, strict=True)
        ):
            bar.setRange(0, PARTS)
            bar.setToolTip(tip)
            label.setToolTip(tip)
            grid.addWidget(label, row, 0)
            grid.addWidget(bar, row, 1)
        grid.addWidget(self.hide_done, len(MEASURES), 0, 1, 2, Qt.AlignmentFlag.AlignLeft)
        return box

    def _sample_box(self) -> QGroupBox:
        box = QGroupBox("Errors left in what is finished")
        box.setToolTip(
            "Check finished objects drawn at random: the share that is wrong is that of all "
            "finished ones, within the interval, in 95 % of cases (Clopper and Pearson)"
        )
        buttons = QGridLayout()
        for at, button in enumerate((self.draw, self.unjudge, self.right, self.wrong)):
            buttons.addWidget(button, at // 2, at % 2)
        layout = QVBoxLayout(box)
        layout.addWidget(self.estimate)
        layout.addLayout(buttons)
        return box

    def _button(self, action: str, text: str) -> QPushButton:
        return action_button(text, self._tips.get(action, ""), lambda: self.asked.emit(action))


def _wrapped() -> QLabel:
    """Return a label of plain text that is as wide as there is room."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label
