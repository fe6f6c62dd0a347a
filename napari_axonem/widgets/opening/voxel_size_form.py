"""The small form that asks for the voxel size of a file that does not state it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Nm
from napari_axonem.widgets.parts.message import Message
from napari_axonem.widgets.parts.triple_edit import TripleEdit

UNITS = {"nm": 1.0, "µm": 1000.0}
"""Units that can be chosen, and how many nm they are."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a person says of a volume."""

    voxel_size: Nm
    """Edges of a voxel (z, y, x) in nm."""

    origin: Nm | None = None
    """Corner of the first voxel (z, y, x) in nm, None where nothing was said."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, and what is known already."""

    name: str
    """The volume in a few words: the name of its file or layer."""

    location: str
    """Where it lies, in full."""

    facts: str
    """Shape, type and the like on one line."""

    reason: str
    """Why it is asked."""

    accept: str = "Open"
    """What the button says that goes on."""

    origin: Nm | None = None
    """Corner of the first voxel (z, y, x) in nm where that is known."""

    can_share: bool = True
    """Whether the answer may serve for others that come with the same event."""


class VoxelSizeForm(QDialog):
    """Asks for voxel size and origin.

    Parameters
    ----------
    question
        What is asked for.
    before
        What was said of the same volume before, which is filled in.
    last
        What was said last of any volume, which is only offered.
    parent
        The window it belongs to.
    """

    def __init__(
        self,
        question: Question,
        before: Given | None = None,
        last: Given | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.given: Given | None = None
        """What was said, None until the form is accepted."""
        self._last = last
        self.setWindowTitle(f"Voxel size of {question.name}")
        self.setMinimumWidth(460)
        self.size = TripleEdit("voxel size", positive=True)
        self.origin = TripleEdit("origin", positive=False)
        self.unit = QComboBox()
        self.unit.addItems(list(UNITS))
        self.unit.setToolTip("Unit of voxel size and origin")
        self.again = QPushButton()
        self.again.setToolTip("Fill in what was given last")
        self.again.setAutoDefault(False)
        self.for_all = QCheckBox("Use it for all volumes opened together that do not state theirs")
        self.for_all.setChecked(question.can_share)
        self.for_all.setVisible(question.can_share)
        self.message = Message()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.buttons.addButton(
            question.accept, QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.accept_button.setDefault(True)
        self._lay_out(question)
        self._fill(question, before)
        self._order_tabs()
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.again.clicked.connect(self._take_last)
        for edit in (self.size, self.origin):
            edit.changed.connect(lambda: self.message.tell(""))
        self.size.setFocus()
        self.size.fields[0].selectAll()

    def accept(self) -> None:
        """Take what is typed, or say what is wrong with it."""
        factor = UNITS[self.unit.currentText()]
        try:
            size, origin = self.size.values(), self.origin.values()
        except SettingsError as error:
            self.message.tell(str(error), problem=True)
            return
        if size is None:
            self.message.tell("voxel size: z, y and x are needed", problem=True)
            self.size.setFocus()
            return
        self.given = Given(
            _scaled(size, factor), None if origin is None else _scaled(origin, factor)
        )
        super().accept()

    def _lay_out(self, question: Question) -> None:
        head = QLabel(question.location)
        head.setTextFormat(Qt.TextFormat.PlainText)
        head.setWordWrap(True)
        head.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        facts, reason = QLabel(question.facts), QLabel(question.reason)
        for label in (facts, reason):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        form = QGridLayout()
        unit = QLabel(self.unit.currentText())
        self.unit.currentTextChanged.connect(unit.setText)
        rows = (("Voxel size", self.size, self.unit), ("Origin (optional)", self.origin, unit))
        for row, widgets in enumerate(rows):
            for column, widget in enumerate((QLabel(widgets[0]), *widgets[1:])):
                form.addWidget(widget, row, column)
        form.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        for widget in (head, facts, reason):
            layout.addWidget(widget)
        layout.addLayout(form)
        layout.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.for_all)
        layout.addWidget(self.message)
        layout.addStretch(1)
        layout.addWidget(self.buttons)

    def _fill(self, question: Question, before: Given | None) -> None:
        if before is not None:
            self.size.set_values(before.voxel_size)
        self.origin.set_values((before and before.origin) or question.origin)
        self.again.setVisible(self._last is not None and before is None)
        if self._last is not None:
            self.size.set_placeholder(self._last.voxel_size)
            z, y, x = self._last.voxel_size
            self.again.setText(f"As before: {z:g}, {y:g}, {x:g} nm")

    def _order_tabs(self) -> None:
        wanted: list[QWidget] = [*self.size.fields, self.unit, *self.origin.fields]
        wanted += [self.again, self.for_all, self.accept_button]
        for first, second in itertools.pairwise(wanted):
            QWidget.setTabOrder(first, second)
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        QWidget.setTabOrder(self.accept_button, cancel)

    def _take_last(self) -> None:
        if self._last is not None:
            self.unit.setCurrentText("nm")
            self.size.set_values(self._last.voxel_size)
            self.accept_button.setFocus()


def _scaled(values: Nm, factor: float) -> Nm:
    z, y, x = (value * factor for value in values)
    return z, y, x
