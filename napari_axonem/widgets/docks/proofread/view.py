"""The dock Proofread: the tools, the edit in the making, the score and the history."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.docks.proofread.history_view import HistoryView
from napari_axonem.widgets.docks.proofread.score_view import ScoreView
from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.message import Message
from napari_axonem.widgets.session.editor import Tool

TOOLS = ((Tool.LOOK, "Look"), (Tool.MERGE, "Merge"), (Tool.SPLIT, "Split"))


class ProofreadView(QWidget):
    """Shows tool, draft, score and history, and emits what the user wants."""

    asked = Signal(str)
    """The button of an action was clicked: its id."""

    visited = Signal(int)
    """The place of an operation is asked for: its id."""

    def __init__(self, tips: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tips = tips
        self._tools = QButtonGroup(self)
        self._tools.setExclusive(True)
        self.tools = {tool: self._button(tool, text) for tool, text in TOOLS}
        for button in self.tools.values():
            button.setCheckable(True)
            self._tools.addButton(button)
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.hint.setTextFormat(Qt.TextFormat.RichText)
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setMaximumHeight(6)
        self.take = self._button("take", "Take it")
        self.drop = self._button("drop", "Drop")
        self.swap = self._button("swap", "Swap colour")
        self.repair = self._button("repair", "Repair this error")
        self.undo = self._button("undo", "Undo")
        self.redo = self._button("redo", "Redo")
        self.message = Message()
        self.score = ScoreView()
        self.history = HistoryView()
        self.history.went.connect(self.visited)
        self._lay_out()

    def set_tool(self, tool: Tool) -> None:
        """Show which tool is in hand."""
        self.tools[tool].setChecked(True)
        splitting = tool == Tool.SPLIT
        for button in (self.take, self.swap):
            button.setVisible(splitting)
        self.drop.setVisible(tool != Tool.LOOK)

    def set_draft(self, hint: str, *, ready: bool, begun: bool, busy: bool) -> None:
        """Say what to do next, and whether there is something to take or to drop."""
        self.hint.setText(hint)
        self.take.setEnabled(ready)
        self.drop.setEnabled(begun)
        self.busy.setVisible(busy)

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
        tools = QHBoxLayout()
        for button in self.tools.values():
            tools.addWidget(button)
        draft = QHBoxLayout()
        for button in (self.take, self.drop, self.swap):
            draft.addWidget(button)
        turns = QGridLayout()
        turns.addWidget(self.repair, 0, 0, 1, 2)
        turns.addWidget(self.undo, 1, 0)
        turns.addWidget(self.redo, 1, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(tools)
        layout.addWidget(self.hint)
        layout.addWidget(self.busy)
        layout.addLayout(draft)
        layout.addLayout(turns)
        layout.addWidget(self.message)
        layout.addWidget(self.score)
        layout.addWidget(self.history, 1)

    def _button(self, action: str, text: str) -> QPushButton:
        return action_button(text, self._tips.get(action, ""), lambda: self.asked.emit(action))
