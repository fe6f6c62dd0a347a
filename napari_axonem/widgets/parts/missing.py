"""What a dock needs and has not got, with a button that gets it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_axonem.widgets.parts.buttons import action_button
from napari_axonem.widgets.parts.message import Message

NO_PROJECT = ("no project is open", "Open a project\N{HORIZONTAL ELLIPSIS}")
"""What most docks need: what is told, and what the button says."""


class Missing(QWidget):
    """Tells what is missing; hidden while nothing is.

    Parameters
    ----------
    tip
        What the button does.
    """

    asked = Signal()
    """The button was clicked."""

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = Message()
        self.button = action_button("", tip, self.asked.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.message)
        layout.addWidget(self.button)
        self.tell("")

    def tell(self, text: str, button: str = "") -> None:
        """Say what is missing, and what the button does about it; an empty text hides both."""
        self.message.tell(text)
        self.button.setText(button)
        self.setVisible(bool(text))
