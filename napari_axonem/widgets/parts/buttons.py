"""Buttons that ask for an action of the table of keys."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton


def action_button(text: str, tip: str, ask: Callable[[], object]) -> QPushButton:
    """Return a button that leaves the keys where they are: it never takes the focus."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.clicked.connect(lambda: ask())
    return button
