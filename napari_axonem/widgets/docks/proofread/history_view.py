"""The list of operations of a project, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One operation as it is listed."""

    id: int
    time: str
    text: str
    change: str
    active: bool
    """Whether it is in force: not undone."""


class HistoryView(QTreeWidget):
    """Lists operations; a click on one asks to go to its place."""

    went = Signal(int)
    """The place of an operation is asked for: its id."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderLabels(["Time", "Edit", "Change"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setMinimumHeight(90)
        self.setToolTip("All operations, newest first; click one to go to its place")
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self.clicked.connect(self._click)

    def set_rows(self, rows: Sequence[HistoryRow]) -> None:
        """Show operations, newest first."""
        self.clear()
        items = []
        for row in rows:
            item = QTreeWidgetItem([row.time, row.text, row.change])
            item.setData(0, Qt.ItemDataRole.UserRole, row.id)
            item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight)
            item.setToolTip(1, row.text if row.active else f"{row.text} (undone)")
            font = item.font(1)
            font.setStrikeOut(not row.active)
            item.setFont(1, font)
            items.append(item)
        self.addTopLevelItems(items)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move; all other keys belong to the window."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            super().keyPressEvent(event)
        else:
            event.ignore()

    def _click(self, index: QModelIndex) -> None:
        self.went.emit(index.siblingAtColumn(0).data(Qt.ItemDataRole.UserRole))
