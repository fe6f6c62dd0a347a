"""The dock Export: one form, which asks for what the chosen kind needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.proofreading.exporting.settings import ExportSettings
from napari_axonem.widgets.docks.export.kinds import (
    KINDS,
    OBJECTS,
    REGION,
    SCALE,
    VOLUME,
    Format,
    Kind,
)
from napari_axonem.widgets.parts.buttons import action_button, plain_button
from napari_axonem.widgets.parts.message import Message
from napari_axonem.widgets.parts.missing import NO_PROJECT, Missing
from napari_axonem.widgets.parts.settings_form import SettingsForm
from napari_axonem.widgets.parts.work_view import WorkView

WHOLE, DEPTH, SECTION = "", "depth", "section"
REGIONS = (
    ("Whole volume", WHOLE),
    ("In view, all sections", DEPTH),
    ("In view, this section", SECTION),
)

ALL, FINISHED, PICKED, THESE = "", "finished", "picked", "these"
CHOICES = (
    ("All objects", ALL),
    ("Objects that are done", FINISHED),
    ("The object picked", PICKED),
    ("These numbers", THESE),
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user filled in."""

    kind: Kind
    destination: str
    settings: Mapping[str, Any]
    """Those of `export`, but for objects, region and destination."""

    region: str
    """`WHOLE`, `DEPTH` or `SECTION`."""

    objects: str
    """`ALL`, `FINISHED`, `PICKED` or `THESE`."""

    numbers: str
    """Objects as they were typed."""

    volume: str
    """Of the challenge: ``human`` or ``mouse``."""

    other: str
    """Labels or project of the challenge's other volume; empty without."""


