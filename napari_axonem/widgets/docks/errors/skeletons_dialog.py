"""A small form: which skeletons to follow, and what counts as merged."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_axonem.evaluation.standing import USUAL_RUNS, RunSettings

FILES = "Skeletons (*.npz *.h5 *.swc);;All files (*)"


class SkeletonsDialog(QDialog):
    """Asks for skeletons and for the definition of the run length."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Follow skeletons of the truth")
        self.path = QLineEdit()
        self.path.setPlaceholderText("em_erl graph (.npz), .h5, .swc or a folder")
        browse = QPushButton("Browse\N{HORIZONTAL ELLIPSIS}")
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        self.threshold = QSpinBox()
        self.threshold.setRange(0, 1_000_000)
        self.threshold.setValue(USUAL_RUNS.merge_threshold)
        self.threshold.setToolTip("Nodes of a second skeleton on a segment that make it merged")
        self.definition = QComboBox()
        self.definition.addItem("em_erl: the code of the challenge", "em_erl")
        self.definition.addItem("paper2021: the text of the paper", "paper2021")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.path, 1)
        row.addWidget(browse)
        form = QFormLayout(self)
        form.addRow("Skeletons", row)
        form.addRow("Merge threshold, nodes", self.threshold)
        form.addRow("Definition", self.definition)
        form.addRow(buttons)
        self.resize(460, self.sizeHint().height())

    @property
    def settings(self) -> RunSettings:
        """What counts as merged."""
        return RunSettings(self.definition.currentData(), self.threshold.value())

    def _browse(self) -> None:
        found, _ = QFileDialog.getOpenFileName(self, "Skeletons", self.path.text(), FILES)
        if found:
            self.path.setText(found)


def ask_skeletons(parent: QWidget) -> tuple[str, RunSettings] | None:
    """Return the skeletons chosen and what counts as merged; None where nothing was."""
    dialog = SkeletonsDialog(parent)
    if dialog.exec() != QDialog.DialogCode.Accepted or not dialog.path.text().strip():
        return None
    return dialog.path.text().strip(), dialog.settings
