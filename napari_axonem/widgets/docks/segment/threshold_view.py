"""A slider for the threshold of agglomeration; it waits until the hand rests."""

from __future__ import annotations

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QWidget
from superqt import QLabeledDoubleSlider

REST_MS = 400
"""How long the slider must lie still: each threshold is an operation in the log."""


class ThresholdView(QGroupBox):
    """Asks from which mean affinity on fragments are joined; hidden where there are no scores."""

    wanted = Signal(float)
    """Fragments shall be joined at another threshold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Threshold of this project", parent)
        self.slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0.0, 1.0)
        self.slider.setSingleStep(0.01)
        self.slider.setDecimals(2)
        self.slider.setToolTip(
            "Join fragments whose mean affinity is at least this; edits by hand stay, and undo "
            "takes it back"
        )
        row = QHBoxLayout(self)
        row.addWidget(QLabel("more joined"))
        row.addWidget(self.slider, 1)
        row.addWidget(QLabel("less"))
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(lambda: self.wanted.emit(self.slider.value()))
        self.slider.valueChanged.connect(lambda _: self._rest.start(REST_MS))

    def show_threshold(self, value: float | None) -> None:
        """Show the threshold of a project; None hides the slider."""
        self._rest.stop()
        self.setVisible(value is not None)
        if value is not None:
            self.slider.blockSignals(True)
            self.slider.setValue(value)
            self.slider.blockSignals(False)
