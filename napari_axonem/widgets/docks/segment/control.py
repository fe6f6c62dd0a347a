"""Knows the session and the dock Segment: starts and follows a segmentation."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from napari_axonem.errors import AxonemError, EditError, SettingsError
from napari_axonem.geometry import Nm
from napari_axonem.jobs import Job, State, common_folder, segmenting, start
from napari_axonem.networks.registry import Fit, fit_of, list_models
from napari_axonem.proofreading.plans.thresholding import scores
from napari_axonem.proofreading.record.glance import thresholds
from napari_axonem.segmentation.partial import affinities_so_far, segments_so_far
from napari_axonem.segmentation.planning import ARCHITECTURES, USUAL_THRESHOLD
from napari_axonem.segmentation.result import SUFFIX
from napari_axonem.segmentation.settings import SegmentSettings
from napari_axonem.settings import arguments_of
from napari_axonem.volumes import Pyramid, describe, open_affinities
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.formats.zarr import open_node
from napari_axonem.widgets.docks.job_control import StartControl
from napari_axonem.widgets.docks.segment.view import SegmentView
from napari_axonem.widgets.opening.locations import destination_for, is_remote
from napari_axonem.widgets.opening.samples import keep_sample
from napari_axonem.widgets.opening.shown import hide, shown_volumes
from napari_axonem.widgets.parts.beside import Beside
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.parts.frames import bring_forward
from napari_axonem.widgets.picture.growing import GrowingLayer, Growth
from napari_axonem.widgets.session.session import Session


class SegmentControl(StartControl):
    """Keeps the view like the session and the job.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    verb = "segment"

    def __init__(self, session: Session, view: SegmentView) -> None:
        self._view = view
        self._beside = Beside(view)
        self._sizes: dict[str, Nm | None] = {}  # by location, where they need not be asked for
        super().__init__(session, view, view.panel, view.message, (view.usual, view.more))
        self._growing: list[GrowingLayer] = []
        self._has_scores = False
        self._thresholds: dict[int, float] = {}  # by the operation that set them
        self._seen = 0  # operations
        view.wanted.connect(lambda: self._attempt(self.begin))
        view.imaged.connect(lambda _: self.show_models())
        view.opened.connect(lambda: self._attempt(self.open_result))
        view.missing.asked.connect(lambda: session.wanted.emit("Volume"))
        view.usual.editors["method"].currentTextChanged.connect(lambda _: self.show_models())
        connections = Connections(view, soon=session.place.soon)
        connect = connections.connect
        view.threshold.wanted.connect(lambda value: self._attempt(self.set_threshold, value))
        connect(session.project_changed, self.show)
        connections.follow(self._show_threshold, session.edited)
        connect(session.wanted, self._choose_threshold)
        connect(session.place.viewer.layers.events.inserted, self._layers_changed)
        connect(session.place.viewer.layers.events.removed, self._layers_changed)
        self.show()
        self._attempt(self._find_again)

    def show(self) -> None:
        """Offer what the window holds."""
        self._view.offer_images(self._images())
        self.show_models()
        project = self._session.project
        self._has_scores = project is not None and bool(np.isfinite(scores(project.state)).any())
        self._thresholds, self._seen = {}, 0
        self._show_threshold()

    def set_threshold(self, value: float) -> None:
        """Join the fragments of the open project at another threshold; edits by hand stay.

        Raises
        ------
        EditError
            Nothing would change, or a split is being worked out.
        """
        if self._session.editor.busy:
            raise EditError("a split is being worked out", remedy="wait until it is shown")
        self._session.place.opened.set_threshold(value)

    def _show_threshold(self) -> None:
        project = self._session.project
        if project is None or not self._has_scores:
            self._view.threshold.show_threshold(None)
            return
        self._thresholds.update(thresholds(project.log, self._seen))
        self._seen = len(project.operations)
        edit = project.history.head if self._thresholds else 0
        while edit and edit not in self._thresholds:
            edit = project.history.before(edit)
        self._view.threshold.show_threshold(self._thresholds.get(edit, USUAL_THRESHOLD))

    def _choose_threshold(self, what: str) -> None:
        """Bring the slider forward; `EditError` where there is nothing to choose."""
        if what == "threshold":
            if not self._has_scores:
                raise EditError("no contact of this project has a score", where="threshold")
            bring_forward(self._view.threshold)
            self._view.threshold.slider.setFocus()

    def show_models(self) -> None:
        """Offer the models, the best first, and say how well the chosen one fits."""
        location = self._view.chosen_image()
        size = self._voxel_size(location)
        method = str(self._view.usual.given().get("method", "agglomeration"))
        entries = [e for e in list_models()[0] if e.card.architecture == ARCHITECTURES[method]]
        fits = sorted((fit_of(e, size or e.card.voxel_size) for e in entries), key=_distance)
        rows = [(f.entry.card.name, str(f.entry.path), f.words if size else "") for f in fits]
        self._view.offer_models(rows)
        if location and not self._view.destination.isModified():
            self._view.destination.setText(str(destination_for(location)))

    def begin(self) -> None:
        """Start a segmentation in a process of its own.

        Raises
        ------
        SettingsError
            Something is missing or out of its bounds.
        """
        view = self._view
        values = self._given()
        values["volume"] = view.chosen_image()
        values["destination"] = view.destination.text().strip()
        for name, where in (("volume", "Image"), ("destination", "Project")):
            if not values[name]:
                raise SettingsError("nothing is named", where=where, remedy="fill it in")
        if view.model.currentData():
            values["model"] = str(view.model.currentData())
        SegmentSettings.parse(values)
        keep_sample(self._session.place.viewer.layers, str(values["volume"]))
        destination = Path(values["destination"]).absolute()
        words = arguments_of(SegmentSettings, values)
        told = segmenting(str(values["volume"]), destination, words)
        self._follow(start(told, common_folder()))

    def open_result(self) -> None:
        """Open the project that was made, in the place of what was seen of it so far."""
        if self.result:
            self._drop_layers()
            hide(self._session.place.viewer.layers, {self._view.chosen_image()})
        super().open_result()

    def _follow(self, job: Job) -> None:
        self._drop_layers()
        folder = Path(job.specification.project).with_suffix(SUFFIX)
        viewer = self._session.place.viewer
        self._growing = [
            GrowingLayer(viewer, "affinities so far", lambda: _affinities(folder)),
            GrowingLayer(viewer, "segments so far", lambda: _segments(folder)),
        ]
        super()._follow(job)

    def _show_job(self) -> None:
        job = self.job
        self._view.panel.show_job(job)
        self._view.set_busy(job is not None and job.state.is_alive)
        is_done = job is not None and job.state is State.DONE
        self._view.open.setVisible(is_done and bool(self.result))
        if job is not None and job.state is State.RUNNING:
            for growing in self._growing:
                growing.renew()

    def _end(self) -> None:
        is_done = self.job is not None and self.job.state is State.DONE
        if is_done and self._session.project is None:
            self._attempt(self.open_result)
        super()._end()

    def _is_worth_showing(self, job: Job) -> bool:
        return job.state.is_alive

    def _drop_layers(self) -> None:
        for growing in self._growing:
            growing.remove()
        self._growing = []

    def _layers_changed(self, event: object) -> None:
        del event
        self._view.offer_images(self._images())

    def _images(self) -> list[tuple[str, str]]:
        """Return the images of the project and of the window: names and locations.

        Their voxel sizes are known from now on.
        """
        found: dict[str, str] = {}
        project = self._session.project
        if project is not None and project.sources.image is not None:
            image = project.sources.image
            found[image.location] = f"image of {project.name}"
            self._sizes[image.location] = image.grid.voxel_size
        for shown in shown_volumes(self._session.place.viewer.layers):
            if not shown.is_labels:
                found.setdefault(shown.location, shown.name)
                self._sizes[shown.location] = shown.voxel_size
        return [(name, location) for location, name in found.items()]

    def _voxel_size(self, location: str) -> Nm | None:
        """Return the voxel size of an image as far as it is known.

        What lies on a server is asked for beside the window, once; models are offered anew then.
        """
        if location in self._sizes or not location:
            return self._sizes.get(location)
        if not is_remote(location):
            return _stated(location)
        self._sizes[location] = None
        self._beside.compute(partial(self._ask_for_size, location), self.show_models)
        return None

    def _ask_for_size(self, location: str) -> None:
        self._sizes[location] = _stated(location)


def _stated(location: str) -> Nm | None:
    """Return the voxel size that a file states."""
    try:
        return describe(location).voxel_size
    except (AxonemError, OSError):
        return None


def _distance(fit: Fit) -> float:
    return fit.worst


def _affinities(folder: Path) -> Growth | None:
    path = affinities_so_far(folder)
    if path is None:
        return None
    attributes = open_node(path, mode="r").attrs.asdict()
    found = ngff.parse(attributes, str(path))
    grid = None if found is None else ngff.grid_of(found, str(path))
    return None if grid is None else Growth(open_affinities(f"{path}/0"), grid)


def _segments(folder: Path) -> Growth | None:
    path = segments_so_far(folder)
    if path is None:
        return None
    volume = Pyramid.open(path).volume
    return Growth(volume.levels[0], volume.grid, is_labels=True)
