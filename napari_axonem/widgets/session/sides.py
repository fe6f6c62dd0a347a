"""The views from the side, and the place that all views go through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.events import EventEmitter
from napari.utils.key_bindings import KeymapProvider
from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.widgets.picture import clicks, pointing
from napari_axonem.widgets.picture.crosshair import Crosshair
from napari_axonem.widgets.picture.framing import is_in_view, middle_of, nearest_in, shows
from napari_axonem.widgets.picture.late import draw_too
from napari_axonem.widgets.picture.sideview import BESIDE, PLANES, SideView
from napari_axonem.widgets.picture.zooming import SharedCentre, SharedZoom
from napari_axonem.widgets.session.workplace import Workplace

DOCK = "Side views"
"""The dock that shows them."""


class Sides:
    """Keeps the views from the side at the place of the viewer, and the viewer at theirs.

    Parameters
    ----------
    place
        Viewer and project.
    want
        Asks for a dock by its name.
    click
        Called for a click in a view from the side: the position (z, y, x) in nm, and whether Shift
        or Alt was held.
    tell
        Returns what is to be said of a position in nm, at a level of the pyramid.
    at
        Returns the place (z, y, x) in nm of the error looked at, or None.
    """

    switched = Signal()
    """They are shown, or no longer; the crosshair too."""

    unwanted = Signal()
    """The dock shall be hidden."""

    began = Signal()
    """There are other views than before."""

    def __init__(
        self,
        place: Workplace,
        want: Callable[[str], object],
        click: clicks.OnClick,
        tell: Callable[[Nm, int | None], str],
        at: Callable[[], Nm | None],
    ) -> None:
        self._place, self._want, self._click, self._tell = place, want, click, tell
        self._at = at
        self.views: tuple[SideView, ...] = ()
        """One for each plane, as long as there is a dock for them."""
        self.on = False
        """Whether they are seen."""
        self.with_crosshair = True
        """Whether the crosshair is drawn while they are seen."""
        self.with_truth = False
        """Whether the picture is shown once more, with the truth for the segmentation."""
        self.position: Nm = (0.0, 0.0, 0.0)
        """The place (z, y, x) in nm that all views go through."""
        self._crosshair: Crosshair | None = None
        self._zoom: SharedZoom | None = None
        self._centre_of: SharedCentre | None = None
        self._centre = self._stale = False
        self._going = False
        self._ends: list[Callable[[], object]] = []

    @property
    def keymaps(self) -> tuple[KeymapProvider, ...]:
        """What takes keys while a view from the side is looked at; no layer of it is selected."""
        return tuple(view.model for view in self.views)

    @property
    def shown(self) -> tuple[SideView, ...]:
        """The views that are seen, when the dock is."""
        return tuple(view for view in self.views if view.plane != BESIDE or self.with_truth)

    def begin(self) -> tuple[SideView, ...]:
        """Make the views, for a dock that shows them; those before are ended."""
        self.end()
        self.views = tuple(
            SideView(plane, self._is_other_seen if plane == BESIDE else self._is_seen)
            for plane in PLANES
        )
        viewer = self._place.viewer
        self._crosshair = Crosshair(viewer)
        self._connect(viewer.layers.events.inserted, self._follow_layers)
        self._connect(viewer.layers.events.removed, self._follow_layers)
        self._connect(viewer.layers.events.reordered, self._follow_layers)
        self._connect(viewer.dims.events.point, self._follow_section)
        self._connect(viewer.canvas.overlays.scale_bar.events.visible, self._follow_looks)
        self._connect(viewer.events.theme, self._follow_looks)
        beside = next(view.model for view in self.views if view.plane == BESIDE)
        self._centre_of = centre = SharedCentre(viewer, beside, self._compares)
        self._ends.append(centre.end)
        for view in self.views:
            self._connect(view.model.dims.events.point, self._follow_side(view))
            self._connect(view.model.cursor.events.position, self._follow_cursor(view))
            self._ends.append(clicks.listen(view.model, self._click))
            self._ends.append(pointing.listen(view.model, self.go, lambda: self.on))
        models = [viewer, *(view.model for view in self.views)]
        self._zoom = zoom = SharedZoom(models, lambda: self.on and not self._going)
        self._ends.append(zoom.end)
        self._place.sight.looked = self.look
        self._place.sight.redrawn = self.redraw
        self._ends.append(draw_too(self._all_layers))
        self.began.emit()
        return self.views

    def end(self) -> None:
        """Follow the viewer no longer; the views are empty."""
        self.close()
        views, crosshair = self.views, self._crosshair
        self.release()
        for view in views:
            view.clear()
        if crosshair is not None:
            crosshair.show(None)

    def release(self) -> None:
        """Let go of the views when the window is gone; nothing is drawn any more."""
        self.on = False
        for end in self._ends:
            end()
        self._ends = []
        if self._crosshair is not None:
            self._crosshair.end()
        self._crosshair = self._zoom = self._centre_of = None
        for view in self.views:
            view.end()
        self.views = ()
        self._place.sight.looked = lambda _: None
        self._place.sight.redrawn = lambda: None

    def start(self) -> None:
        """Begin with a project that was just opened, or with none."""
        if self.on:
            self._share_zoom()
            self.look(self._here())

    def open(self) -> None:
        """Follow the viewer: the views are seen now."""
        if self.on or not self.views:
            return
        self.on = True
        self.position = self._here()
        self._follow_layers()
        for view in self.views:
            for twin in view.twins:
                twin.sync()
        self._follow_looks()
        self._share_zoom()
        self.go(self.position, centre=True)
        self._draw_crosshair()
        self.switched.emit()

    def close(self) -> None:
        """Follow it no longer: they are not seen."""
        if self.on:
            self.on = False
            self._draw_crosshair()
            self.switched.emit()

    def toggle(self) -> None:
        """Show the views from the side, or hide them."""
        if self.on:
            self.unwanted.emit()
        else:
            self._want(DOCK)

    def toggle_crosshair(self) -> None:
        """Draw the crosshair with the views from the side, or no more."""
        self.with_crosshair = not self.with_crosshair
        self._draw_crosshair()
        self.switched.emit()

    def toggle_truth(self) -> None:
        """Show the picture once more, with the truth for the segmentation, or no more.

        Raises
        ------
        EditError
            There is no project, or no truth in it.
        """
        if not self.with_truth and not self._place.opened.has_truth:
            raise EditError("the project has no ground truth", where="compare")
        self.with_truth = not self.with_truth
        self._follow_layers()
        self.switched.emit()
        if self.with_truth and not self.on:
            self._want(DOCK)

    def go(self, position_nm: Nm, *, centre: bool = False) -> None:
        """Let all views go through a place (z, y, x) in nm.

        Parameters
        ----------
        centre
            Put it in the middle of the views from the side; else only where it is out of sight.
        """
        if not self.on:
            return
        self.position = place = nearest_in(self._place.viewer, position_nm)
        self._centre = self._centre or centre
        self._move_viewer(place)
        self._place.soon(self._draw)

    def go_to_cursor(self) -> None:
        """Let all views go through the place under the cursor.

        Raises
        ------
        EditError
            The views are not shown, or the cursor is in none.
        """
        if not self.on:
            raise EditError("no view from the side is shown", where="jump", remedy="show them")
        for model in (self._place.viewer, *(view.model for view in self.shown)):
            if model.mouse_over_canvas and (model.dims.ndim, model.dims.ndisplay) == (3, 2):
                self.go(clicks.nm_of(model.cursor.position))
                return
        raise EditError("the mouse is not over a picture", where="jump")

    def look(self, position_nm: Nm) -> None:
        """Follow the viewer, which was brought to a place (z, y, x) in nm."""
        if self.on:
            self.position = nearest_in(self._place.viewer, position_nm)
            self._centre = True
            self._place.soon(self._draw)

    def redraw(self) -> None:
        """Draw again what is shown of the project: tables changed that layers look up in."""
        if self.on:
            self._stale = True
            self._place.soon(self._draw)

    def _draw(self) -> None:
        centre, stale, self._centre, self._stale = self._centre, self._stale, False, False
        if not self.on:
            return
        with self._unheard():
            for view in self.shown:
                view.go(self.position, centre=centre)
        if stale:
            for view in self.shown:
                view.refresh()
        self._draw_crosshair()

    def _draw_crosshair(self) -> None:
        place = self.position if self.on and self.with_crosshair else None
        for crosshair in (self._crosshair, *(view.crosshair for view in self.views)):
            if crosshair is not None:
                crosshair.show(place)

    def _move_viewer(self, position_nm: Nm) -> None:
        """Bring the viewer to a place, and into its view."""
        viewer, sight = self._place.viewer, self._place.sight
        if sight.depth.on:
            sight.depth.afterwards(lambda: sight.depth.back_to(position_nm))
        if viewer.dims.ndisplay != 2 or viewer.dims.ndim != 3:
            return
        with self._unheard():
            for axis in viewer.dims.not_displayed:
                if viewer.dims.point[axis] != position_nm[axis]:
                    viewer.dims.set_point(axis, position_nm[axis])
        if not is_in_view(viewer, position_nm):
            shown = viewer.dims.displayed
            viewer.scene.camera.center = (0.0, *(position_nm[axis] for axis in shown))

    def _follow_section(self) -> None:
        """Go where the viewer was stepped to."""
        if self.on and not self._going:
            self._take(self._place.viewer)
            self._place.soon(self._draw)

    def _follow_side(self, view: SideView) -> Callable[[], None]:
        def follow() -> None:
            if self.on and not self._going:
                self._take(view.model)
                self._place.soon(self._draw)

        return follow

    def _take(self, model: ViewerModel) -> None:
        """Take over at which section a viewer stands."""
        if model.dims.ndim == 3 and model.dims.ndisplay == 2:
            place = list(self.position)
            for axis in model.dims.not_displayed:
                place[axis] = float(model.dims.point[axis])
            z, y, x = place
            self.position = (z, y, x)

    def _share_zoom(self) -> None:
        """Show the views from the side at the scale of the viewer."""
        if self._zoom is not None:
            self._zoom.share(self._place.viewer)

    def _follow_cursor(self, view: SideView) -> Callable[[], None]:
        def follow() -> None:
            model, layers = view.model, self._place.sight.layers
            if self.on and model.mouse_over_canvas and model.dims.ndim == 3:
                own = None if layers is None else layers.segmentation
                level = next((t.layer.data_level for t in view.twins if t.source is own), None)
                text = self._tell(clicks.nm_of(model.cursor.position), level)
                self._place.viewer.status = text

        return follow

    def _follow_layers(self) -> None:
        """Show the layers that the viewer has now."""
        if self.on:
            empty = not any(view.twins for view in self.views)
            with self._unheard():  # views without layers forget how they stand
                for view in self.views:
                    view.show(self._place.viewer.layers if view in self.shown else ())
            self._follow_looks()
            if self._centre_of is not None:
                self._centre_of.share()
            self._share_zoom()
            if empty:
                self.look(self._here())
            self._place.soon(self._draw)

    def _follow_looks(self) -> None:
        viewer = self._place.viewer
        for view in self.views:
            view.look_like(viewer)

    def _compares(self) -> bool:
        return self.on and self.with_truth and not self._going

    def _is_seen(self, layer: Layer) -> bool:
        """Tell whether a layer is to be seen from the side.

        Where it is hidden only because the viewer shows three dimensions, it is.
        """
        return self._place.sight.depth.sees(layer)

    def _is_other_seen(self, layer: Layer) -> bool:
        """Tell the same where truth and segmentation change places."""
        layers = self._place.sight.layers
        swapped = layers is not None and layer in (layers.truth, layers.segmentation)
        return self._is_seen(layer) != swapped

    def _all_layers(self) -> list[Layer]:
        return [layer for view in self.views for layer in view.layers] if self.on else []

    def _here(self) -> Nm:
        """Return the place of the error looked at where it is in view, or else the middle."""
        viewer, at = self._place.viewer, self._at()
        return at if at is not None and shows(viewer, at) else middle_of(viewer)

    @contextmanager
    def _unheard(self) -> Iterator[None]:
        """Move views without following them."""
        before, self._going = self._going, True
        try:
            yield
        finally:
            self._going = before

    def _connect(self, signal: EventEmitter, slot: Callable[..., object]) -> None:
        signal.connect(slot)
        self._ends.append(lambda: signal.disconnect(slot))
