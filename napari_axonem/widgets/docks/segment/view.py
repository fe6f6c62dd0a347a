"""The dock Segment: what is segmented, with which model, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_axonem.segmentation.settings import SegmentSettings
from napari_axonem.widgets.docks.segment.threshold_view import ThresholdView
from napari_axonem.widgets.parts.buttons import action_button, plain_button
from napari_axonem.widgets.parts.job_panel import JobPanel
from napari_axonem.widgets.parts.message import Message
from napari_axonem.widgets.parts.missing import Missing
from napari_axonem.widgets.parts.settings_form import SettingsForm

USUAL = ("method", "threshold", "device")
MORE = (
    "truth",
    "voxel_size",
    "inside",
    "smoothing",
    "smallest_fragment",
    "dust",
    "precision",
    "augment",
    "invert",
    "workers",
)

NO_IMAGE = (
    "no image is open: name one below, or open it first",
    "Open an image\N{HORIZONTAL ELLIPSIS}",
)

NO_MODEL = "there is no model for this method: train one in the dock Train"


class SegmentView(QWidget):
    """Asks what shall be segmented, and shows the work."""

    wanted = Signal()
    """The segmentation shall begin."""

    imaged = Signal(str)
    """Another image was chosen."""

    opened = Signal()
    """The result shall be opened."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = _combo("The EM image: a volume in this window, or the path of one")
        self.image.setEditable(True)
        self.image.lineEdit().setPlaceholderText("image, or file.h5:dataset")
        browse = action_button("Browse\N{HORIZONTAL ELLIPSIS}", "Choose a file", self._browse)
        self.model = _combo("The network; the one that fits the voxel size best is chosen first")
        self._picked = ""
        self.fit = Message()
        self.missing = Missing("Open a project or a volume in the dock Volume")
        self.destination = QLineEdit()
        self.destination.setPlaceholderText("NAME.axonem")
        self.destination.setToolTip("The project that comes into being, NAME.axonem")
        self.usual = SettingsForm(SegmentSettings, USUAL)
        self.more = SettingsForm(SegmentSettings, MORE)
        self.start = plain_button("Segment", "Begin; the window stays usable, and may be closed")
        self.message, self.panel = Message(), JobPanel()
        self.open = action_button(
            "Open the result", "Open the project, with its errors and edits", self.opened.emit
        )
        self.open.hide()
        self.threshold = ThresholdView()
        self._lay_out(browse)
        self.start.clicked.connect(self.wanted)
        self.image.activated.connect(lambda _: self.imaged.emit(self.chosen_image()))
        self.image.lineEdit().editingFinished.connect(lambda: self.imaged.emit(self.chosen_image()))
        self.image.editTextChanged.connect(lambda _: self._show_missing())
        self.model.activated.connect(lambda _: self._pick())

    def _lay_out(self, browse: QWidget) -> None:
        row = QHBoxLayout()
        row.addWidget(self.image, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow("Image", row)
        form.addRow("Model", self.model)
        form.addRow(self.fit)
        form.addRow("Project", self.destination)
        more = QCollapsible("More settings")
        more.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.addWidget(self.missing)
        layout.addLayout(form)
        below = (self.message, self.panel, self.open, self.threshold)
        for widget in (self.usual, more, self.start, *below):
            layout.addWidget(widget)
        layout.addStretch(1)

    def offer_images(self, locations: Sequence[tuple[str, str]]) -> None:
        """Offer images: pairs of a name and a location; what is typed or chosen stays."""
        text = self.image.currentText()
        at = self.image.findText(text)
        chosen = self.image.itemData(at) if at >= 0 else None
        self.image.blockSignals(True)
        self.image.clear()
        for name, location in locations:
            self.image.addItem(name, location)
            self.image.setItemData(self.image.count() - 1, location, Qt.ItemDataRole.ToolTipRole)
        if text and chosen is None:
            self.image.setCurrentText(text)
        elif locations:
            self.image.setCurrentIndex(max(0, self.image.findData(chosen)))
        self.image.blockSignals(False)
        self._show_missing()
        self.imaged.emit(self.image.currentText())

    def chosen_image(self) -> str:
        """Return the location of the image."""
        text = self.image.currentText().strip()
        at = self.image.findText(text)
        return str(self.image.itemData(at)) if at >= 0 else text

    def offer_models(self, models: Sequence[tuple[str, str, str]]) -> None:
        """Offer models: a name to show, the path, and how well it fits."""
        chosen = self._picked
        self.model.clear()
        for name, path, words in models:
            self.model.addItem(name, path)
            self.model.setItemData(self.model.count() - 1, words, Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentIndex(max(0, self.model.findData(chosen)))
        self._show_fit()

    def _pick(self) -> None:
        self._picked = str(self.model.currentData() or "")
        self._show_fit()

    def _show_fit(self) -> None:
        """Say how well the model fits that is chosen."""
        at = self.model.currentIndex()
        words = self.model.itemData(at, Qt.ItemDataRole.ToolTipRole) if at >= 0 else NO_MODEL
        self.fit.tell(str(words or ""), problem=at < 0)

    def _show_missing(self) -> None:
        known = bool(self.image.count() or self.image.currentText().strip())
        told = ("", "") if known else NO_IMAGE
        self.missing.tell(*told)

    def set_busy(self, busy: bool) -> None:
        """Let a segmentation be begun, or not."""
        self.start.setEnabled(not busy)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "The EM image")
        if path:
            self.image.setCurrentText(path)
            self.imaged.emit(path)


def _combo(tip: str) -> QComboBox:
    combo = QComboBox()
    combo.setToolTip(tip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo
