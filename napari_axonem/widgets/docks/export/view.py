"""The dock Export."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.parts.job_view import JobView

FORMATS = ((".h5", "HDF5 file"), (".zarr", "OME-Zarr folder"))


class ExportView(QWidget):
    """Asks where the corrected labels go."""

    wanted = Signal(str, bool)
    """Labels shall be written: destination, and whether it may be replaced."""

    reformatted = Signal(str)
    """Another format was chosen: its suffix."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        about = QLabel("Write the corrected objects as labels, for training or analysis.")
        about.setWordWrap(True)
        self.format = QComboBox()
        for suffix, text in FORMATS:
            self.format.addItem(f"{text} ({suffix})", suffix)
        self.format.setToolTip("Format of the file; the suffix of the destination says the same")
        self.destination = QLineEdit()
        self.destination.setPlaceholderText("NAME.h5 or NAME.zarr")
        self.destination.setToolTip("File or folder to write")
        self.browse = QPushButton("Browse\N{HORIZONTAL ELLIPSIS}")
        self.browse.setToolTip("Choose where to write")
        self.overwrite = QCheckBox("Replace what is there")
        self.overwrite.setToolTip("Write even where a file of that name exists")
        self.export = QPushButton("Export labels")
        self.export.setToolTip("Write the labels; the window stays usable meanwhile")
        for button in (self.browse, self.export):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.job = JobView()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Format", self.format)
        row = QHBoxLayout()
        row.addWidget(self.destination, 1)
        row.addWidget(self.browse)
        form.addRow("To", row)
        layout = QVBoxLayout(self)
        for widget in (about, form, self.overwrite, self.export, self.job):
            if isinstance(widget, QWidget):
                layout.addWidget(widget)
            else:
                layout.addLayout(widget)
        layout.addStretch(1)
        self.format.activated.connect(lambda: self.reformatted.emit(self.format.currentData()))
        self.browse.clicked.connect(self._browse)
        self.export.clicked.connect(self._export)

    def set_ready(self, ready: bool) -> None:
        """Let the user export, or not."""
        self.export.setEnabled(ready)

    def set_destination(self, path: str) -> None:
        """Show where the labels go."""
        self.destination.setText(path)
        index = next((n for n, (s, _) in enumerate(FORMATS) if path.endswith(s)), -1)
        if index >= 0:
            self.format.setCurrentIndex(index)

    def _browse(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Write labels to",
            self.destination.text(),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if path:
            suffix = self.format.currentData()
            known = tuple(s for s, _ in FORMATS)
            self.set_destination(path if path.endswith(known) else path + suffix)

    def _export(self) -> None:
        self.wanted.emit(self.destination.text().strip(), self.overwrite.isChecked())
