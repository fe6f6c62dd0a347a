"""The upper half of the dock Volume: open a project or a volume, and the facts of the project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.parts.buttons import plain_button

LONGEST_NAME = 160
"""Pixels of the name of a project on a button."""


class OpenView(QGroupBox):
    """Chooses a project, or a volume to look at."""

    opened = Signal(str)
    """A project or a volume shall be opened: its path or address."""

    toured = Signal()
    """The user wants to be shown around."""

    phantom_wanted = Signal()
    """The built-in phantom shall be made and opened."""

    closed = Signal()
    """The open project shall be closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Open", parent)
        self.path = QComboBox()
        self.path.setEditable(True)
        self.path.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.path.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.path.lineEdit().setPlaceholderText("NAME.axonem, a volume or its address")
        self.path.setToolTip(
            "Folder of a project, or a volume to look at: a file, a folder, FILE.h5:DATASET, or "
            "an address such as https://HOST/NAME.zarr; the list has the projects opened lately"
        )
        self.open = plain_button("Open", "Open the project or the volume named above")
        self.browse = plain_button(
            "Browse\N{HORIZONTAL ELLIPSIS}", "Choose the folder of a project or a volume"
        )
        self.close_ = plain_button("Close", "Close the open project; every edit is on disk already")
        self.phantom = plain_button(
            "Try the phantom", "Make a synthetic axon volume with known errors, and open it"
        )
        self.again = plain_button("", "Open the project that was open last")
        self._newest = ""
        self.tour = plain_button(
            "Take the tour", "Be shown the way through the window, in some minutes"
        )
        layout = QGridLayout(self)
        layout.addWidget(self.again, 0, 0, 1, 6)
        layout.addWidget(self.path, 1, 0, 1, 6)
        for column, button in enumerate((self.open, self.browse, self.close_)):
            layout.addWidget(button, 2, 2 * column, 1, 2)
        for column, button in enumerate((self.phantom, self.tour)):
            layout.addWidget(button, 3, 3 * column, 1, 3)
        self.again.clicked.connect(lambda: self.opened.emit(self._newest))
        self.tour.clicked.connect(self.toured)
        self.open.clicked.connect(self._open)
        self.path.lineEdit().returnPressed.connect(self._open)
        self.path.activated.connect(self._open)
        self.browse.clicked.connect(self._browse)
        self.close_.clicked.connect(self.closed)
        self.phantom.clicked.connect(self.phantom_wanted)

    def set_recent(self, paths: Sequence[str], *, offered: bool) -> None:
        """Offer the projects opened lately, newest first.

        Parameters
        ----------
        offered
            Whether there is a button for the newest as well.
        """
        self.path.clear()
        self.path.addItems(list(paths))
        self.path.setCurrentIndex(-1)
        self.path.clearEditText()
        self.again.setVisible(offered and bool(paths))
        if paths:
            name = self.again.fontMetrics().elidedText(
                Path(paths[0]).stem, Qt.TextElideMode.ElideMiddle, LONGEST_NAME
            )
            self.again.setText(f"Go on with {name}")
            self._newest = paths[0]

    def _open(self) -> None:
        if self.path.currentText().strip():
            self.opened.emit(self.path.currentText().strip())

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a project or a volume")
        if folder:
            self.opened.emit(folder)


class FactsView(QGroupBox):
    """Says what the open project holds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("This project", parent)
        self._form = QFormLayout(self)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._values: dict[str, QLabel] = {}
        self.set_facts([])

    def set_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Show names and values; the box hides when there are none."""
        if [name for name, _ in facts] != list(self._values):
            while self._form.rowCount():
                self._form.removeRow(0)
            self._values = {name: _selectable() for name, _ in facts}
            for name, label in self._values.items():
                self._form.addRow(name, label)
        for name, value in facts:
            self._values[name].setText(value)
        self.setVisible(bool(facts))


def _selectable() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


class VolumeView(QWidget):
    """The dock Volume.

    Parameters
    ----------
    parts
        From top to bottom.
    """

    def __init__(self, *parts: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        for part in parts:
            layout.addWidget(part)
        layout.addStretch(1)
