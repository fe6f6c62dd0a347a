"""The history: all operations, going back to one of them, and names for points of it."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QItemSelectionModel, QPoint, Qt, Signal
from qtpy.QtGui import QKeyEvent, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.docks.proofread.history_model import (
    CHANGE,
    COLUMNS,
    EDIT,
    TIME,
    USER,
    HistoryModel,
)
from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.fields import TextField

ROOM_FOR_USERS = 330
"""Width in pixels from which users have a column; tooltips name them anyway."""

MOVES = (
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
)


class HistoryTable(QTableView):
    """Lists operations; it lets all keys but those that move in it pass on to the window."""

    chosen = Signal(object)
    """An operation was chosen: its id, 0 for the beginning, None for none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = HistoryModel(self)
        self.setModel(self._model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMinimumHeight(120)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        self._size_columns()
        self.selectionModel().selectionChanged.connect(lambda *_: self._tell())

    def show_project(self, project: Project | None) -> None:
        """Show the operations of a project, and those it has got since."""
        at_top = self.verticalScrollBar().value() == 0
        self._model.follow(project)
        if at_top:
            self.scrollToTop()

    def choose(self, number: int | None) -> None:
        """Choose an operation; None chooses none."""
        if number is None:
            self.clearSelection()
            return
        index = self._model.index(self._model.row(number), 0)
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(index, flags.ClearAndSelect | flags.Rows)

    def number_at(self, place: QPoint) -> int | None:
        """Return the operation at a place of the viewport."""
        row = self.rowAt(place.y())
        return None if row < 0 else self._model.number(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move; all other keys belong to the window."""
        if event.key() in MOVES:
            super().keyPressEvent(event)
        else:
            event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leave the users out where there is no room."""
        super().resizeEvent(event)
        self.setColumnHidden(USER, self.width() < ROOM_FOR_USERS)

    def _tell(self) -> None:
        rows = self.selectionModel().selectedRows()
        self.chosen.emit(self._model.number(rows[0].row()) if rows else None)

    def _size_columns(self) -> None:
        header, metrics = self.horizontalHeader(), self.fontMetrics()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(18)
        samples = {TIME: "Nov 30", USER: "mmmmmm", CHANGE: "\N{MINUS SIGN}0.0000"}
        for column in range(len(COLUMNS)):
            if column == EDIT:
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
            else:
                width = metrics.horizontalAdvance(samples[column]) + 14
                self.setColumnWidth(column, width)


class HistoryView(QWidget):
    """The table, with what can be done with a row."""

    asked = Signal(str)
    """An action is asked for: its id."""

    chosen = Signal(object)
    """An operation was chosen: its id, 0 for the beginning, None for none."""

    named = Signal(str)
    """A name for this point was typed."""

    def __init__(self, tips: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tips = tips
        self.table = HistoryTable()
        self.table.setToolTip("All operations, newest first; a double click goes to the place")
        self.back = action_button(
            "Go back to here", tips.get("back", ""), lambda: self.asked.emit("back")
        )
        self.name = TextField()
        self.name.setPlaceholderText("Name this point")
        self.name.setToolTip(tips.get("name", ""))
        row = QHBoxLayout()
        row.addWidget(self.back)
        row.addWidget(self.name, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table, 1)
        layout.addLayout(row)
        self.table.chosen.connect(self.chosen)
        self.table.doubleClicked.connect(lambda _: self.asked.emit("visit"))
        self.table.customContextMenuRequested.connect(self._open_menu)
        self.name.returnPressed.connect(self._name)

    def set_possible(self, *, back: bool, name: bool) -> None:
        """Say whether one can go back to the row chosen, and name this point."""
        self.back.setEnabled(back)
        self.name.setEnabled(name)

    def ask_name(self) -> None:
        """Let the user type a name."""
        self.name.setFocus()

    def menu_at(self, place: QPoint) -> QMenu | None:
        """Return the menu of the row at a place of the table, and choose the row."""
        number = self.table.number_at(place)
        if number is None:
            return None
        self.table.choose(number)
        menu = QMenu(self)
        for action, text in (("back", "Go back to here"), ("visit", "Go to the place")):
            menu.addAction(text).triggered.connect(lambda _=False, a=action: self.asked.emit(a))
        menu.addSeparator()
        more = menu.addAction("Name this point\N{HORIZONTAL ELLIPSIS}")
        more.setEnabled(self.name.isEnabled() and self.table.model().row(number) == 0)
        more.setToolTip("Only the newest point can be named")
        more.triggered.connect(self.ask_name)
        menu.actions()[0].setEnabled(self.back.isEnabled())
        return menu

    def _open_menu(self, place: QPoint) -> None:
        menu = self.menu_at(place)
        if menu is not None:
            menu.exec(self.table.viewport().mapToGlobal(place))
            menu.deleteLater()

    def _name(self) -> None:
        text = self.name.text()
        self.name.clear()
        self.named.emit(text)
