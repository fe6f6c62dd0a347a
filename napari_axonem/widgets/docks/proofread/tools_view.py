"""The tools, and the edit in the making."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.fields import NumberField
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.tools.brushing import LEAST_NM, MOST_NM

TOOLS = (
    (Tool.LOOK, "Look"),
    (Tool.MERGE, "Merge"),
    (Tool.SPLIT, "Split"),
    (Tool.CUT_OFF, "Cut off"),
    (Tool.DETACH, "Detach"),
    (Tool.DELETE, "Delete"),
    (Tool.PAINT, "Paint"),
    (Tool.ERASE, "Erase"),
)

PER_ROW = 4

BRUSHES = (Tool.PAINT, Tool.ERASE)

OTHERS = {Tool.PAINT: "Paint over other objects too", Tool.ERASE: "Erase from all objects"}
"""What the check box is called with each brush."""


class BrushView(QWidget):
    """The radius of the brush, and what it is used on."""

    resized = Signal(float)
    """Another radius in nm is asked for."""

    def __init__(self, others: QCheckBox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.radius = NumberField()
        self.radius.setDecimals(0)
        self.radius.setRange(LEAST_NM, MOST_NM)
        self.radius.setSingleStep(5)
        self.radius.setSuffix(" nm")
        self.radius.setKeyboardTracking(False)
        self.radius.setToolTip(
            "Radius of the brush. It is a ball, which reaches into the sections above and below"
        )
        self.others = others
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(QLabel("Radius"), 0, 0)
        grid.addWidget(self.radius, 0, 1)
        grid.addWidget(others, 1, 0, 1, 2)
        self.radius.valueChanged.connect(self.resized)

    def set_brush(self, radius_nm: float, *, others: bool, word: str) -> None:
        """Show the brush, and what using it on others is called."""
        self.radius.blockSignals(True)
        self.radius.setValue(radius_nm)
        self.radius.blockSignals(False)
        self.others.setChecked(others)
        self.others.setText(word)


class ToolsView(QWidget):
    """Shows which tool is in hand and what to do with it, and emits what the user wants."""

    asked = Signal(str)
    """The button of an action was clicked: its id."""

    def __init__(self, tips: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tips = tips
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.buttons = {tool: self._button(tool, text) for tool, text in TOOLS}
        for button in self.buttons.values():
            button.setCheckable(True)
            self._group.addButton(button)
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
        self.swap = self._button("swap", "Next colour")
        self.colour = self._button("colour", "More colours")
        self.brush = BrushView(self._others())
        self._lay_out()

    def set_tool(self, tool: Tool) -> None:
        """Show which tool is in hand."""
        self.buttons[tool].setChecked(True)
        self.take.setVisible(tool not in (Tool.LOOK, *BRUSHES))
        for button in (self.swap, self.colour):
            button.setVisible(tool == Tool.SPLIT)
        self.drop.setVisible(tool not in (Tool.LOOK, *BRUSHES))
        self.brush.setVisible(tool in BRUSHES)

    def set_draft(self, hint: str, *, ready: bool, begun: bool, busy: bool) -> None:
        """Say what to do next, and whether there is something to take or to drop."""
        self.hint.setText(hint)
        self.take.setEnabled(ready)
        self.drop.setEnabled(begun)
        self.busy.setVisible(busy)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(4)
        for number, button in enumerate(self.buttons.values()):
            grid.addWidget(button, *divmod(number, PER_ROW))
        for column in range(PER_ROW):
            grid.setColumnStretch(column, 1)
        draft = QHBoxLayout()
        for button in (self.take, self.drop):
            draft.addWidget(button)
        sides = QHBoxLayout()
        for button in (self.swap, self.colour):
            sides.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(grid)
        layout.addWidget(self.hint)
        layout.addWidget(self.busy)
        layout.addWidget(self.brush)
        layout.addLayout(sides)
        layout.addLayout(draft)

    def _others(self) -> QCheckBox:
        box = QCheckBox()
        box.setToolTip(self._tips.get("others", ""))
        box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        box.clicked.connect(lambda: self.asked.emit("others"))
        return box

    def _button(self, action: str, text: str) -> QPushButton:
        return action_button(text, self._tips.get(action, ""), lambda: self.asked.emit(action))
