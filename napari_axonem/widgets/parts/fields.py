"""Fields whose keys stay in them: Enter in one must not take an edit in the window."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QDoubleSpinBox, QLineEdit

LEAVING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
"""Keys after which what is typed are keys of the window again."""


class TextField(QLineEdit):
    """A line of text; Qt passes Enter and Escape on, this does not."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Type; Enter and Escape end that."""
        super().keyPressEvent(event)
        event.accept()
        if event.key() in LEAVING:
            self.clearFocus()


class NumberField(QDoubleSpinBox):
    """A number; Qt passes Enter and Escape on, this does not."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Type; Enter and Escape end that."""
        super().keyPressEvent(event)
        event.accept()
        if event.key() in LEAVING:
            self.clearFocus()
