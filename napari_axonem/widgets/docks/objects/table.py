"""A short table of objects, each with its colour: those selected, or those that touch one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from qtpy.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, Qt, Signal
from qtpy.QtGui import QKeyEvent, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_axonem.widgets.parts import icons

Index: TypeAlias = QModelIndex | QPersistentModelIndex

ROW_PIXELS = 22


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object as it stands in a table."""

    segment: int
    """Its name."""

    colour: str
    """As it is drawn, ``#rrggbb``."""

    texts: tuple[str, ...]
    """What the columns after the name say."""


class ObjectModel(QAbstractTableModel):
    """Objects as rows, in the order that they are given in.

    Parameters
    ----------
    titles
        What the columns are called, and what their tooltips say, the name of an object first.
    """

    def __init__(self, titles: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.titles = tuple(titles)
        self.rows: tuple[ObjectRow, ...] = ()
        """The objects listed."""
        self._squares: dict[str, QPixmap] = {}

    def set_rows(self, rows: Sequence[ObjectRow]) -> None:
        """Replace all objects."""
        self.beginResetModel()
        self.rows, self._squares = tuple(rows), {}
        self.endResetModel()

    def set_title(self, column: int, title: str, tip: str) -> None:
        """Call a column something else."""
        titles = list(self.titles)
        titles[column] = (title, tip)
        self.titles = tuple(titles)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, column, column)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of objects listed."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.titles)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a cell shows."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return str(row.segment) if column == 0 else row.texts[column - 1]
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            if row.colour not in self._squares:
                self._squares[row.colour] = icons.square(row.colour)
            return self._squares[row.colour]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return the title or the tooltip of a column."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self.titles[section][0]
            if role == Qt.ItemDataRole.ToolTipRole:
                return self.titles[section][1]
        return None


class ObjectTable(QTableView):
    """The table; it lets all keys but those that move in it pass on to the window.

    Parameters
    ----------
    titles
        As `ObjectModel` takes them.
    most_rows
        Rows that are seen at most without scrolling; the table is as high as what it shows.
    """

    chosen = Signal(int)
    """An object was clicked, or gone to with the arrows: its name."""

    hovered = Signal(int)
    """The mouse is over an object: its name, or 0 when it left the table."""

    def __init__(
        self,
        titles: Sequence[tuple[str, str]],
        most_rows: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._most_rows = most_rows
        self.objects = ObjectModel(titles, self)
        self.setModel(self.objects)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PIXELS)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(18)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(lambda index: self.chosen.emit(self._name(index)))
        self.entered.connect(lambda index: self.hovered.emit(self._name(index)))
        self._fit()

    def set_rows(self, rows: Sequence[ObjectRow], current: int) -> None:
        """Show objects, one of them as the current one; the place is kept."""
        if tuple(rows) != self.objects.rows:
            place = self.verticalScrollBar().value()
            self.objects.set_rows(rows)
            self._fit()
            self.verticalScrollBar().setValue(place)
        at = next((n for n, row in enumerate(self.objects.rows) if row.segment == current), -1)
        if at < 0:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        elif at != self.currentIndex().row() or not self.selectionModel().hasSelection():
            self.setCurrentIndex(self.objects.index(at, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Go up or down; all other keys belong to the window."""
        moves = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
        if event.key() in moves and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            super().keyPressEvent(event)
            if self.currentIndex().isValid():
                self.chosen.emit(self._name(self.currentIndex()))
        else:
            event.ignore()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Tell that the mouse is over no object."""
        self.hovered.emit(0)
        super().leaveEvent(event)

    def _name(self, index: Index) -> int:
        return self.objects.rows[index.row()].segment

    def _fit(self) -> None:
        rows = min(max(1, len(self.objects.rows)), self._most_rows)
        header = self.horizontalHeader().sizeHint().height()
        self.setFixedHeight(header + rows * ROW_PIXELS + 2 * self.frameWidth())
