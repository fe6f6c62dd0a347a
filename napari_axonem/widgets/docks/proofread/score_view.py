"""The score and how it moved."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QGroupBox, QLabel, QWidget

from napari_axonem.evaluation.scores import Voi
from napari_axonem.widgets.parts import colours, wording
from napari_axonem.widgets.parts.curve import Curve

ROWS = (
    ("split", "False splits", "Half of the score that false splits make up"),
    ("merge", "False merges", "Half of the score that false merges make up"),
    ("total", "Total", "The sum of both; 0 is perfect"),
)


class ScoreView(QGroupBox):
    """Variation of information: now, and the change since the project was made."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Variation of information, in bits", parent)
        self.setToolTip("How far the segmentation is from the truth; 0 is perfect")
        layout = QGridLayout(self)
        layout.setColumnStretch(0, 1)
        self._now: dict[str, QLabel] = {}
        self._change: dict[str, QLabel] = {}
        for column, text in ((1, "now"), (2, "since start")):
            layout.addWidget(_right(text), 0, column)
        for row, (name, text, tip) in enumerate(ROWS, start=1):
            label = QLabel(f"<b>{text}</b>" if name == "total" else text)
            label.setToolTip(tip)
            self._now[name], self._change[name] = _right(), _right()
            for column, widget in enumerate((label, self._now[name], self._change[name])):
                layout.addWidget(widget, row, column)
        self.curve = Curve()
        layout.addWidget(self.curve, len(ROWS) + 1, 0, 1, 3)

    def set_score(self, start: Voi, now: Voi, totals: list[float]) -> None:
        """Show a score, what it was at the start, and all totals since."""
        for name, *_ in ROWS:
            value = getattr(now, name)
            text = wording.bits(value)
            self._now[name].setText(f"<b>{text}</b>" if name == "total" else text)
            self._change[name].setText(better_or_worse(value - getattr(start, name)))
        self.curve.set_values(totals)

    def clear(self) -> None:
        """Show no score."""
        for name, *_ in ROWS:
            self._now[name].setText("")
            self._change[name].setText("")
        self.curve.set_values(())


def better_or_worse(change: float) -> str:
    """Return a change of a score as rich text: colour and arrow say whether it is better."""
    text = wording.change(change)
    if text == "0":
        return text
    colour, arrow = (
        (colours.BETTER, "\N{BLACK DOWN-POINTING TRIANGLE}")
        if change < 0
        else (colours.WORSE, "\N{BLACK UP-POINTING TRIANGLE}")
    )
    return f'<span style="color:{colour}">{arrow} {text}</span>'


def _right(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setAlignment(Qt.AlignmentFlag.AlignRight)
    return label
