"""The layers of an open project, kept up to date without rewriting a voxel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from napari.layers import Labels, Layer

from napari_axonem.evaluation.mistakes import MIN_VOXELS
from napari_axonem.geometry import Box, Nm, zyx
from napari_axonem.proofreading.plans.splitting import SplitPlan
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.parts import colours
from napari_axonem.widgets.picture.disagreement import FOREIGN, SPLIT_OFF, Disagreement
from napari_axonem.widgets.picture.late import made_of
from napari_axonem.widgets.picture.lazy import LazyLevel
from napari_axonem.widgets.picture.overlay import Overlay
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.portrait import Portrayed
from napari_axonem.widgets.picture.stroke import Stroke
from napari_axonem.widgets.picture.tables import Marked, Table, looked_up
from napari_axonem.widgets.picture.volume_layers import image_layer, labels_layer

Rows = npt.NDArray[np.int64]

TRUTH_SEED = 1000
"""Lets the truth have colours of its own."""

OBJECTS_OPACITY, ERRORS_OPACITY, SIDES_OPACITY = 0.4, 0.7, 0.55

OF_CODE = {SPLIT_OFF: colours.FALSE_SPLIT, FOREIGN: colours.FALSE_MERGE}
"""The colours of what disagrees with the truth."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What of a project is shown."""

    only: tuple[frozenset[int], frozenset[int]] | None = None
    """The segments and the true objects to show; all where it is None."""

    outlined: tuple[int, ...] = ()
    """Segments with a line round them."""

    fragments: tuple[int, ...] = ()
    """Fragments with a line round them."""

    plan: SplitPlan | None = None
    """A split whose sides are filled with their colours."""

    hidden: frozenset[int] = frozenset()
    """Segments that are not shown, unless they are among the only ones that are."""

    errors: bool = True
    """Whether to mark what disagrees with the truth."""

    def same_as(self, other: Picture | None) -> bool:
        """Tell whether there is nothing to draw anew."""
        return (
            other is not None
            and self.plan is other.plan
            and (self.only, self.outlined) == (other.only, other.outlined)
            and self.fragments == other.fragments
            and (self.hidden, self.errors) == (other.hidden, other.errors)
        )


