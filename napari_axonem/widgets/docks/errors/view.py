"""The dock Errors: the list, what is left of it, and what its colours mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.docks.errors.filters import FilterView, narrow
from napari_axonem.widgets.docks.errors.sheet_view import SheetView
from napari_axonem.widgets.docks.errors.table import ErrorTable
from napari_axonem.widgets.parts import colours, icons
from napari_axonem.widgets.parts.bars import set_bar
from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.missing import NO_PROJECT, Missing
from napari_axonem.widgets.parts.work_view import WorkView
from napari_axonem.widgets.session.queue import ErrorRow, Filter, Rank

LEGEND = (
    (colours.FALSE_SPLIT, "cut off: join", "A part of a true object in another segment"),
    (colours.FALSE_MERGE, "foreign: split off", "A part that belongs to another true object"),
)

RANKS = (("in order of repair", Rank.VOI), ("by run length", Rank.ERL))

BUTTONS = (
    (("previous", "Previous"), ("next", "Next"), ("go", "Go there")),
    (("done", "Done"), ("skip", "Skip"), ("flag", "Flag"), ("unmark", "Take back")),
)


class ErrorsView(QWidget):
    """Shows errors and emits what the user wants of them."""

    went = Signal(str)
    """An error was clicked: its key."""
    entered = Signal(str)
    """Enter was pressed on an error: its key."""
    asked = Signal(str)
    """The button of an action was clicked: its id."""
    ranked = Signal(object)
    """Another measure shall say which is worse: a `Rank`."""
    reordered = Signal(list)
    """The errors are in another order: their keys."""

    def __init__(self, tips: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tips = tips
        self.missing = Missing("Open a project in the dock Volume")
        self.body = QWidget()
        self.summary = _wrapped()
        self.reason = _wrapped()
        self.source = QComboBox()
        self.source.addItem("Errors", False)
        self.source.addItem("Suggestions", True)
        self.source.setToolTip(tips.get("switch", ""))
        self.order = QComboBox()
        for text, rank in RANKS:
            self.order.addItem(text, rank)
        self.order.setToolTip(tips.get("rank", ""))
        self.suggest = self._button("suggest", "Find suggestions")
        self.work = WorkView()
        choose = "Choose skeletons\N{HORIZONTAL ELLIPSIS}"
        self.skeletons = self._button("skeletons", choose)
        self.filters = FilterView(self.skeletons)
        self.kind, self.hide_done = self.filters.kind, self.filters.hide_done
        self.isolate = self._switch("isolate", "Only these", tips)
        self.truth = self._switch("truth", "Truth", tips)
        self.pictures = QCheckBox("Pictures")
        self.pictures.setToolTip("Show small pictures of the next errors; a click goes to one")
        self.pictures.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.pictures.setChecked(True)
        self.sheet = SheetView()
        self.done = QProgressBar()
        self.done.setRange(0, 1000)
        self.done.setTextVisible(False)
        self.done.setMaximumHeight(6)
        self.table = ErrorTable()
        self.table.setMinimumHeight(100)
        self.legend = self._legend()
        self._lay_out()
        self.source.activated.connect(self._switch_source)
        self.order.activated.connect(lambda _: self.ranked.emit(self.order.currentData()))
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
        self.filters.set_filter(chosen)
        self.table.set_filter(chosen)

    def set_source(self, *, suggesting: bool, has_truth: bool, opened: bool) -> None:
        """Show what is listed: errors from the truth, or suggestions."""
        self.missing.tell(*(("", "") if opened else NO_PROJECT))
        self.body.setVisible(opened)
        self.source.setVisible(has_truth)
        self.source.setCurrentIndex(self.source.findData(suggesting))
        self.suggest.setVisible(opened and suggesting)
        self.truth.setEnabled(has_truth)
        self.legend.setVisible(not suggesting)
        self.skeletons.setEnabled(has_truth)

    def set_runs(self, *, known: bool, rank: Rank, suggesting: bool) -> None:
        """Show whether gains in run length are known, and what ranks the errors."""
        self.order.setVisible(known)
        self.order.setCurrentIndex(self.order.findData(rank))
        self.filters.set_runs(known)
        self.table.set_columns(suggesting=suggesting, runs=known)

    def set_busy(self, busy: bool) -> None:
        """Show whether suggestions are being looked for."""
        self.suggest.setEnabled(not busy)

    def set_switches(self, *, isolating: bool, truth: bool) -> None:
        """Show whether other objects are hidden, and whether truth is shown."""
        self.isolate.setChecked(isolating)
        self.truth.setChecked(truth)

    def set_summary(self, text: str) -> None:
        """Say what is left to do."""
        self.summary.setText(text)

    def set_done(self, share: float | None, text: str) -> None:
        """Show the share of errors that is settled, with what it is told by; None hides it."""
        self.done.setVisible(share is not None)
        set_bar(self.done, round(1000 * (share or 0.0)))
        self.done.setToolTip(text)

    def set_reason(self, text: str) -> None:
        """Say why the current suggestion is one; nothing where it is empty."""
        self.reason.setText(text)
        self.reason.setVisible(bool(text))

    def _switch_source(self) -> None:
        self.asked.emit("switch")

    def _lay_out(self) -> None:
        source = QHBoxLayout()
        for widget in (self.source, self.order):
            source.addWidget(narrow(widget), 1)
        switches = QHBoxLayout()
        switches.addWidget(self.isolate)
        switches.addWidget(self.truth)
        switches.addWidget(self.pictures)
        around = QVBoxLayout(self)
        around.addWidget(self.missing)
        around.addWidget(self.body, 1)
        around.addStretch(0)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.summary)
        layout.addWidget(self.done)
        layout.addLayout(source)
        layout.addWidget(self.suggest)
        layout.addWidget(self.work)
        layout.addWidget(self.filters)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.sheet)
        layout.addWidget(self.reason)
        for actions in BUTTONS:
            row = QHBoxLayout()
            for action, text in actions:
                row.addWidget(self._button(action, text))
            layout.addLayout(row)
        layout.addLayout(switches)
        layout.addWidget(self.legend)

    def _legend(self) -> QWidget:
        box = QWidget()
        legend = QHBoxLayout(box)
        legend.setContentsMargins(0, 0, 0, 0)
        for colour, text, tip in LEGEND:
            sign, label = QLabel(), QLabel(text)
            sign.setPixmap(icons.square(colour))
            label.setToolTip(tip)
            legend.addWidget(sign)
            legend.addWidget(label, 1)
        return box

    def _switch(self, action: str, text: str, tips: Mapping[str, str]) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(tips.get(action, ""))
        box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        box.clicked.connect(lambda: self.asked.emit(action))
        return box

    def _button(self, action: str, text: str) -> QPushButton:
        return action_button(text, self._tips.get(action, ""), lambda: self.asked.emit(action))


def _wrapped() -> QLabel:
    """Return a label of rich text that is as wide as there is room."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label
