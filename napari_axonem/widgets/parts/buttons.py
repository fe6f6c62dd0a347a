"""Buttons that leave the keys where they are: they never take the focus."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton


def plain_button(text: str, tip: str) -> QPushButton:
    """Return a button with a tooltip."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button


def action_button(text: str, tip: str, ask: Callable[[], object]) -> QPushButton:
    """Return a button that asks for something, such as an action of the table of keys."""
    button = plain_button(text, tip)
    button.clicked.connect(lambda: ask())
    return button
