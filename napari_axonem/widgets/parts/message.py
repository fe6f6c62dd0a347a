"""The line in a dock that tells the user what happened."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget


class Message(QLabel):
    """One wrapped line of plain text; problems have a warning sign."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.hide()

    def tell(self, text: str, *, problem: bool = False) -> None:
        """Show a text; an empty one hides the line."""
        self.setText(f"\N{WARNING SIGN} {text}" if problem and text else text)
        self.setVisible(bool(text))
