"""The operations of a project as rows, each read from the log when it is seen."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from qtpy.QtGui import QFont

from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind, Operation
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.curve import INK

COLUMNS = (
    ("Time", "When it was done"),
    ("User", "Who did it"),
    ("Edit", "What was done, and to which objects; what is undone is struck out"),
    ("VOI", "Change of the variation of information in bits; below 0 is better"),
)

TIME, USER, EDIT, CHANGE = range(4)

BEGINNING = "the beginning"

Index: TypeAlias = QModelIndex | QPersistentModelIndex


class HistoryModel(QAbstractTableModel):
    """Operations, newest first, with the beginning of the project as the last row.

    An edit inserts one row. Nothing else is touched, so that it takes no longer in a long log.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._count = 0
        self._active: set[int] = set()
        self._struck = QFont()
        self._struck.setStrikeOut(True)
        self._bold = QFont()
        self._bold.setBold(True)

    def follow(self, project: Project | None) -> None:
        """Show a project; one that is shown already has got more operations, or none."""
        if project is not self._project:
            self.beginResetModel()
            self._project = project
            self._count = 0 if project is None else len(project.operations)
            self._active = set() if project is None else set(project.history.active())
            self.endResetModel()
            return
        more = 0 if project is None else len(project.operations) - self._count
        if project is None or more <= 0:
            return
        fresh = project.operations[self._count :]
        self.beginInsertRows(QModelIndex(), 0, more - 1)
        self._count += more
        self.endInsertRows()
        for operation in fresh:
            self._note(project, operation)
        self.dataChanged.emit(self.index(0, 0), self.index(self._count, len(COLUMNS) - 1))

    def number(self, row: int) -> int:
        """Return the operation of a row, 0 for the beginning."""
        return self._count - row

    def row(self, number: int) -> int:
        """Return the row of an operation."""
        return self._count - number

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of operations, and one for the beginning."""
        return 0 if parent.isValid() or self._project is None else self._count + 1

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a cell shows."""
        number, column = self.number(index.row()), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column == CHANGE else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role not in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.FontRole,
            Qt.ItemDataRole.ForegroundRole,
        ):
            return None
        operation = self._operation(number)
        if operation is None:
            shown = column == EDIT and role == Qt.ItemDataRole.DisplayRole
            return BEGINNING if shown else None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(operation, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(operation)
        undone = operation.is_edit and number not in self._active
        if role == Qt.ItemDataRole.ForegroundRole:
            return INK if undone else None
        if column != EDIT:
            return None
        if operation.kind == Kind.MARK:
            return self._bold
        return self._struck if undone else None

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return the title or the tooltip of a column."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section][0]
            if role == Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section][1]
        return None

    def _note(self, project: Project, operation: Operation) -> None:
        """Note which edits are active after an operation."""
        if operation.is_edit or operation.kind == Kind.REDO:
            self._active.add(operation.target or operation.id)
        elif operation.kind == Kind.UNDO:
            self._active.discard(operation.target)
        elif operation.kind == Kind.GO:
            self._active = set(project.history.active())

    def _operation(self, number: int) -> Operation | None:
        if self._project is None or not 0 < number <= self._count:
            return None
        return self._project.operations[number - 1]

    def _text(self, operation: Operation, column: int) -> str:
        if column == TIME:
            return _clock(operation)
        if column == USER:
            return operation.user
        if column == EDIT and self._project is not None:
            return wording.operation(operation, self._project.operations)
        change = self._change(operation)
        return "" if change is None else wording.change(change)

    def _tip(self, operation: Operation) -> str:
        undone = operation.is_edit and operation.id not in self._active
        what = self._text(operation, EDIT) + (" (undone)" if undone else "")
        when = _time(operation).strftime("%Y-%m-%d %H:%M:%S")
        return f"{operation.id}. {what}\n{when}, {operation.user}"

    def _change(self, operation: Operation) -> float | None:
        """Return by how much an operation changed the score; None where that is not known."""
        if operation.voi is None or self._project is None:
            return None
        before = self._operation(operation.id - 1)
        while before is not None and before.kind == Kind.MARK:
            before = self._operation(before.id - 1)
        start = self._project.voi_at_start
        if before is None:
            return None if start is None else sum(operation.voi) - start.total
        return None if before.voi is None else sum(operation.voi) - sum(before.voi)


def _time(operation: Operation) -> datetime:
    """Return when an operation was done, in the time of this place."""
    return datetime.fromisoformat(operation.time).astimezone()


def _clock(operation: Operation) -> str:
    """Return the time of an operation of today, and the day of an older one."""
    when = _time(operation)
    today = when.date() == datetime.now().astimezone().date()
    return when.strftime("%H:%M" if today else "%b %d")
