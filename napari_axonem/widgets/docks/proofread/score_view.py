"""The score and how it moved."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QGroupBox, QLabel, QWidget

from napari_axonem.evaluation.scores import Voi
from napari_axonem.widgets.parts import colours, wording
from napari_axonem.widgets.parts.curve import Curve
from napari_axonem.widgets.session.score import RunTrack

VOI_TIP = (
    "Variation of information, in bits: how far the segmentation is from the truth; 0 is perfect. "
    "Voxels without truth are left out"
)

RUN_ROWS = (
    ("erl", "Run length", "Expected run length: how far one can follow an axon without an error"),
    ("share", "Normalised", "The run length as a share of that of the truth; 1 is perfect"),
)

ROWS = (
    ("split", "False splits", "Half of the score that false splits make up"),
    ("merge", "False merges", "Half of the score that false merges make up"),
    ("total", "Total", "The sum of both; 0 is perfect"),
)


class ScoreView(QGroupBox):
    """Scores now, and how they changed since the project was made."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Variation of information, in bits", parent)
        self.setToolTip(VOI_TIP)
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
        self.runs = RunView()
        self.runs.hide()
        layout.addWidget(self.runs, len(ROWS) + 2, 0, 1, 3)

    def set_score(self, start: Voi, now: Voi, totals: Sequence[float]) -> None:
        """Show a score, what it was at the start, and all totals since."""
        for name, *_ in ROWS:
            value = getattr(now, name)
            text = wording.bits(value)
            self._now[name].setText(f"<b>{text}</b>" if name == "total" else text)
            self._change[name].setText(better_or_worse(value - getattr(start, name)))
        self.curve.set_values(totals)

    def set_runs(self, track: RunTrack | None) -> None:
        """Show the expected run length, or that there is none."""
        self.runs.setVisible(track is not None)
        if track is not None:
            self.runs.set_runs(track)

    def clear(self) -> None:
        """Show no score."""
        for name, *_ in ROWS:
            self._now[name].setText("")
            self._change[name].setText("")
        self.curve.set_values(())


class RunView(QWidget):
    """Expected run length: now, as a share of the best there can be, and the change."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(0, 1)
        self._now: dict[str, QLabel] = {}
        self._change: dict[str, QLabel] = {}
        for row, (name, text, _) in enumerate(RUN_ROWS):
            self._now[name], self._change[name] = _right(), _right()
            label = QLabel(f"<b>{text}</b>" if name == "share" else text)
            for column, widget in enumerate((label, self._now[name], self._change[name])):
                layout.addWidget(widget, row, column)
        self.curve = Curve("Normalised run length after each operation; higher is better")
        layout.addWidget(self.curve, len(RUN_ROWS), 0, 1, 3)

    def set_runs(self, track: RunTrack) -> None:
        """Show how the run length moved."""
        share = track.now / track.truth
        self._now["erl"].setText(wording.length(track.now))
        self._now["share"].setText(f"<b>{share:.3f}</b>")
        if track.start is None:
            self._change["erl"].setText("")
            self._change["share"].setText("")
        else:
            change = track.now - track.start
            text = "0" if abs(change) < 0.5 else wording.signed(change, wording.length)
            self._change["erl"].setText(_arrow(text, change, better=change > 0))
            text = wording.change(change / track.truth)
            self._change["share"].setText(_arrow(text, change, better=change > 0))
        self.curve.set_values(track.shares)
        self.setToolTip(_definition(track))


def _definition(track: RunTrack) -> str:
    """Say what the run length is, with all that has to be said with it."""
    settings = track.settings
    tips = "\n".join(tip for _, _, tip in RUN_ROWS)
    return (
        f"{tips}\nDefinition {settings.definition}, merge threshold {settings.merge_threshold} "
        f"nodes, no mask; the truth against itself has {wording.length(track.truth)}"
    )


def better_or_worse(change: float) -> str:
    """Return a change of a variation of information, which shall fall, as rich text."""
    return _arrow(wording.change(change), change, better=change < 0)


def _arrow(text: str, change: float, *, better: bool) -> str:
    """Return a change as rich text: the arrow says which way it is, the colour whether it helps."""
    if text == "0":
        return text
    colour = colours.BETTER if better else colours.WORSE
    arrow = "\N{BLACK UP-POINTING TRIANGLE}" if change > 0 else "\N{BLACK DOWN-POINTING TRIANGLE}"
    return f'<span style="color:{colour}">{arrow}&nbsp;{text}</span>'


def _right(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setAlignment(Qt.AlignmentFlag.AlignRight)
    return label
