"""The list of errors as a Qt table: model, order and filter, view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_axonem.widgets.parts import colours, icons, wording
from napari_axonem.widgets.session.queue import ErrorRow, Filter

Index: TypeAlias = QModelIndex | QPersistentModelIndex

STATE_SIGNS = {
    "": "",
    "done": "\N{CHECK MARK}",
    "skipped": "\N{EN DASH}",
    "flagged": "\N{BLACK FLAG}",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table."""

    title: str
    tip: str
    text: Callable[[ErrorRow], str]
    sort: Callable[[ErrorRow], Any]
    right: bool = True


COLUMNS = (
    Column("#", "Place in the list, 1 is the worst", lambda r: str(r.number), lambda r: r.number),
    Column(
        "False",
        "False split: one axon in several objects. False merge: one object with several axons",
        lambda r: wording.KIND_WORDS[r.mistake.kind].removeprefix("false "),
        lambda r: r.mistake.kind,
        right=False,
    ),
    Column(
        "VOI",
        "By how much repairing it alone lowers the variation of information, in thousandths of a "
        "bit",
        lambda r: wording.milli(r.gain_voi),
        lambda r: r.gain_voi,
    ),
    Column(
        "ERL",
        "By how much repairing it alone raises the expected run length, in nm; below 0 where the "
        "repair joins an axon to a false merge",
        lambda r: "\N{HORIZONTAL ELLIPSIS}" if r.gain_erl is None else wording.gain(r.gain_erl),
        lambda r: -np.inf if r.gain_erl is None else r.gain_erl,
    ),
    Column(
        "Score",
        "How likely it is an error, 0 to 1; it orders suggestions and is no probability",
        lambda r: f"{r.score:.2f}",
        lambda r: r.score,
    ),
    Column(
        "Voxels",
        "Size of the smaller side",
        lambda r: wording.size(r.mistake.size_voxels),
        lambda r: r.mistake.size_voxels,
    ),
    Column(
        "",
        "\N{CHECK MARK} done, \N{EN DASH} skipped, \N{BLACK FLAG} flagged: to be discussed",
        lambda r: STATE_SIGNS[r.state],
        lambda r: r.state,
        right=False,
    ),
    Column(
        "Objects",
        "Segments concerned: two to join, or one to split",
        lambda r: wording.names(r.mistake.segments, "+"),
        lambda r: r.mistake.segments[0],
        right=False,
    ),
)

NUMBER_COLUMN, KIND_COLUMN, VOI_COLUMN, ERL_COLUMN, SCORE_COLUMN = range(5)


class ErrorModel(QAbstractTableModel):
    """Errors as rows, in the order and with the filter of the user.

    It filters and sorts by itself: a proxy model would call back for every comparison, which
    takes a second for thousands of errors.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[ErrorRow, ...] = ()
        """The errors listed, in their order."""
        self._all: tuple[ErrorRow, ...] = ()
        self._filter = Filter()
        self._column, self._order = 0, Qt.SortOrder.AscendingOrder
        self._dots = {kind: icons.dot(colour) for kind, colour in colours.OF_KIND.items()}

    def set_rows(self, rows: Sequence[ErrorRow]) -> None:
        """Replace all errors."""
        self._all = tuple(rows)
        self._list()

    def set_filter(self, chosen: Filter) -> None:
        """List only some errors."""
        if chosen != self._filter:
            self._filter = chosen
            self._list()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """List the errors in the order of a column; equal ones stay worst first."""
        self._column, self._order = column, order
        self._list()

    @property
    def is_worst_first(self) -> bool:
        """Whether the errors are in the order of their numbers."""
        return (self._column, self._order) == (NUMBER_COLUMN, Qt.SortOrder.AscendingOrder)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of errors listed."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a cell shows."""
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == KIND_COLUMN:
            return self._dots[row.mistake.kind]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:  # a narrow table has no room for the objects
            return row.reason or wording.names(row.mistake.segments)
        return None

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return the title or the tooltip of a column."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            if role == Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section].tip
        return None

    def _list(self) -> None:
        self.beginResetModel()
        self.rows = tuple(
            sorted(
                filter(self._filter.passes, self._all),
                key=COLUMNS[self._column].sort,
                reverse=self._order == Qt.SortOrder.DescendingOrder,
            )
        )
        self.endResetModel()


class ErrorTable(QTableView):
    """The table; it lets all keys but those that move in it pass on to the window."""

    went = Signal(str)
    """An error was clicked: its key."""

    entered = Signal(str)
    """Enter was pressed on an error: its key."""

    reordered = Signal(list)
    """The errors listed are in another order: their keys; none where the worst is first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ErrorModel(self)
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        self._size_columns()
        self.clicked.connect(lambda index: self.went.emit(self._key(index)))
        self._model.modelReset.connect(self._tell_order)

    def set_rows(self, rows: Sequence[ErrorRow], current: str) -> None:
        """Show errors, with the one of the key `current` selected; the place is kept."""
        place = self.verticalScrollBar().value()
        self._model.set_rows(rows)
        self.verticalScrollBar().setValue(place)
        self.select(current)

    def set_filter(self, chosen: Filter) -> None:
        """List only some errors."""
        self._model.set_filter(chosen)

    def set_columns(self, *, suggesting: bool, runs: bool) -> None:
        """Show the columns of errors from the truth, or those of suggestions."""
        hidden = {VOI_COLUMN: suggesting, ERL_COLUMN: not runs, SCORE_COLUMN: not suggesting}
        for column, hide in hidden.items():
            if hide and self.horizontalHeader().sortIndicatorSection() == column:
                self.sortByColumn(NUMBER_COLUMN, Qt.SortOrder.AscendingOrder)
            self.setColumnHidden(column, hide)

    def select(self, key: str) -> None:
        """Select an error and bring it into view; nothing when it is not listed."""
        at = next((n for n, row in enumerate(self._model.rows) if row.key == key), -1)
        if at < 0:
            self.clearSelection()
            return
        index = self._model.index(at, 0)
        if at != self.currentIndex().row() or not self.selectionModel().hasSelection():
            self.setCurrentIndex(index)
        self.scrollTo(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move, or enter; all other keys belong to the window."""
        moves = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
        if event.key() in (*moves, Qt.Key.Key_Home, Qt.Key.Key_End):
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.entered.emit(self._key(self.currentIndex()))
        else:
            event.ignore()

    def _key(self, index: Index) -> str:
        return self._model.rows[index.row()].key

    def _tell_order(self) -> None:
        self.reordered.emit([] if self._model.is_worst_first else [r.key for r in self._model.rows])

    def _size_columns(self) -> None:
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(18)
        metrics = self.fontMetrics()
        samples = (
            "9999",
            "merge",
            "999.9",
            "\N{MINUS SIGN}999.9",
            "0.99",
            "9,999",
            "\N{BLACK FLAG}",
        )
        for column, sample in enumerate(samples):
            extra = 30 if column == KIND_COLUMN else 12
            self.setColumnWidth(column, metrics.horizontalAdvance(sample) + extra)
        header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
