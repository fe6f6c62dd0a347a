"""The dock Errors: the list, what is left of it, and what its colours mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.docks.errors.table import ErrorTable
from napari_axonem.widgets.parts import colours, icons
from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.session.queue import ErrorRow, Filter

KINDS = (("All errors", ""), ("False splits", "false_split"), ("False merges", "false_merge"))

LEGEND = (
    (colours.FALSE_SPLIT, "cut off from its axon: join it"),
    (colours.FALSE_MERGE, "belongs to another axon: split it off"),
)


class ErrorsView(QWidget):
    """Shows errors and emits what the user wants of them."""

    went = Signal(str)
    """An error was clicked: its key."""
    entered = Signal(str)
    """Enter was pressed on an error: its key."""
    asked = Signal(str)
    """The button of an action was clicked: its id."""
    filtered = Signal(object)
    """Only some errors shall be listed: a `Filter`."""
    reordered = Signal(list)
    """The errors are in another order: their keys."""

    def __init__(self, tips: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setTextFormat(Qt.TextFormat.RichText)
        self.kind = QComboBox()
        for text, kind in (
            ("All errors", ""),
            ("False splits", "false_split"),
            ("False merges", "false_merge"),
        ):
            self.kind.addItem(text, kind)
        self.kind.setToolTip("List only one kind of error")
        self.hide_done = QCheckBox("Hide done")
        self.hide_done.setChecked(True)
        self.hide_done.setToolTip("Leave out errors marked as done or skipped")
        self.isolate = self._switch("isolate", "Only these objects", tips)
        self.truth = self._switch("truth", "Truth", tips)
        self.table = ErrorTable()
        self.table.setMinimumHeight(160)
        self._tips = tips
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._filter)
        self.hide_done.toggled.connect(self._filter)
        self.table.went.connect(self.went)
        self.table.entered.connect(self.entered)
        self.table.reordered.connect(self.reordered)

    def set_rows(self, rows: Sequence[ErrorRow], current: str) -> None:
        """Show the errors, with the one of the key `current` selected."""
        self.table.set_rows(rows, current)

    def select(self, key: str) -> None:
        """Select an error."""
        self.table.select(key)

    def set_filter(self, chosen: Filter) -> None:
        """Show which errors are listed."""
        self.kind.setCurrentIndex(self.kind.findData(chosen.kind))
        self.hide_done.setChecked(chosen.hide_done)
        self.table.set_filter(chosen)

    def set_switches(self, *, isolating: bool, truth: bool) -> None:
        """Show whether other objects are hidden, and whether truth is shown."""
        self.isolate.setChecked(isolating)
        self.truth.setChecked(truth)

    def set_summary(self, text: str) -> None:
        """Say what is left to do."""
        self.summary.setText(text)

    def _filter(self) -> None:
        self.filtered.emit(Filter(self.kind.currentData(), self.hide_done.isChecked()))

    def _lay_out(self) -> None:
        choice = QHBoxLayout()
        choice.addWidget(self.kind, 1)
        choice.addWidget(self.hide_done)
        buttons = QGridLayout()
        for column, (action, text) in enumerate(
            (("previous", "Previous"), ("next", "Next"), ("done", "Done"), ("skip", "Skip"))
        ):
            buttons.addWidget(self._button(action, text), 0, column)
        buttons.addWidget(self._button("go", "Go there"), 1, 0, 1, 2)
        buttons.addWidget(self._button("unmark", "Take back mark"), 1, 2, 1, 2)
        layout = QVBoxLayout(self)
        layout.addWidget(self.summary)
        layout.addLayout(choice)
        layout.addWidget(self.table, 1)
        layout.addLayout(buttons)
        switches = QHBoxLayout()
        switches.addWidget(self.isolate)
        switches.addWidget(self.truth)
        layout.addLayout(switches)
        layout.addLayout(self._legend())

    def _legend(self) -> QGridLayout:
        legend = QGridLayout()
        legend.setColumnStretch(1, 1)
        for row, (colour, text) in enumerate(LEGEND):
            sign = QLabel()
            sign.setPixmap(icons.square(colour))
            legend.addWidget(sign, row, 0)
            legend.addWidget(QLabel(text), row, 1)
        return legend

    def _switch(self, action: str, text: str, tips: Mapping[str, str]) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(tips.get(action, ""))
        box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        box.clicked.connect(lambda: self.asked.emit(action))
        return box

    def _button(self, action: str, text: str) -> QPushButton:
        return action_button(text, self._tips.get(action, ""), lambda: self.asked.emit(action))
