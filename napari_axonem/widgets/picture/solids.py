"""Objects as solids: one layer of surfaces and one of centre lines, in the colours of objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Layer, Surface, Vectors
from napari.utils.geometry import intersect_line_with_plane_3d

from napari_axonem.evaluation.meshes import Mesh
from napari_axonem.evaluation.skeletons import Skeletons
from napari_axonem.geometry import Nm

LINE_COLOUR = "white"

LINE_SHARE = 400
"""Lines are as wide as this part of what they go through."""


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """One object in three dimensions."""

    segment: int
    """Its name."""

    mesh: Mesh
    """Its surface."""

    colour: npt.NDArray[np.floating]
    """Red, green, blue, opacity; 0..1."""

    skeleton: Skeletons | None = None
    """Its centre lines, where they are wanted and known."""


class Solids:
    """The layers that show solids; they exist as long as there is something to show.

    Parameters
    ----------
    viewer
        Where they are shown.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._surface: Surface | None = None
        self._segments: tuple[int, ...] = ()
        self._ends: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._lines: Vectors | None = None

    @property
    def all(self) -> tuple[Layer, ...]:
        """The layers there are."""
        return tuple(layer for layer in (self._surface, self._lines) if layer is not None)

    def show(self, solids: Sequence[Solid]) -> None:
        """Show solids in the place of those before."""
        active = self._viewer.layers.selection.active
        self._show_surfaces([solid for solid in solids if len(solid.mesh.faces)])
        self._show_lines([solid.skeleton for solid in solids if solid.skeleton is not None])
        self._viewer.layers.selection.active = active

    def on_ray(self, position_nm: Nm, direction: Nm) -> tuple[int, Nm] | None:
        """Return the first object on a line of sight, and where the line meets its surface.

        Parameters
        ----------
        position_nm
            A point of the line (z, y, x) in nm.
        direction
            Which way is looked along it (z, y, x).

        Returns
        -------
        The segment and the place (z, y, x) in nm; None where no surface is met.
        """
        surface = self._surface
        if surface is None or surface not in self._viewer.layers:
            return None
        found = surface.get_value(
            position_nm, view_direction=direction, dims_displayed=[0, 1, 2], world=True
        )
        face = None if found is None else found[1]
        if face is None:
            return None
        corners = surface.vertices[surface.faces[face]]
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        place = intersect_line_with_plane_3d(position_nm, direction, corners[0], normal)
        segment = self._segments[int(np.searchsorted(self._ends, face, side="right"))]
        z, y, x = place.tolist()
        return segment, (z, y, x)

    def hide(self) -> None:
        """Show nothing until the next `show`, or `clear`, which takes longer."""
        for layer in self.all:
            layer.visible = False

    def clear(self) -> None:
        """Take the layers away."""
        self.show(())

    def _show_surfaces(self, solids: Sequence[Solid]) -> None:
        self._remove(self._surface)
        self._surface = None
        if not solids:
            return
        counts = [len(solid.mesh.vertices) for solid in solids]
        starts = np.cumsum([0, *counts[:-1]])
        self._segments = tuple(solid.segment for solid in solids)
        self._ends = np.cumsum([len(solid.mesh.faces) for solid in solids])
        faces = [solid.mesh.faces + s for solid, s in zip(solids, starts, strict=True)]
        vertices = np.concatenate([solid.mesh.vertices for solid in solids])
        rgba = np.repeat([solid.colour for solid in solids], counts, axis=0)
        self._surface = Surface(
            (vertices, np.concatenate(faces).astype(np.int64)),
            vertex_colors=rgba,
            shading="smooth",
            name="solids",
            units=("nm", "nm", "nm"),
        )
        self._insert(self._surface)

    def _show_lines(self, skeletons: Sequence[Skeletons]) -> None:
        self._remove(self._lines)
        self._lines = None
        lines = [s.positions[s.edges.astype(np.int64)] for s in skeletons if len(s.edges)]
        if not lines:
            return
        ends = np.concatenate(lines)
        width = float(np.linalg.norm(np.ptp(ends.reshape(-1, 3), axis=0))) / LINE_SHARE
        ends[:, 1] -= ends[:, 0]
        self._lines = Vectors(
            ends,
            edge_color=LINE_COLOUR,
            edge_width=width,
            vector_style="line",
            opacity=1.0,
            blending="translucent_no_depth",
            name="centre lines",
            units=("nm", "nm", "nm"),
        )
        self._insert(self._lines)

    def _insert(self, layer: Layer) -> None:
        """Put a layer below all others, so that places are seen in front of it."""
        self._viewer.layers.insert(len(self.all) - 1, layer)

    def _remove(self, layer: Layer | None) -> None:
        if layer is not None and layer in self._viewer.layers:  # the user may have deleted it
            self._viewer.layers.remove(layer)
