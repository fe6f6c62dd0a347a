"""Bars that show a share, without holding the window up."""

from __future__ import annotations

from qtpy.QtWidgets import QProgressBar


def set_bar(bar: QProgressBar, value: int, text: str = "") -> None:
    """Show another value, with a text on the bar.

    A `QProgressBar` that is in sight paints itself, and with it the whole window, before
    `setValue` returns; here it is painted with all else that has changed.
    """
    if (bar.value(), bar.format()) == (value, text or bar.format()):
        return
    bar.setUpdatesEnabled(False)
    bar.setValue(value)
    if text:
        bar.setFormat(text)
    bar.setUpdatesEnabled(True)