class ExportView(QWidget):
    """Asks what shall be written, and where to."""

    wanted = Signal(object)
    """Something shall be written: a `Wish`."""

    changed = Signal()
    """Another kind or format was chosen."""

    folder_wanted = Signal()
    """The folder of what was written shall be shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.missing = Missing("Open a project in the dock Volume")
        self.kind = _combo("What to write", [(kind.title, kind) for kind in KINDS])
        self.about = Message()
        self.format = _combo("Format; the end of the destination says the same", [])
        self.scale = _combo("A coarser scale is smaller, and as exact as the window shows it", [])
        self.region = _combo("Part of the volume; everything stays where it was", REGIONS)
        self.objects = _combo("Which objects; the others become background", CHOICES)
        self.numbers = QLineEdit()
        self.numbers.setPlaceholderText("12, 45")
        self.numbers.setToolTip("Numbers of objects, as the window shows them")
        self.volume = _combo(
            "Which of the challenge's volumes this is", [("Human", "human"), ("Mouse", "mouse")]
        )
        self.other = QLineEdit()
        self.other.setPlaceholderText("project or labels, for a zip")
        self.other.setToolTip("Labels or project of the other volume; a zip needs both")
        self.own = {kind: SettingsForm(ExportSettings, kind.fields) for kind in KINDS}
        self.destination = QLineEdit()
        self.destination.setToolTip("File or folder to write")
        self.browse = action_button(
            "Browse\N{HORIZONTAL ELLIPSIS}", "Choose where to write", self._browse
        )
        self.overwrite = QCheckBox("Replace what is there")
        self.overwrite.setToolTip("Write even where a file or folder of that name exists")
        self.export = plain_button("Export", "Write it; the window stays usable meanwhile")
        self.work = WorkView()
        self.folder = action_button(
            "Open the folder", "Show what was written where it lies", self.folder_wanted.emit
        )
        self.folder.hide()
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._choose_kind)
        self.format.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.objects.currentIndexChanged.connect(lambda _: self._show_rows())
        self.export.clicked.connect(lambda: self.wanted.emit(self.wish()))
        self._choose_kind()

    @property
    def chosen(self) -> tuple[Kind, Format]:
        """What shall be written, and how."""
        kind: Kind = self.kind.currentData()
        return kind, self.format.currentData() or kind.formats[0]

    def wish(self) -> Wish:
        """Return what is filled in."""
        kind, shape = self.chosen
        settings: dict[str, Any] = {**self.own[kind].given(), **shape.settings}
        if SCALE in kind.asks and self.scale.currentData():
            settings["level"] = self.scale.currentData()
        if self.overwrite.isChecked():
            settings["overwrite"] = True
        return Wish(
            kind,
            self.destination.text().strip(),
            settings,
            self.region.currentData() if REGION in kind.asks else WHOLE,
            self.objects.currentData() if OBJECTS in kind.asks else ALL,
            self.numbers.text(),
            self.volume.currentData(),
            self.other.text().strip(),
        )

    def set_ready(self, ready: bool, *, opened: bool) -> None:
        """Let the user export, or not; without an open project nothing is asked."""
        self.missing.tell(*(("", "") if opened else NO_PROJECT))
        self._form.setVisible(opened)
        self.export.setEnabled(ready)

    def set_scales(self, texts: Sequence[str]) -> None:
        """Offer scales, the finest first."""
        self.scale.clear()
        for level, text in enumerate(texts):
            self.scale.addItem(text, level)

    def set_destination(self, path: str) -> None:
        """Show where it goes, as if it were typed; the format follows the end of the name."""
        self.destination.setText(path)
        self.destination.setModified(True)
        kind, shape = self.chosen
        ends = [s.suffix for s in kind.formats]
        fitting = [n for n, s in enumerate(ends) if s and path.endswith(s)]
        if fitting and ends[fitting[0]] != shape.suffix:
            self.format.setCurrentIndex(fitting[0])

    def show_written(self, is_written: bool) -> None:
        """Offer to show what was written."""
        self.folder.setVisible(is_written)

    def tell(self, text: str) -> None:
        """Say what is wrong with what was filled in."""
        self.work.message.tell(text, problem=True)

    def _lay_out(self) -> None:
        self._form = QWidget()
        self._rows = form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("What", self.kind)
        form.addRow(self.about)
        form.addRow("Format", self.format)
        form.addRow("Scale", self.scale)
        form.addRow("Region", self.region)
        form.addRow("Objects", self.objects)
        form.addRow("Numbers", self.numbers)
        form.addRow("Volume", self.volume)
        form.addRow("The other", self.other)
        to = QWidget()
        row = QHBoxLayout(to)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.destination, 1)
        row.addWidget(self.browse)
        column = QVBoxLayout(self._form)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        for own in self.own.values():
            column.addWidget(own)
        last = QFormLayout()
        last.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        last.addRow("To", to)
        column.addLayout(last)
        column.addWidget(self.overwrite)
        column.addWidget(self.export)
        layout = QVBoxLayout(self)
        for widget in (self.missing, self._form, self.work, self.folder):
            layout.addWidget(widget)
        layout.addStretch(1)

    def _choose_kind(self) -> None:
        kind: Kind = self.kind.currentData()
        self.about.tell(kind.about)
        self.format.blockSignals(True)
        self.format.clear()
        for shape in kind.formats:
            ending = f" ({shape.suffix})" if shape.suffix.startswith(".") else ""
            self.format.addItem(f"{shape.title}{ending}", shape)
        self.format.blockSignals(False)
        self.destination.setModified(False)
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        kind: Kind = self.kind.currentData()
        typed = OBJECTS in kind.asks and self.objects.currentData() == THESE
        shown = {
            self.format: len(kind.formats) > 1,
            self.scale: SCALE in kind.asks,
            self.region: REGION in kind.asks,
            self.objects: OBJECTS in kind.asks,
            self.numbers: typed,
            self.volume: VOLUME in kind.asks,
            self.other: VOLUME in kind.asks,
        }
        for widget, visible in shown.items():
            widget.setVisible(visible)
            self._rows.labelForField(widget).setVisible(visible)
        for owner, form in self.own.items():
            form.setVisible(owner is kind and bool(kind.fields))

    def _browse(self) -> None:
        kind, shape = self.chosen
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Write to",
            self.destination.text(),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if path:
            known = any(one.suffix and path.endswith(one.suffix) for one in kind.formats)
            self.set_destination(path if known else path + shape.suffix)


def _combo(tip: str, entries: Sequence[tuple[str, object]]) -> QComboBox:
    combo = QComboBox()
    combo.setToolTip(tip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    for text, data in entries:
        combo.addItem(text, data)
    return combo