class ProjectLayers:
    """The layers that show a project's voxels.

    Parameters
    ----------
    project
        An open project; what is shown of it follows the methods called here.
    disagreement
        What `disagreement_of` returned for it, where that was done beforehand.
    """

    def __init__(self, project: Project, disagreement: Disagreement | None = None) -> None:
        self.project = project
        self._fragments = Planes(project.sources.fragments.volume)
        project.written.connect(self._fragments.forget)
        truth = project.sources.truth
        self._truth = None if truth is None else Planes(truth.volume)
        self._shown = Table(project.segment)
        self._all_true = np.arange(len(project.state.truth_ids), dtype=np.uint32)
        self._true = Table(self._all_true)
        self._overlay = Overlay()
        self._outdated: set[Layer | None] = set()
        self._disagreement = disagreement or disagreement_of(project)
        image = project.sources.image
        self.image = None if image is None else image_layer(image, "image")
        self.segmentation = self._make_segmentation()
        self.truth = self._make_truth()
        self.overlay = self._make_overlay()
        self.all: tuple[Layer, ...] = tuple(
            layer
            for layer in (self.image, self.segmentation, self.truth, self.overlay)
            if layer is not None
        )

    def update(self, changed: frozenset[int]) -> None:
        """Take over an edit that made or unmade segments; `set` takes it into the picture."""
        cells, graph = self.project.state.cells, self.project.graph
        if cells is not self._disagreement.cells:
            self._outdated.update((self.segmentation, self.overlay))  # a fragment was cut
        self._outdated.add(self.segmentation)  # its table may be that of the project itself
        self._disagreement = self._disagreement.after(
            cells, graph.segment, graph.members, MIN_VOXELS, changed
        )

    def set(self, picture: Picture) -> None:
        """Set what is shown, the segments and what stands out; `refresh` draws it."""
        only, graph, plan = picture.only, self.project.graph, picture.plan
        segment = graph.segment
        if only is None:
            shown = _without(segment, graph.members(*picture.hidden))
        else:
            shown = _kept(segment, graph.members(*only[0]))
        marked = Marked()  # the sides of a split are told by colours alone
        if plan is None:
            if picture.errors and self.truth is not None:
                marked = self._disagreement.marked(graph.members, only)
            outlined = graph.members(*picture.outlined)
            fragments = np.append(outlined, np.array(picture.fragments, np.int64))
            stands_out = self._overlay.outline(graph.n_fragments, fragments)
        else:
            shown = _without(shown, graph.members(plan.segment))
            stands_out = self._overlay.show_sides(plan, graph.n_fragments)
        true = self._all_true
        if only is not None:
            true = _kept(true, np.fromiter(only[1], np.int64))
        changes = (
            (self.segmentation, self._shown.set(shown)),
            (self.truth, self._true.set(true)),
            (self.overlay, self._overlay.mark(marked) or stands_out),
        )
        self._outdated.update(layer for layer, changed in changes if changed)

    def draw_stroke(self, stroke: Stroke) -> None:
        """Draw a stroke of the brush in the place of what stands out; `set` takes it away."""
        self._overlay.draw(stroke)
        self.overlay.refresh(extent=False)

    def truths_in(self, segments: Collection[int]) -> frozenset[int]:
        """Return the true objects that segments share voxels with; the background is none."""
        rows = self._rows_of(*segments)
        return frozenset(np.unique(self._disagreement.cells.truth[rows]).tolist()) - {0}

    def under(self, position_nm: Nm, level: int | None = None) -> tuple[int, int]:
        """Return the fragment and the true object at a position, 0 for none.

        One voxel each is read, at a level or else at the scale that is drawn now. Another thread
        may ask.
        """
        volume = self._fragments.volume
        level = int(self.segmentation.data_level) if level is None else level
        voxel = zyx(volume.grid.to_voxel(position_nm))
        if not volume.box.contains(voxel):
            return 0, 0
        start = zyx(np.floor_divide(voxel, volume.factors[level]))
        box = Box(start, zyx(np.add(start, 1)))
        found = [
            0 if planes is None else int(planes.read_all(box, level)[0, 0, 0])
            for planes in (self._fragments, self._truth)
        ]
        return found[0], found[1]

    def refresh(self) -> None:
        """Draw what was set: the layers that look different now, and no others."""
        for layer in self.take_outdated():
            layer.refresh(extent=False)

    def take_outdated(self) -> list[Layer]:
        """Return the layers that look different now, for somebody who draws them."""
        outdated = [layer for layer in self.all if layer in self._outdated]
        self._outdated.clear()
        return outdated

    def colour_over(self, segment: int) -> str:
        """Return the colour of an error that covers most of an object; empty where none does."""
        cells, rows = self._disagreement.cells, self._rows_of(segment)
        codes = self._overlay.errors.lookup(cells.fragment[rows], cells.truth[rows])
        most = int(np.bincount(codes, weights=cells.voxels[rows], minlength=1).argmax())
        return OF_CODE.get(most, "")

    def _rows_of(self, *segments: int) -> Rows:
        """Return the cells of some segments."""
        return self._disagreement.rows.of_fragments(self.project.graph.members(*segments))

    def portrayed(self) -> Portrayed:
        """Return what small pictures of errors are made of now."""
        image = None if self.image is None else next(iter(made_of(self.image)), None)
        return Portrayed(
            image if isinstance(image, Planes) else None,
            self._fragments,
            self._truth,
            self.project.segment,
        )

    def shuffle(self, seed: int) -> None:
        """Give all objects other colours; equal seeds give equal ones."""
        self.segmentation.colormap = colours.object_colormap(seed)
        if self.truth is not None:
            self.truth.colormap = colours.object_colormap(seed + TRUTH_SEED)

    def _make_segmentation(self) -> Labels:
        return self._make_labels(
            looked_up(self._fragments, self._shown),
            "segmentation",
            colours.object_colormap(),
            OBJECTS_OPACITY,
        )

    def _make_truth(self) -> Labels | None:
        if self._truth is None:
            return None
        levels = looked_up(self._truth, self._true)
        colormap = colours.object_colormap(TRUTH_SEED)
        layer = self._make_labels(levels, "truth", colormap, OBJECTS_OPACITY)
        layer.visible = False
        return layer

    def _make_overlay(self) -> Labels:
        levels = self._overlay.levels(self._fragments, self._truth)
        sides = [colours.covering(side, SIDES_OPACITY) for side in colours.OF_SIDE.values()]
        wrong = [colours.covering(OF_CODE[code], ERRORS_OPACITY) for code in sorted(OF_CODE)]
        colormap = colours.code_colormap(colours.FOCUS, *sides, *wrong)
        return self._make_labels(levels, "overlay", colormap, 1.0)

    def _make_labels(
        self, levels: list[LazyLevel], name: str, colormap: object, opacity: float
    ) -> Labels:
        grid = self.project.sources.grid
        return labels_layer(levels, name, grid, opacity=opacity, colormap=colormap)


def disagreement_of(project: Project) -> Disagreement:
    """Return what disagrees with the truth in a project; another thread may do it."""
    found = Disagreement.of(project.state.cells, project.segment, MIN_VOXELS)
    found.rows.look_up()
    return found


def _kept(values: npt.NDArray[np.uint32], chosen: Rows) -> npt.NDArray[np.uint32]:
    """Return the table with 0 for all ids but the chosen ones."""
    kept = np.zeros_like(values)
    kept[chosen] = values[chosen]
    return kept


def _without(values: npt.NDArray[np.uint32], hidden: Rows) -> npt.NDArray[np.uint32]:
    """Return the table with 0 for some ids."""
    if not len(hidden):
        return values
    shown = values.copy()
    shown[hidden] = 0
    return shown
