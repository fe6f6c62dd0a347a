"""What touches the object picked: a table by contact, and what can be done with a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qtpy.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_axonem.widgets.docks.objects.table import ObjectRow, ObjectTable
from napari_axonem.widgets.parts.buttons import action_button

AREA, FACES = (
    (
        "\N{MICRO SIGN}m\N{SUPERSCRIPT TWO}",
        "Area of the contact: the faces of the voxels that touch, summed up, which is more than "
        "that of a smooth surface",
    ),
    ("Faces", "Faces of voxels that touch"),
)
"""The column of contacts where all faces of a voxel are alike, and where they are not."""

TITLES = (
    ("Neighbour", "An object that touches the one picked; click it to see where"),
    AREA,
    ("Affinity", "Mean affinity over the contact, 0 to 1, where it is known"),
    ("Voxels", "Its size"),
)
AREA_COLUMN, AFFINITY_COLUMN = 1, 2

MOST_ROWS = 6


class NeighboursView(QGroupBox):
    """Lists neighbours, and emits what the user wants with them.

    Parameters
    ----------
    tips
        Tooltip of each action, by its id.
    ask
        Called with the id of an action whose button was clicked.
    """

    def __init__(
        self,
        tips: Mapping[str, str],
        ask: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Neighbours", parent)
        self.table = ObjectTable(TITLES, MOST_ROWS)
        self.summary = QLabel()
        self.select = action_button(
            "Select too", tips.get("neighbour_too", ""), lambda: ask("neighbour_too")
        )
        self.join = action_button("Merge", tips.get("join", ""), lambda: ask("join"))
        buttons = QHBoxLayout()
        buttons.addWidget(self.summary, 1)
        buttons.addWidget(self.select)
        buttons.addWidget(self.join)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addLayout(buttons)

    def set_measure(self, *, area: bool, affinity: bool) -> None:
        """Say how contacts are measured, and whether affinities are known."""
        self.table.objects.set_title(AREA_COLUMN, *(AREA if area else FACES))
        self.table.setColumnHidden(AFFINITY_COLUMN, not affinity)

    def set_rows(self, rows: Sequence[ObjectRow], current: int, summary: str) -> None:
        """Show the neighbours; `current` is the one gone to, or 0."""
        self.table.set_rows(rows, current)
        self.summary.setText(summary)
        self.select.setEnabled(bool(current))
        self.join.setEnabled(bool(current))
        self.setVisible(bool(rows))
