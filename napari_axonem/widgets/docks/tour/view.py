"""The dock Tour: the steps, what of them is done, and how to do the next."""

from __future__ import annotations

from collections.abc import Collection

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_axonem.widgets.session.keyboard import keyboard
from napari_axonem.widgets.session.tour import STEPS, Step

DONE, LATER = "\N{BALLOT BOX WITH CHECK}", "\N{BALLOT BOX}"
NEXT = "\N{BLACK RIGHT-POINTING TRIANGLE}"

END = "That is all of it. <b>H</b> shows every key; close this panel when you like."


class TourView(QWidget):
    """Shows how far the tour is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps = QLabel()
        self.how = QLabel()
        layout = QVBoxLayout(self)
        for label in (self.steps, self.how):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.RichText)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
            layout.addWidget(label)
        layout.addStretch(1)

    def show_steps(self, done: Collection[str], current: Step | None) -> None:
        """Show which steps are done, and how to do the next."""
        lines = []
        for step in STEPS:
            sign = DONE if step.id in done else NEXT if step is current else LATER
            title = f"<b>{step.title}</b>" if step is current else step.title
            lines.append(f"{sign} {title}")
        self.steps.setText("<br>".join(lines))
        self.how.setText(END if current is None else current.how.format_map(keyboard().all_shown))
