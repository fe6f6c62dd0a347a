"""The part of the dock Errors that says which errors are listed."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.session.queue import Filter

KINDS = (("All errors", ""), ("False splits", "false_split"), ("False merges", "false_merge"))

WHOLE, SECTION, DEPTH = "", "section", "depth"
"""Regions: the whole volume, what is in view in this section, what is in view in all."""

REGIONS = (
    ("Whole volume", WHOLE),
    ("In view, this section", SECTION),
    ("In view, all sections", DEPTH),
)

NM_PER_UM = 1000.0

LEAST_WIDTH = 90
"""Of a number's field, in pixels: its range would make it wider than a narrow dock."""


class FilterView(QWidget):
    """Shows a filter, and emits what is chosen.

    Parameters
    ----------
    skeletons
        Where skeletons are chosen, which say what is an axon.
    """

    filtered = Signal(object)
    """Only some errors shall be listed: a `Filter`, with the box there was."""

    bounded = Signal(str)
    """Only those of a region shall be: `WHOLE`, `SECTION` or `DEPTH`, as it is in view now."""

    def __init__(self, skeletons: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._skeletons = skeletons
        self._shown = Filter()
        self.kind = QComboBox()
        for text, kind in KINDS:
            self.kind.addItem(text, kind)
        self.kind.setToolTip("List only one kind of error")
        self.hide_done = QCheckBox("Hide done")
        self.hide_done.setChecked(True)
        self.hide_done.setToolTip("Leave out errors marked as done or skipped; flagged ones stay")
        self.more = QPushButton("More\N{HORIZONTAL ELLIPSIS}")
        self.more.setCheckable(True)
        self.more.setToolTip("List only errors of a size, of a part of the volume, of long axons")
        self.more.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._make_rest()
        self._lay_out()
        self.more.toggled.connect(self.rest.setVisible)
        self.kind.currentIndexChanged.connect(self._choose)
        self.hide_done.toggled.connect(self._choose)
        self.voxels.valueChanged.connect(self._choose)
        self.axons.valueChanged.connect(self._choose)
        self.region.activated.connect(lambda _: self.bounded.emit(self.region.currentData()))

    def set_filter(self, chosen: Filter) -> None:
        """Show a filter."""
        self._shown = chosen
        for widget in (self.kind, self.hide_done, self.voxels, self.axons):
            widget.blockSignals(True)
        self.kind.setCurrentIndex(self.kind.findData(chosen.kind))
        self.hide_done.setChecked(chosen.hide_done)
        self.voxels.setValue(chosen.min_voxels)
        self.axons.setValue(chosen.min_run_nm / NM_PER_UM)
        for widget in (self.kind, self.hide_done, self.voxels, self.axons):
            widget.blockSignals(False)
        at = self.region.currentData()
        if (chosen.box is None) != (at == WHOLE):
            self.region.setCurrentIndex(self.region.findData(DEPTH if chosen.box else WHOLE))

    def set_runs(self, known: bool) -> None:
        """Say whether there are skeletons, which say what is an axon of what length."""
        self.axons.setEnabled(known)

    def _make_rest(self) -> None:
        """Make what is shown on demand."""
        self.rest = QWidget()
        self.rest.hide()
        self.voxels = QSpinBox()
        self.voxels.setRange(1, 2_000_000_000)
        self.voxels.setSingleStep(100)
        self.voxels.setMinimumWidth(LEAST_WIDTH)
        self.voxels.setKeyboardTracking(False)
        self.voxels.setToolTip("Least number of voxels of the smaller side")
        self.region = QComboBox()
        for text, region in REGIONS:
            self.region.addItem(text, region)
        self.region.setToolTip(
            "List only errors in the part of the volume that is in view now; choose it again to "
            "take another view"
        )
        self.axons = QDoubleSpinBox()
        self.axons.setRange(0, 1e6)
        self.axons.setDecimals(1)
        self.axons.setMinimumWidth(LEAST_WIDTH)
        self.axons.setSuffix(" \N{MICRO SIGN}m")
        self.axons.setSpecialValueText("all objects")
        self.axons.setKeyboardTracking(False)
        self.axons.setToolTip("List only errors of true objects with a skeleton of this length")
        self.axons.setEnabled(False)

    def _lay_out(self) -> None:
        form = QFormLayout(self.rest)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Voxels, at least", self.voxels)
        form.addRow("Region", narrow(self.region))
        form.addRow("Axons, at least", self.axons)
        form.addRow("Run length", self._skeletons)
        row = QHBoxLayout()
        row.addWidget(narrow(self.kind), 1)
        row.addWidget(self.hide_done)
        row.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.rest)

    def _choose(self) -> None:
        self._shown = replace(
            self._shown,
            kind=self.kind.currentData(),
            hide_done=self.hide_done.isChecked(),
            min_voxels=self.voxels.value(),
            min_run_nm=self.axons.value() * NM_PER_UM,
        )
        self.filtered.emit(self._shown)


def narrow(box: QComboBox) -> QComboBox:
    """Let a box be narrower than its longest text, which its list shows in full."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(4)
    return box
