"""The form for a new project: which arrays play which part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.parts.buttons import plain_button

ROLES = {
    "image": ("Image", "The EM image; it is only referred to, not copied"),
    "fragments": ("Fragments", "Supervoxels: pieces that merging never cuts"),
    "segmentation": (
        "Segmentation",
        "The objects to start from; without fragments these are never cut by merging",
    ),
    "truth": ("Truth", "Ground truth; with it errors are listed and scored"),
}

NONE = "\N{EM DASH}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user filled in."""

    roles: Mapping[str, str]
    """The location of the array for each role that has one."""

    voxel_size: str
    """As it was typed; empty is what the files say."""

    destination: str
    """The folder to make."""


class NewProjectView(QGroupBox):
    """Asks what a new project is made of."""

    added = Signal(list)
    """Files or folders were chosen: their paths."""

    taken = Signal()
    """The volumes that the window shows shall be offered."""

    wanted = Signal(object)
    """The project shall be made: a `Wish`."""

    chosen = Signal()
    """Other arrays were chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("New project", parent)
        self.files = plain_button("Files\N{HORIZONTAL ELLIPSIS}", "HDF5 or TIFF files with volumes")
        self.folder = plain_button(
            "Folder\N{HORIZONTAL ELLIPSIS}",
            "A zarr, N5 or precomputed folder, or one with the sections of a stack",
        )
        self.shown = plain_button("Layers", "The volumes that the window shows")
        self.roles = {role: self._combo(tip) for role, (_, tip) in ROLES.items()}
        self.voxel_size = QLineEdit()
        self.voxel_size.setPlaceholderText("z, y, x in nm")
        self.voxel_size.setToolTip("Edges of a voxel in nm: z, y, x")
        self.destination = QLineEdit()
        self.destination.setPlaceholderText("NAME.axonem")
        self.destination.setToolTip("The folder to make; its name ends in .axonem")
        self.create = plain_button("Create project", "Make the project and open it")
        self._lay_out()
        self.files.clicked.connect(self._add_files)
        self.folder.clicked.connect(self._add_folder)
        self.shown.clicked.connect(self.taken)
        self.create.clicked.connect(lambda: self.wanted.emit(self.wish()))

    def wish(self) -> Wish:
        """Return what is filled in."""
        chosen = {role: str(combo.currentData() or "") for role, combo in self.roles.items()}
        return Wish(
            {role: location for role, location in chosen.items() if location},
            self.voxel_size.text().strip(),
            self.destination.text().strip(),
        )

    def offer(self, volumes: Sequence[tuple[str, str]]) -> None:
        """Offer more arrays for all roles: pairs of a name and a location."""
        for combo in self.roles.values():
            for name, location in volumes:
                if combo.findData(location) < 0:
                    combo.addItem(name, location)
                    combo.setItemData(combo.count() - 1, location, Qt.ItemDataRole.ToolTipRole)

    def choose(self, roles: Mapping[str, str]) -> None:
        """Choose arrays for roles."""
        for role, location in roles.items():
            self.roles[role].setCurrentIndex(max(0, self.roles[role].findData(location)))

    def set_busy(self, busy: bool) -> None:
        """Let nothing be changed while a project is being made."""
        for widget in (self.files, self.folder, self.shown, self.create, *self.roles.values()):
            widget.setEnabled(not busy)

    def _combo(self, tip: str) -> QComboBox:
        combo = QComboBox()
        combo.addItem(NONE, "")
        combo.setToolTip(tip)
        combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        combo.activated.connect(self.chosen)
        return combo

    def _lay_out(self) -> None:
        sources = QHBoxLayout()
        sources.addWidget(QLabel("Add"))
        sources.addWidget(self.files)
        sources.addWidget(self.folder)
        sources.addWidget(self.shown)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for role, (title, _) in ROLES.items():
            form.addRow(title, self.roles[role])
        form.addRow("Voxel size", self.voxel_size)
        form.addRow("Project", self.destination)
        layout = QVBoxLayout(self)
        layout.addLayout(sources)
        layout.addLayout(form)
        layout.addWidget(self.create)

    def _add_files(self) -> None:
        kinds = "Volumes (*.h5 *.hdf5 *.hdf *.he5 *.tif *.tiff *.btf);;All files (*)"
        paths, _ = QFileDialog.getOpenFileNames(self, "Volumes", filter=kinds)
        if paths:
            self.added.emit(paths)

    def _add_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A folder with a volume")
        if folder:
            self.added.emit([folder])
