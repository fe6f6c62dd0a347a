"""The dock Train: what is learned from, how, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_axonem.jobs import Job
from napari_axonem.training.settings import TrainSettings
from napari_axonem.watching import Wish
from napari_axonem.widgets.parts.buttons import action_button, plain_button
from napari_axonem.widgets.parts.job_panel import JobPanel
from napari_axonem.widgets.parts.message import Message
from napari_axonem.widgets.parts.plot import Plot
from napari_axonem.widgets.parts.settings_form import SettingsForm

DATA = ("volumes", "validation")
USUAL = ("model", "pretrained", "minutes", "steps")
DEVICES = ("devices", "strategy", "order")
"""Further down, unless there are several devices to share the work out to."""

MORE = (
    "voxel_size",
    "zero",
    "widths",
    "patch",
    "batch",
    "optimizer",
    "rate",
    "precision",
    "cuts",
    "hybrid",
    "compensation",
    "stash",
    "loaders",
    "checkpoint_every",
    "validate_every",
    "patience",
    "seed",
)


class TrainView(QWidget):
    """Asks what shall be learned, and shows how it goes."""

    wanted = Signal()
    """The training shall begin."""

    modelled = Signal(str)
    """Another network was chosen."""

    preset_wanted = Signal(bool)
    """The preset for the phantom shall be filled in, or taken out again."""

    checkpointed = Signal()
    """A checkpoint shall be written now."""

    def __init__(self, *, many_devices: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data = SettingsForm(TrainSettings, DATA, {"volumes": "Learn from"})
        self.data.editors["volumes"].setPlaceholderText("a.h5; phantom:1")
        self.data.editors["validation"].setPlaceholderText("b.h5[160:]")
        above, below = (DEVICES, ()) if many_devices else ((), DEVICES)
        self.usual = SettingsForm(
            TrainSettings, (*USUAL, *above), {"pretrained": "Begin with"}, ("pretrained",)
        )
        self.more = SettingsForm(TrainSettings, (*below, *MORE))
        self.forms = (self.data, self.usual, self.more)
        self.preset = QPushButton("Learn the phantom: ten minutes")
        self.preset.setCheckable(True)
        self.preset.setToolTip(
            "Fill in a small training on synthetic volumes, which takes ten minutes without a GPU; "
            "click again to take it out"
        )
        self.preset.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        add = action_button(
            "Add files\N{HORIZONTAL ELLIPSIS}",
            "Volumes with image and truth, or exported corrections, to learn from",
            self._add,
        )
        self.out = QLineEdit()
        self.out.setPlaceholderText("folder of the run")
        self.out.setToolTip("Folder that comes into being: checkpoints, curves, the model")
        self.start = plain_button("Train", "Begin; the window stays usable, and may be closed")
        self.message, self.panel, self.outcome = Message(), JobPanel(), Message()
        self.checkpoint = action_button(
            "Checkpoint now", "Write a checkpoint, and go on", self.checkpointed.emit
        )
        self.loss = Plot("Loss over mini-batches; lower is better")
        self.validation = Plot("What validations found after segmentation; lower is better for VOI")
        self.devices = Message()
        self.example = QLabel()
        self.example.setToolTip("The latest example: image, truth and prediction")
        self.example.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._example: Path | None = None
        self._lay_out(add)
        self.start.clicked.connect(self.wanted)
        self.preset.clicked.connect(self.preset_wanted)
        model = self.usual.editors["model"]
        if isinstance(model, QComboBox):
            model.currentTextChanged.connect(self.modelled)
        self.show_job(None)

    def _lay_out(self, add: QWidget) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow("Folder", self.out)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(add)
        more = QCollapsible("More settings")
        more.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.addWidget(self.preset)
        layout.addWidget(self.data)
        layout.addLayout(row)
        layout.addWidget(self.usual)
        layout.addLayout(form)
        below = (self.loss, self.validation, self.devices, self.example, self.outcome)
        for widget in (more, self.start, self.message, self.panel, self.checkpoint, *below):
            layout.addWidget(widget)
        layout.addStretch(1)

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fill in those settings that have a field; an empty value empties it."""
        for form in self.forms:
            form.set_values({n: v for n, v in values.items() if n in form.editors})

    def show_job(self, job: Job | None) -> None:
        """Show a training as it is now, or none."""
        self.panel.show_job(job)
        alive = job is not None and job.state.is_alive
        self.start.setEnabled(not alive)
        self.checkpoint.setVisible(alive)
        # one that waits would go on
        self.checkpoint.setEnabled(
            job is not None and job.folder.wished().wish not in (Wish.PAUSE, Wish.STOP)
        )
        curves = {} if job is None else job.curves
        self.loss.set_series(
            {n: (c.steps, c.values) for n, c in curves.items() if n.startswith("loss/")}
        )
        found = {n: c for n, c in curves.items() if n.startswith("voi/")}
        self.validation.set_series({n: (c.steps, c.values) for n, c in found.items()})
        self.devices.tell(_devices(job))
        shown = None if job is None or not job.pictures else max(job.pictures.values())[1]
        self._show_example(shown)

    def _show_example(self, path: Path | None) -> None:
        self.example.setVisible(path is not None)
        if path is None or path == self._example:
            return
        picture = QPixmap(str(path))
        if not picture.isNull():
            self._example = path
            width = max(200, self.width() - 24)
            self.example.setPixmap(
                picture.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)
            )

    def _add(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Volumes to learn from")
        editor = self.data.editors["volumes"]
        if paths and isinstance(editor, QLineEdit):
            editor.setText("; ".join([*filter(None, [editor.text().strip()]), *paths]))


def several_gpus() -> bool:
    """Tell whether this machine has several GPUs; torch would take seconds to say so."""
    return len(list(Path("/dev").glob("nvidia[0-9]*"))) > 1


def _devices(job: Job | None) -> str:
    """Return in one line what devices and memory are at."""
    if job is None:
        return ""
    told = []
    stages = sorted(n.removeprefix("busy/") for n in job.curves if n.startswith("busy/"))
    for stage in stages:
        share = job.curves[f"busy/{stage}"].values[-1]
        stale = job.curves.get(f"stale/{stage}")
        late = f", weights {stale.values[-1]:g} mini-batches old" if stale else ""
        told.append(f"{stage}: {share:.0%} busy, {1 - share:.0%} waiting{late}")
    memory = job.curves.get("memory/GB")
    if memory is not None and job.state.is_alive:
        told.append(f"{memory.values[-1]:.1f} GB of memory")
    return "; ".join(told)
