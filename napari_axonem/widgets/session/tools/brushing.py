"""Tools that are dragged: paint and erase."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.geometry import Box, Nm
from napari_axonem.proofreading.plans.painting import Brush
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.proofreading.tables.graph import BACKGROUND
from napari_axonem.widgets.picture.overlay import OUTLINE, RED_SIDE
from napari_axonem.widgets.picture.stroke import Stroke
from napari_axonem.widgets.session.drafts import Shown
from napari_axonem.widgets.session.tools.bench import Bench
from napari_axonem.widgets.session.tools.handtool import HandTool

LEAST_NM, MOST_NM = 1.0, 1000.0
"""Bounds of the radius of the brush."""

STEP = 1.25
"""By how much a key makes the brush larger."""

DENSITY = 2
"""Positions of a stroke per radius: so near, balls leave dents of 3 % of the radius."""


@dataclass(slots=True)
class Handle:
    """The brush, which both tools share."""

    radius_nm: float = 50.0
    """Its radius."""

    others: bool = False
    """Whether it is used on other objects too: painted over, or erased from."""

    def resize(self, radius_nm: float) -> None:
        """Take another radius, in whole nm and within bounds."""
        self.radius_nm = float(round(min(MOST_NM, max(LEAST_NM, radius_nm))))

    def step(self, steps: int) -> None:
        """Make it larger, or smaller by a negative number."""
        radius = self.radius_nm * STEP**steps  # by 1 nm at least: it is rounded
        least = self.radius_nm + (1 if steps > 0 else -1)
        self.resize(max(radius, least) if steps > 0 else min(radius, least))


class Brushing(HandTool):
    """A stroke while the button is down; one operation when it is released.

    Parameters
    ----------
    bench
        The project under it.
    handle
        The brush.
    """

    kind: Kind
    """What the operation is."""

    code: int
    """How voxels under the brush are shown, a code of `Overlay`."""

    def __init__(self, bench: Bench, handle: Handle) -> None:
        super().__init__(bench)
        self.handle = handle
        self.positions: list[Nm] = []
        """Centres of the brush so far (z, y, x) in nm, of a stroke that is being drawn."""
        self._stroke: Stroke | None = None

    @property
    def begun(self) -> bool:
        """Whether a stroke is being drawn."""
        return bool(self.positions)

    def click(self, position_nm: Nm, more: bool) -> None:
        """Change nothing: a click is a short stroke."""

    def begin(self, position_nm: Nm, other: bool) -> None:
        """Press the brush down at a position (z, y, x) in nm.

        Parameters
        ----------
        other
            Whether Shift was held.

        Raises
        ------
        EditError
            The project is read-only, or there is no object to use it on.
        """
        project = self._bench.writable
        touched = self._touched(project, position_nm, other)
        self.positions = [position_nm]
        self._stroke = Stroke((), touched, self.code)
        try:
            self._show(project, self.positions)
        except BaseException:
            Brushing.drop(self)  # nothing was pressed down
            raise

    def extend(self, position_nm: Nm) -> None:
        """Draw the stroke on to a position (z, y, x) in nm."""
        if not self.positions or self._stroke is None:
            return
        project = self._bench.opened
        finest = min(project.sources.grid.voxel_size)
        spacing = max(self.handle.radius_nm / DENSITY, finest)
        start, stop = np.array(self.positions[-1]), np.array(position_nm)
        steps = int(np.linalg.norm(stop - start) / spacing)
        direction = (stop - start) / max(float(np.linalg.norm(stop - start)), finest)
        between = [start + direction * spacing * n for n in range(1, steps + 1)]
        new = [(float(z), float(y), float(x)) for z, y, x in between]
        self.positions += new
        self._show(project, new)

    def end(self) -> None:
        """Lift the brush: the stroke becomes an operation.

        Raises
        ------
        EditError
            It covers nothing that could be changed, an object is locked, or a cut is being
            worked out.
        """
        positions, self.positions, self._stroke = self.positions, [], None
        if not positions:
            return
        try:
            self._commit(self._bench.settled(), positions)
        finally:
            self._bench.tell()  # a stroke that was refused is not shown any more

    def take(self) -> None:
        """Say that there is nothing to take."""
        raise EditError("a stroke is taken when the button is released", where=str(self.kind))

    def drop(self) -> None:
        """Forget the stroke."""
        self.positions, self._stroke = [], None

    def _show(self, project: Project, positions: list[Nm]) -> None:
        """Let the picture show what more is under the brush."""
        if self._stroke is None:
            return
        fragments = project.sources.fragments
        grid, whole = fragments.grid, Box.of_shape(fragments.shape)
        inside = [p for p in positions if whole.contains(grid.to_voxel(p).tolist())]
        balls = [Brush((p,), self.handle.radius_nm).voxels(grid, whole) for p in inside]
        self._stroke = self._stroke.grown(balls)
        self._bench.place.sight.show_stroke(self._stroke)

    def _brush(self, positions: list[Nm]) -> Brush:
        return Brush(tuple(positions), self.handle.radius_nm)

    @abstractmethod
    def _touched(self, project: Project, position_nm: Nm, other: bool) -> npt.NDArray[np.bool_]:
        """Return which fragments the stroke can change, and remember whose stroke it is."""

    @abstractmethod
    def _commit(self, project: Project, positions: list[Nm]) -> None:
        """Do the stroke."""


class Painting(Brushing):
    """Makes voxels part of the object that was pressed first."""

    kind = Kind.PAINT
    code = OUTLINE

    def __init__(self, bench: Bench, handle: Handle) -> None:
        super().__init__(bench, handle)
        self.growing: Nm | None = None
        """A place (z, y, x) in nm in the object that grows."""
        self._fragment = 0  # there
        self._choosing = False

    @property
    def segment(self) -> int:
        """The object that grows, by the name that it has now; 0 for none."""
        return 0 if self.growing is None else int(self._bench.opened.segment[self._fragment])

    @property
    def begun(self) -> bool:
        """Whether an object is chosen."""
        return self.growing is not None

    @property
    def shown(self) -> Shown:
        """The object that grows."""
        return Shown(objects=(self.segment,) if self.segment else ())

    def take_back(self) -> None:
        """Forget the object."""
        if self.growing is None:
            raise EditError("no object is chosen", where=str(self.kind))
        self.growing = None
        self._bench.tell()

    def drop(self) -> None:
        """Forget the stroke and the object."""
        super().drop()
        self.growing = None

    def settle(self) -> None:
        """Go on with the object, if it is there still."""
        super().drop()
        if self.growing is not None:
            self._fragment = self._bench.opened.sources.fragment_at(self.growing)
            if not self.segment:
                self.growing = None

    def _touched(self, project: Project, position_nm: Nm, other: bool) -> npt.NDArray[np.bool_]:
        self._choosing = other or self.growing is None
        if self._choosing:
            hit = self._bench.hit(position_nm, str(self.kind))
            z, y, x = (float(v) for v in project.sources.grid.to_nm(hit.voxel))
            self.growing, self._fragment = (z, y, x), hit.fragment
            self._bench.tell()
        else:
            project.objects.refuse_locked([self._fragment], where=str(self.kind))
        table = project.segment
        return table != self.segment if self.handle.others else table == BACKGROUND

    def _commit(self, project: Project, positions: list[Nm]) -> None:
        if self.growing is None or (self._choosing and len(positions) == 1):
            return  # a click, which only says which object it is
        project.paint(self.growing, self._brush(positions), over=self.handle.others)


class Erasing(Brushing):
    """Makes background of voxels of the object that the stroke begins in, or of all."""

    kind = Kind.ERASE
    code = RED_SIDE

    def __init__(self, bench: Bench, handle: Handle) -> None:
        super().__init__(bench, handle)
        self._object: Nm | None = None

    def take_back(self) -> None:
        """Say that there is nothing to take back."""
        raise EditError("nothing is chosen", where=str(self.kind), remedy="undo takes strokes back")

    def _touched(self, project: Project, position_nm: Nm, other: bool) -> npt.NDArray[np.bool_]:
        table = project.segment
        if self.handle.others:
            self._object = None
            return table != BACKGROUND
        self._object = position_nm
        return table == self._bench.hit(position_nm, str(self.kind)).segment

    def _commit(self, project: Project, positions: list[Nm]) -> None:
        project.erase(self._brush(positions), self._object)
