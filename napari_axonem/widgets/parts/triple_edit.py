"""Three numbers z, y, x that a person types."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Nm

AXES = "zyx"

_BETWEEN = re.compile("[\\s,;x*\N{MULTIPLICATION SIGN}]+")
"""What people put between three numbers: ``30, 8, 8`` and ``30 x 8 x 8``."""


class TripleEdit(QWidget):
    """Three fields, named z, y and x. Three numbers put into the first are spread over them.

    Parameters
    ----------
    what
        What the numbers are, for the tool tips and what is said of mistakes.
    positive
        Whether each has to be more than 0.
    """

    changed = Signal()
    """Something was typed."""

    def __init__(self, what: str, *, positive: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what, self._positive = what, positive
        self.fields = tuple(QLineEdit() for _ in AXES)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for axis, field in zip(AXES, self.fields, strict=True):
            field.setToolTip(f"{what}, {axis}")
            field.setAccessibleName(f"{what}, {axis}")
            field.setMinimumWidth(48)
            field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            field.textEdited.connect(lambda _: self.changed.emit())
            row.addWidget(QLabel(axis))
            row.addWidget(field)
        self.fields[0].editingFinished.connect(self._spread)
        self.setFocusProxy(self.fields[0])

    def set_placeholder(self, values: Sequence[float] | None) -> None:
        """Show numbers in grey, which count as nothing typed."""
        for field, value in zip(self.fields, values or ("", "", ""), strict=True):
            field.setPlaceholderText(f"{value:g}" if values else "")

    def set_values(self, values: Sequence[float] | None) -> None:
        """Fill in numbers, nothing for None."""
        for field, value in zip(self.fields, values or ("", "", ""), strict=True):
            field.setText(f"{value:.12g}" if values else "")

    def values(self) -> Nm | None:
        """Return the numbers, None where nothing is typed at all.

        Raises
        ------
        SettingsError
            A number is missing, cannot be understood or is out of bounds; its field is given
            the focus.
        """
        self._spread()
        if not any(field.text().strip() for field in self.fields):
            return None
        z, y, x = (self._number(at) for at in range(3))
        return z, y, x

    def _number(self, at: int) -> float:
        text = self.fields[at].text().strip()
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        wrong = ""
        if not text:
            wrong = "is missing"
        elif not math.isfinite(number):
            wrong = f"is {text!r}, which is no number"
        elif self._positive and number <= 0:
            wrong = f"is {text}, and has to be more than 0"
        if wrong:
            self.fields[at].setFocus()
            self.fields[at].selectAll()
            raise SettingsError(f"{AXES[at]} {wrong}", where=self._what)
        return number

    def _spread(self) -> None:
        text = self.fields[0].text().strip().strip("()[]")
        numbers = [part for part in _BETWEEN.split(text) if part]
        if len(numbers) == 3:
            for field, number in zip(self.fields, numbers, strict=True):
                field.setText(number)
