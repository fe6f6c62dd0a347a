"""The dock Proofread: the tools, the edit in the making, the score and the history."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from napari_axonem.widgets.docks.proofread.history_view import HistoryView
from napari_axonem.widgets.docks.proofread.score_view import ScoreView
from napari_axonem.widgets.docks.proofread.tools_view import ToolsView
from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.message import Message


class ProofreadView(QWidget):
    """Shows tool, draft, score and history, and emits what the user wants."""

    asked = Signal(str)
    """The button of an action was clicked: its id."""

    def __init__(self, tips: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tips = tips
        self.tools = ToolsView(tips)
        self.repair = self._button("repair", "Repair this error")
        self.undo = self._button("undo", "Undo")
        self.redo = self._button("redo", "Redo")
        self.message = Message()
        self.score = ScoreView()
        self.history = HistoryView(tips)
        self.tools.asked.connect(self.asked)
        self.history.asked.connect(self.asked)
        self._lay_out()

    def set_repair(self, text: str) -> None:
        """Say what repairing would do; nothing can be repaired when it is empty."""
        self.repair.setEnabled(bool(text))
        self.repair.setText(text or "Repair this error")

    def set_turns(self, undo: str, redo: str) -> None:
        """Say what would be undone and redone; empty when there is nothing."""
        for button, word, what in ((self.undo, "Undo", undo), (self.redo, "Redo", redo)):
            button.setEnabled(bool(what))
            tip = self._tips.get(word.lower(), "")
            button.setToolTip(f"{tip}\n{what}" if what else tip)
            metrics = button.fontMetrics()
            text = metrics.elidedText(what, Qt.TextElideMode.ElideRight, 70)
            button.setText(f"{word} {text}".strip())

    def _lay_out(self) -> None:
        turns = QGridLayout()
        turns.addWidget(self.repair, 0, 0, 1, 2)
        turns.addWidget(self.undo, 1, 0)
        turns.addWidget(self.redo, 1, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tools)
        layout.addLayout(turns)
        layout.addWidget(self.message)
        layout.addWidget(self.score)
        layout.addWidget(self.history, 1)

    def _button(self, action: str, text: str) -> QPushButton:
        return action_button(text, self._tips.get(action, ""), lambda: self.asked.emit(action))
