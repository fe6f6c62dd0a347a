"""Objects in three dimensions: which are shown, made beside the window, kept until they change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from psygnal import Signal

from napari_axonem.errors import AxonemError, EditError
from napari_axonem.evaluation.meshes import Mesh
from napari_axonem.evaluation.skeletons import Skeletons, skeletonize
from napari_axonem.geometry import Box, Nm, zyx
from napari_axonem.proofreading.elsewhere import elsewhere
from napari_axonem.proofreading.exporting.places import box_around
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.solids import alone, extents_of, mesh_of
from napari_axonem.proofreading.states.extent import Extents
from napari_axonem.volumes import Volume
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.picture.depth import middle_and_extent
from napari_axonem.widgets.picture.solids import Solid, Solids
from napari_axonem.widgets.session.keyboard import by_key
from napari_axonem.widgets.session.workplace import Notice, Workplace

KEPT_BYTES = 2**28
"""Memory of the meshes that are kept."""


BESIDE_VOXELS = 100_000
"""Objects whose box has more voxels are made in another process: in a thread, zmesh and kimimaro
would hold Python's lock for most of a second. A process takes as long to start."""

REACHES = (1, 4, 16)
"""Voxels round a place on a surface among which the object is looked for, one after the other."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What is known of one object in three dimensions."""

    mesh: Mesh | None = None
    """Its surface."""

    skeleton: Skeletons | None = None
    """Its centre lines."""

    problem: str = ""
    """Why one of them cannot be made."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        arrays = () if self.mesh is None else (self.mesh.vertices, self.mesh.faces)
        lines = () if self.skeleton is None else (self.skeleton.positions, self.skeleton.edges)
        return sum(array.nbytes for array in (*arrays, *lines))

    def lacks(self, *, skeleton: bool) -> bool:
        """Tell whether something is still to be made."""
        return not self.problem and (self.mesh is None or (skeleton and self.skeleton is None))


class Space:
    """The view in three dimensions.

    Parameters
    ----------
    place
        Viewer and project.
    wanted
        Returns the objects that are to be seen, the most important first.
    aim
        Looks at the current error where that is what is to be seen; tells whether it did.
    """

    progressed = Signal(str)
    """What is being made now; empty when nothing is."""

    switched = Signal()
    """It was gone to three dimensions or back, or skeletons were switched."""

    def __init__(
        self,
        place: Workplace,
        wanted: Callable[[], tuple[int, ...]],
        aim: Callable[[], bool] = lambda: False,
    ) -> None:
        self._place, self._wanted, self._aim = place, wanted, aim
        self._solids = Solids(place.viewer)
        self._shapes: OrderedDict[int, Shape] = OrderedDict()  # by what each consists of
        self._extents = Extents()
        self._busy = False
        self._shown: tuple[object, ...] = ()
        self.with_skeletons = False
        """Whether centre lines are shown too."""
        place.sight.depth.concerned = lambda: place.project is not None
        place.sight.depth.switched = self._switched
        place.sight.depth.later = lambda action: place.later(action)

    @property
    def on(self) -> bool:
        """Whether the view has three dimensions."""
        return self._place.sight.depth.on

    def start(self) -> None:
        """Begin with a project that was just opened, or with none."""
        self._shapes.clear()
        self._extents = Extents()
        self._solids.clear()
        self._shown = ()
        if self.on:
            self._place.sight.depth.leave()

    def toggle(self) -> None:
        """Go to three dimensions, or back to the same place in two.

        Raises
        ------
        EditError
            No object is selected, and no error is looked at.
        """
        _ = self._place.opened
        depth = self._place.sight.depth
        if depth.on:
            depth.leave()
            return
        if not self._wanted():
            raise EditError(
                "there is nothing to show in 3-D",
                remedy=f"click an object with the tool Look{by_key('look')}, or go to an error"
                f"{by_key('next')}",
            )
        depth.enter()

    def on_ray(self, position_nm: Nm, direction: Nm) -> Nm | None:
        """Return the place of the first object on a line of sight.

        Parameters
        ----------
        position_nm
            A point of the line (z, y, x) in nm.
        direction
            Which way is looked along it (z, y, x).

        Returns
        -------
        The centre (z, y, x) in nm of the voxel of the object that is nearest to its surface there;
        None where no object is met.
        """
        found = self._solids.on_ray(position_nm, direction) if self.on else None
        return None if found is None else _inside(self._place.opened, *found)

    def toggle_skeletons(self) -> None:
        """Show centre lines too, or no more."""
        _ = self._place.opened
        self.with_skeletons = not self.with_skeletons
        self.follow()
        self.switched.emit()

    def follow(self) -> None:
        """Show what is wanted now, and have made what is missing."""
        project = self._place.project
        if project is None or not self.on:
            return
        names = self._wanted()
        keys = extents_of(project, names, self._extents)
        self._show(keys)
        if not self._busy:
            self._make_next(project, keys)

    def _make_next(self, project: Project, keys: dict[int, int]) -> None:
        lacking = [name for name in keys if self._lacks(keys[name])]
        if not lacking:
            self.progressed.emit("")
            return
        name, done = lacking[0], len(keys) - len(lacking)
        solid, cells, key = alone(project, name), project.state.cells, keys[name]
        before = self._shapes.get(key, Shape())
        what = "surface" if before.mesh is None else "centre line"
        size = wording.size(project.objects.voxels(name))
        count = f" ({done + 1} of {len(keys)})" if len(keys) > 1 else ""
        self.progressed.emit(f"Making the {what} of object {name}, {size} voxels{count}")
        made: list[Shape] = []
        self._busy = True

        def work() -> None:
            made.append(self._made(solid, before))

        def end() -> None:
            self._busy = False
            if self._place.project is not project:
                return
            shape = made[0] if made else replace(before, problem="making it failed")
            if cells is project.state.cells:  # else voxels were written while they were read
                self._shapes[key] = shape
            if shape.problem:
                self._place.said.emit(Notice(f"object {name}: {shape.problem}", problem=True))
            self.follow()

        self._place.compute(work, end)

    @staticmethod
    def _made(solid: Volume, before: Shape) -> Shape:
        """Make what is missing of an object; in another thread."""
        try:
            if before.mesh is None:
                return replace(before, mesh=_call(mesh_of, solid))
            return replace(before, skeleton=_call(skeletonize, solid))
        except AxonemError as error:
            return replace(before, problem=str(error))

    def _lacks(self, key: int) -> bool:
        return self._shapes.get(key, Shape()).lacks(skeleton=self.with_skeletons)

    def _show(self, keys: dict[int, int]) -> None:
        """Show what is there of some objects, by name and what they consist of."""
        for key in keys.values():
            if key in self._shapes:
                self._shapes.move_to_end(key)
        self._forget(keep=len(keys))
        solids = []
        for name, key in keys.items():
            shape = self._shapes.get(key, Shape())
            if shape.mesh is not None:
                lines = shape.skeleton if self.with_skeletons else None
                colour = self._place.sight.seen_colour_of(name)
                solids.append(Solid(name, shape.mesh, colour, lines))
        shown = tuple((s.segment, s.mesh, s.skeleton, *s.colour.tolist()) for s in solids)
        if shown != self._shown:
            self._shown = shown
            self._solids.show(solids)

    def _forget(self, keep: int) -> None:
        """Let go of shapes that were not seen for long, but for the newest ones."""
        total = sum(shape.nbytes for shape in self._shapes.values())
        while total > KEPT_BYTES and len(self._shapes) > keep:
            _, shape = self._shapes.popitem(last=False)
            total -= shape.nbytes

    def _switched(self) -> None:
        if self.on:
            if not self._aim():
                self._frame()
            self._place.soon(self.follow)  # what is there takes as long to show as the switch
        else:
            self._solids.hide()
            self._place.soon(self._clear)  # taking layers away takes as long as the switch
            self.progressed.emit("")
        self.switched.emit()

    def _clear(self) -> None:
        if not self.on:
            self._solids.clear()
            self._shown = ()

    def _frame(self) -> None:
        """Bring all that is wanted into view."""
        project = self._place.project
        names = self._wanted() if project is not None else ()
        if project is not None and names:
            grid, box = project.sources.grid, box_around(project, names)
            corners = np.array([box.start, box.stop]) * grid.voxel_size + grid.origin
            self._place.sight.depth.frame(*middle_and_extent(*corners))


def _inside(project: Project, segment: int, place_nm: Nm) -> Nm:
    """Return the centre of the voxel of an object that is nearest to a place on its surface.

    A surface may be made of coarse voxels, so that it runs beside the object.
    """
    volume = project.sources.fragments.volume
    voxel = zyx(np.clip(volume.grid.to_voxel(place_nm), 0, np.subtract(volume.box.stop, 1)))
    for reach in REACHES:
        box = Box(voxel, zyx(np.add(voxel, 1))).grow((reach,) * 3).intersect(volume.box)
        inside = np.argwhere(project.segment[volume.read(box)] == segment) + box.start
        if len(inside):
            centres = volume.grid.to_nm(inside)
            away = np.linalg.norm(centres - np.asarray(place_nm), axis=1)
            z, y, x = centres[int(away.argmin())].tolist()
            return z, y, x
    return place_nm


def _call(function: Callable[[Volume], T], solid: Volume) -> T:
    """Call a function so that the window is not held up by it."""
    return elsewhere(function, solid) if solid.box.size > BESIDE_VOXELS else function(solid)
