"""What lies under the cursor, in words for the status bar; from tables, in any thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Layer

from napari_axonem.errors import AxonemError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.states import ObjectState, Said
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.picture.layers import ProjectLayers
from napari_axonem.widgets.session.objects import WORDS


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The tables of a project, as napari's thread for the status bar may read them."""

    segment: npt.NDArray[np.uint32]
    """The segment of each fragment, shape (fragments + 1,)."""

    voxels: npt.NDArray[np.int64]
    """The voxels of each fragment, shape (fragments + 1,)."""

    said: dict[int, Said]
    """What people said of objects."""

    truth_ids: npt.NDArray[Any]
    """The id that each true object was imported with."""

    sizes: dict[int, int] = field(default_factory=dict)
    """The voxels of the object that was asked for last."""

    @classmethod
    def of(cls, project: Project) -> Known:
        """Return the tables of a project as they are now."""
        ids = project.state.truth_ids if project.has_truth else np.zeros(0, np.uint64)
        voxels = project.objects.fragment_voxels()
        return cls(project.segment, voxels, project.objects.all(), ids)

    def size(self, segment: int) -> int:
        """Return the voxels of an object; the tables are gone through when it is another one."""
        if segment not in self.sizes:
            inside = self.segment[: len(self.voxels)] == segment
            found = int(self.voxels[: len(inside)][inside].sum())
            self.sizes.clear()
            self.sizes[segment] = found
            return found
        return self.sizes.get(segment, 0)

    def text(self, fragment: int, truth: int) -> str:
        """Return what there is to say of a voxel of a fragment and a true object, 0 for none."""
        parts = []
        segment = int(self.segment[fragment]) if fragment < len(self.segment) else 0
        if segment:
            state = self.said.get(segment, Said()).state
            word = "" if state == ObjectState.NONE else f", {WORDS[state]}"
            size = wording.size(self.size(segment))
            parts.append(f"object {segment}, {size} voxels{word}")
        else:
            parts.append("background")
        if 0 < truth < len(self.truth_ids):
            parts.append(f"truth {int(self.truth_ids[truth])}")
        return "; ".join(parts)


class Underneath:
    """Tells what lies at a position.

    Parameters
    ----------
    layers
        The layers of the open project, or None.
    """

    def __init__(self, layers: Callable[[], ProjectLayers | None]) -> None:
        self._layers = layers
        self._known: Known | None = None

    def follow(self, project: Project | None) -> None:
        """Take over the tables of a project as they are now."""
        self._known = None if project is None else Known.of(project)

    def text(self, position_nm: Nm, level: int | None = None) -> str:
        """Return place and object at a position (z, y, x) in nm, at a level or at the one drawn."""
        z, y, x = position_nm
        where = f"z {z:,.0f}, y {y:,.0f}, x {x:,.0f} nm"
        layers, known = self._layers(), self._known
        if layers is None or known is None:
            return where
        try:
            return f"{where}: {known.text(*layers.under(position_nm, level))}"
        except AxonemError:  # what cannot be read is told when it is drawn
            return where

    def watch(self, layer: Layer) -> None:
        """Let a layer say this in the status bar in the place of its own value.

        napari asks the selected layer, in a thread of its own.
        """
        plain = type(layer).get_status

        def get_status(position: Any = None, **options: Any) -> dict[str, str]:  # noqa: ANN401
            status = plain(layer) | {"coordinates": "", "coords": "", "value": ""}
            if position is None or len(options.get("dims_displayed") or ()) > 2:
                return status
            z, y, x = (float(value) for value in position[-3:])
            text = self.text((z, y, x))
            return status | {"coordinates": text, "coords": text}

        layer.get_status = get_status
