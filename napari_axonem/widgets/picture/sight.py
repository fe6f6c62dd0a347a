"""What a session shows of its project: the layers, and which objects stand out in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.colormaps.standardize_color import transform_color

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Box, Nm
from napari_axonem.proofreading.plans.splitting import SplitPlan
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Point
from napari_axonem.widgets.parts import colours
from napari_axonem.widgets.picture.clicks import nm_of
from napari_axonem.widgets.picture.depth import Depth, middle_and_extent
from napari_axonem.widgets.picture.disagreement import Disagreement
from napari_axonem.widgets.picture.foresight import foresee
from napari_axonem.widgets.picture.framing import box_in_view, look_at
from napari_axonem.widgets.picture.garbage import collect, take_away
from napari_axonem.widgets.picture.layers import Picture, ProjectLayers
from napari_axonem.widgets.picture.marks import REACH_PLANES, Marks
from napari_axonem.widgets.picture.once import drawn_once, thumb
from napari_axonem.widgets.picture.stroke import Stroke

OPACITY_STEP = 0.1

AROUND = 2.0
"""How much of what lies round an error is in view in three dimensions, of its own extent."""


class Sight:
    """The layers of one viewer.

    Parameters
    ----------
    viewer
        Where they are shown.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.marks = Marks(viewer)
        self.depth = Depth(viewer, self.marks)
        self.layers: ProjectLayers | None = None
        """The layers of the open project."""
        self.isolating = True
        """Whether all but the objects concerned are hidden, when some are."""
        self._selected: frozenset[int] = frozenset()
        self._apart = False
        self._segments: frozenset[int] = frozenset()
        self._truths: frozenset[int] = frozenset()
        self._outlined: tuple[int, ...] = ()
        self._pieces: tuple[int, ...] = ()
        self._plan: SplitPlan | None = None
        self._drawn: Picture | None = None
        self._held = False
        self.colouring = 0
        """What the colours of objects are drawn from."""
        self.hiding = False
        """Whether finished objects are hidden."""
        self.marking = True
        """Whether what disagrees with the truth is marked."""
        self._hidden: frozenset[int] = frozenset()
        self._unthumbed: set[Layer] = set()
        self.soon: Callable[[Callable[[], None]], None] = lambda action: action()
        """Does something once, when the window has been drawn."""
        self.looked: Callable[[Nm], object] = lambda _: None
        """Called when a place (z, y, x) in nm was brought into view."""
        self.redrawn: Callable[[], object] = lambda: None
        """Called when layers show something else, though their data are the same."""

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """The layers that are shown now."""
        if self.layers is None:
            return ()
        return (*self.layers.all, *self.marks.all)

    def opening(self, project: Project, disagreement: Disagreement | None = None) -> Iterator[None]:
        """Show a project, one layer a step; none is shown before, and the view is flat.

        Parameters
        ----------
        disagreement
            What is to be seen of errors, where it was worked out beforehand.
        """
        self.viewer.dims.ndisplay = 2  # else the coarsest level of each whole layer is loaded
        layers = self.layers = ProjectLayers(project, disagreement)
        for layer in layers.all:
            yield
            self.viewer.layers.insert(self._below_points(), layer)
        yield
        yield from self.marks.put_on(project.sources.grid, project.sources.fragments.shape)
        yield
        self.draw()
        yield
        self.viewer.canvas.overlays.scale_bar.visible = True
        self.viewer.dims.axis_labels = ("z", "y", "x")
        yield
        z, y, x = project.sources.grid.to_nm([n // 2 for n in project.sources.fragments.shape])
        with self.moving((float(z), float(y), float(x))):
            self.viewer.reset_view(margin=0)  # the farthest that a jump zooms out
            for axis in self.viewer.dims.not_displayed:
                self.viewer.dims.set_point(axis, float((z, y, x)[axis]))
        yield
        # The image has the controls that are wanted most, those of its contrast.
        self.viewer.layers.selection.active = layers.image or layers.segmentation

    def closing(self) -> Iterator[None]:
        """Take the layers of the project away, one a step; those of the points stay, empty."""
        self._drawn = None
        self.marks.clear()
        self._segments = self._truths = self._hidden = self._selected = frozenset()
        self._apart, self.colouring, self.marking = False, 0, True
        layers, self.layers = self.layers, None
        for layer in () if layers is None else layers.all:
            if layer in self.viewer.layers:
                take_away(self.viewer, layer)
                yield
        del layers
        collect()
        yield

    def concern(self, segments: Iterable[int], truths: Iterable[int] = ()) -> None:
        """Say which objects an error is about; none at all shows everything."""
        self._segments, self._truths = frozenset(segments), frozenset(truths)

    @property
    def concerned(self) -> tuple[int, ...]:
        """The objects that an error is about, with those that edits have made of them."""
        return tuple(sorted(self._segments))

    def select(self, segments: Iterable[int]) -> None:
        """Say which objects are selected: those that isolation is about, where there are any."""
        self._selected = frozenset(segments)
        self._apart = self._apart and bool(self._selected)

    def follow(self, before: Iterable[int], after: Iterable[int]) -> None:
        """Follow an edit that made the segments `after` of the segments `before`."""
        made, unmade = frozenset(after), frozenset(before)
        if self._segments & unmade:
            self._segments |= made
        if self.layers is not None:
            self.layers.update(made | unmade)
        self._drawn = None

    def draw(
        self,
        outlined: Iterable[int] = (),
        plan: SplitPlan | None = None,
        fragments: Iterable[int] = (),
    ) -> None:
        """Draw the segments as they are, with what stands out."""
        self._outlined, self._plan, self._pieces = tuple(outlined), plan, tuple(fragments)
        self.draw_again()

    def draw_again(self) -> None:
        """Draw the same as before, with the segments and the isolation there are now."""
        if self.layers is not None:
            picture = Picture(
                self._only(), self._outlined, self._pieces, self._plan, self._hidden, self.marking
            )
            if not picture.same_as(self._drawn):
                self.layers.set(picture)
                self._drawn = picture
                if not self._held:
                    self.layers.refresh()
                self.redrawn()

    def show_stroke(self, stroke: Stroke) -> None:
        """Draw a stroke of the brush, until something else is drawn."""
        if self.layers is not None:
            self.layers.draw_stroke(stroke)
            self._drawn = None
            self.redrawn()

    def _only(self) -> tuple[frozenset[int], frozenset[int]] | None:
        """Return the segments and true objects to show; None for all."""
        if self._apart and self.layers is not None:
            return self._selected, self.layers.truths_in(self._selected)
        alone = self.isolating and bool(self._segments)
        return (self._segments, self._truths) if alone else None

    @contextmanager
    def moving(self, to: Nm | None = None) -> Iterator[None]:
        """Draw once, at the end, what is set in here and where the view goes.

        Parameters
        ----------
        to
            The place (z, y, x) in nm that is gone to, if one is.
        """
        self._held = True
        if to is not None and self.layers is not None:
            grid = self.layers.project.sources.grid
            z, y, x = grid.to_nm(grid.to_voxel(to))
            to = (float(z), float(y), float(x))
        with drawn_once(self.viewer, to, self._thumb_soon) as stale:
            try:
                yield
            finally:
                self._held = False
                if self.layers is not None:
                    stale.update(self.layers.take_outdated())

    def _thumb_soon(self, layers: Collection[Layer]) -> None:
        self._unthumbed.update(layers)
        self.soon(self._thumb)

    def _thumb(self) -> None:
        layers, self._unthumbed = self._unthumbed, set()
        thumb([layer for layer in self.viewer.layers if layer in layers])

    def hide(self, segments: Iterable[int]) -> None:
        """Hide objects, but for those that an error is about."""
        self._hidden = frozenset(segments)
        self.draw_again()

    def visible_box(self, *, all_sections: bool) -> Box | None:
        """Return the voxels in view; None where the view is not flat, or nothing is open.

        Parameters
        ----------
        all_sections
            Whether to go through the whole depth, or only as far as places of errors are shown.
        """
        if self.layers is None or self.viewer.dims.ndisplay != 2:
            return None
        fragments = self.layers.project.sources.fragments
        reach = None if all_sections else REACH_PLANES
        return box_in_view(self.viewer, fragments.grid, Box.of_shape(fragments.shape), reach)

    def look(self, mistake: Mistake | Suggestion) -> None:
        """Bring an error into view."""
        if self.layers is not None:
            fragments = self.layers.project.sources.fragments
            whole, position = Box.of_shape(fragments.shape), mistake.position_nm

            def look() -> None:
                look_at(self.viewer, position, fragments.grid, mistake.box, whole)

            if self.depth.on:
                corners = np.array([mistake.box.start, mistake.box.stop])
                ends = corners * fragments.grid.voxel_size + fragments.grid.origin
                self.depth.frame(position, AROUND * middle_and_extent(*ends)[1])
                self.depth.afterwards(look)
            else:
                look()
            self.looked(position)

    def foresee(self, mistake: Mistake | Suggestion) -> None:
        """Have fetched what `look` would show of an error, in a flat view."""
        if self.layers is not None and self.viewer.dims.ndisplay == 2:
            fragments = self.layers.project.sources.fragments
            whole, position = Box.of_shape(fragments.shape), mistake.position_nm
            foresee(self.viewer, position, fragments.grid, mistake.box, whole)

    def look_at_place(self, position_nm: Nm) -> None:
        """Bring a place into view, at the zoom there is."""
        if self.layers is None:
            return
        if self.depth.on:
            self.depth.afterwards(lambda: self.depth.back_to(position_nm))
        for axis in self.viewer.dims.not_displayed:
            self.viewer.dims.set_point(axis, position_nm[axis])
        shown = self.viewer.dims.displayed
        self.viewer.scene.camera.center = tuple(position_nm[axis] for axis in shown)
        self.looked(position_nm)

    def centre_on_cursor(self) -> None:
        """Put what is under the cursor in the middle of the view.

        Raises
        ------
        EditError
            The view is not flat, or the cursor is not in it.
        """
        if self.viewer.dims.ndisplay != 2:
            raise EditError("the view is not flat", remedy="go back to two dimensions")
        if not self.viewer.mouse_over_canvas:
            raise EditError("the mouse is not over the picture", where="centre")
        self.look_at_place(nm_of(self.viewer.cursor.position))

    def mark(self, mistakes: Sequence[Mistake | Suggestion], current: int) -> None:
        """Mark the places of errors; `current` is the row of the one looked at, or -1."""
        if self.layers is not None:
            self.marks.set_places(mistakes, current, self.layers.project.sources.grid)
            self.redrawn()

    def seed(self, points: Sequence[Point]) -> None:
        """Mark the points of a split."""
        if self.layers is not None:
            self.marks.set_seeds(points, self.layers.project.sources.grid)

    @property
    def shows_truth(self) -> bool:
        """Whether the truth is visible."""
        truth = None if self.layers is None else self.layers.truth
        return truth is not None and self.depth.sees(truth)

    def swap_truth(self) -> None:
        """Show the truth instead of the segmentation, or the other way round."""
        if self.layers is not None and self.layers.truth is not None:
            show_truth = not self.shows_truth
            self.depth.show(self.layers.truth, show_truth)
            self.depth.show(self.layers.segmentation, not show_truth)

    @property
    def isolates(self) -> bool:
        """Whether all but the objects concerned are hidden, or will be when some are."""
        return self._apart if self._selected else self.isolating

    def toggle_isolation(self) -> None:
        """Hide all but the objects concerned, or show them again.

        With objects selected these are the ones, and showing the others again shows all.
        """
        if self._selected:
            self._apart = not self._apart
            if not self._apart:
                self.concern(())
        else:
            self.isolating = not self.isolating
        self.draw_again()

    def toggle_errors(self) -> None:
        """Mark what disagrees with the truth, or do not."""
        self.marking = not self.marking
        self.draw_again()

    def colour_of(self, segment: int) -> npt.NDArray[np.floating]:
        """Return the own colour of an object: red, green, blue, opacity; 0..1."""
        if self.layers is None:
            return np.zeros(4)
        return np.asarray(self.layers.segmentation.colormap.map(segment), float)

    def seen_colour_of(self, segment: int) -> npt.NDArray[np.floating]:
        """Return the colour that most of an object has in the picture, like `colour_of`.

        That is its own, but for objects that the error looked at is about: where errors are marked
        and one covers most of it, it is the colour of that.
        """
        over = ""
        if self.layers is not None and segment in self._segments:
            over = self.layers.colour_over(segment)
        return np.asarray(transform_color(over)[0], float) if over else self.colour_of(segment)

    def shuffle_colours(self, centre: int = 0, others: Sequence[int] = ()) -> None:
        """Give all objects other colours, by which one is told well from some others."""
        self.colouring = colours.telling_seed(self.colouring + 1, centre, others)
        if self.layers is not None:
            self.layers.shuffle(self.colouring)

    def change_opacity(self, steps: int) -> None:
        """Make the coloured objects more or less opaque."""
        if self.layers is None:
            return
        for layer in (self.layers.segmentation, self.layers.truth):
            if layer is not None:
                layer.opacity = min(1.0, max(0.0, layer.opacity + steps * OPACITY_STEP))

    def _below_points(self) -> int:
        """Return where to insert a layer: above those there were, below the points."""
        points = {id(layer) for layer in self.marks.all}
        places = [n for n, layer in enumerate(self.viewer.layers) if id(layer) in points]
        return min(places, default=len(self.viewer.layers))
