"""Three dimensions: the switch, what is shown in them, and what is being made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.message import Message


class SpaceView(QWidget):
    """Two switches and a line of progress.

    Parameters
    ----------
    tips
        Tooltip of each action, by its id.
    ask
        Called with the id of an action that was asked for.
    """

    def __init__(
        self,
        tips: Mapping[str, str],
        ask: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.space = action_button("Show in 3-D", tips.get("space", ""), lambda: ask("space"))
        self.space.setCheckable(True)
        self.lines = QCheckBox("Centre lines")
        self.lines.setToolTip(tips.get("lines", ""))
        self.lines.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.lines.clicked.connect(lambda: ask("lines"))
        self.progress = Message()
        switches = QHBoxLayout()
        switches.addWidget(self.space, 1)
        switches.addWidget(self.lines)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(switches)
        layout.addWidget(self.progress)

    def set_switches(self, *, space: bool, lines: bool) -> None:
        """Show what is switched on."""
        self.space.setChecked(space)
        self.lines.setChecked(lines)
