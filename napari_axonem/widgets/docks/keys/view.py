"""The help panel: all keys in one place."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from napari_axonem.widgets.session.keys import ACTIONS, HELP_KEYS, Action

NOTE = (
    "Keys work in the picture and in the docks, while one of the layers of the project is "
    "selected; other layers may take some for themselves. All of napari's own keys are under "
    "Preferences, Shortcuts."
)


class KeysView(QWidget):
    """Lists keys by the dock they belong to."""

    def __init__(self, actions: Sequence[Action] = ACTIONS, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setColumnStretch(1, 1)
        row = 0
        for group in dict.fromkeys(action.group for action in actions):
            grid.addWidget(QLabel(f"<b>{group}</b>"), row, 0, 1, 2)
            row += 1
            for action in (a for a in actions if a.group == group):
                self._add(grid, row, action.shown_key, action.title)
                row += 1
        self._add(grid, row, " or ".join(HELP_KEYS), "Show these keys")
        note = QLabel(NOTE)
        note.setWordWrap(True)
        grid.addWidget(note, row + 1, 0, 1, 2)
        grid.setRowStretch(row + 2, 1)

    @staticmethod
    def _add(grid: QGridLayout, row: int, key: str, title: str) -> None:
        name = QLabel(f"<code>{key}</code>")
        name.setAlignment(Qt.AlignmentFlag.AlignRight)
        label = QLabel(title)
        label.setWordWrap(True)
        grid.addWidget(name, row, 0)
        grid.addWidget(label, row, 1)


class KeysDialog(QDialog):
    """The same as a window of its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys of napari-axonem")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(KeysView())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
        self.resize(440, 720)
