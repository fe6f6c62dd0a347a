"""A segmentation from beginning to end: an image becomes affinities, fragments and segments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_axonem import __version__
from napari_axonem.blockwise import Journal, Team
from napari_axonem.geometry import Grid, Zyx
from napari_axonem.progress import Progress
from napari_axonem.segmentation.flooded import count_objects, flood_image
from napari_axonem.segmentation.fragments.jobs import Job, forget_opened
from napari_axonem.segmentation.fragments.scratch import Scratch
from napari_axonem.segmentation.fragments.steps import Steps, create_pyramids
from napari_axonem.segmentation.inference.store import NEAR, AffinityVolume
from napari_axonem.segmentation.planning import Plan, plan_of
from napari_axonem.segmentation.result import Result
from napari_axonem.segmentation.settings import SegmentSettings
from napari_axonem.volumes import disk, open_volume
from napari_axonem.volumes.conversion.reading import stamp_of
from napari_axonem.volumes.conversion.work import Work, work_folder, working_on
from napari_axonem.watching import Unwatched, Watcher, Wish, wish_after_pause

_BEGUN, _PREDICTED, _CREATED, _PUBLISHED = "begun", "predicted", "created", "published"
"""Stages of the journal."""

_COMMON = {"workers", "scheduler", "device", "precision", "augment", "invert"}
"""Settings that inference takes as they are."""


@dataclass(frozen=True, slots=True)
class Segmented:
    """What `segment` did."""

    result: Result
    """The folder; where it was wished to stop, the one in which work goes on."""

    said: dict[str, Any]
    """What `Result.said` holds; empty where it was wished to stop."""

    resumed: bool
    """Whether it took up an earlier run."""

    @property
    def complete(self) -> bool:
        """Whether it came to its end."""
        return bool(self.said)


class _StopError(Exception):
    """Raised between blocks when it is wished to stop."""


def segment(
    settings: SegmentSettings, destination: Path, watcher: Watcher | None = None
) -> Segmented:
    """Segment a volume of any size, by affinities or by flood filling.

    Everything comes into being in a hidden folder ``.NAME.partial`` beside the destination, block
    by block and by several processes, and takes its name when it is complete. What was cut off,
    by whatever, the same settings take up, and come to the same bytes; other settings, or a
    source that has changed, begin anew.

    Parameters
    ----------
    settings
        What to do; its destination is not looked at.
    destination
        Folder ``NAME.segmentation`` that comes into being.
    watcher
        Is told how far it is; may wish to pause or to stop.

    Raises
    ------
    SettingsError
        No image is named, a device is not there, or seeds by affinities for a resampled image.
    VolumeError
        A volume cannot be read, or the destination exists or is being written.
    MismatchError
        The affinities are not those of the image.
    ModelError
        There is no such model, or it gives no affinities.
    StorageError
        The disk is full, read-only or failing; the same call then goes on where it was.
    BlockError
        The network or the workers failed.
    """
    watcher = watcher or Unwatched()
    plan = plan_of(settings, destination)
    if not work_folder(plan.destination).exists():
        disk.refuse_existing(plan.destination, overwrite=settings.overwrite)
    try:
        with working_on(plan.destination) as work:
            done = _taken_up_or_begun(plan, work, watcher)
            if done.complete:
                disk.remove(work.journal)
    finally:
        forget_opened()
    return done


def _taken_up_or_begun(plan: Plan, work: Work, watcher: Watcher) -> Segmented:
    goes_on = work.goes_on(plan.about)
    if goes_on and not work.result.exists() and plan.destination.exists():
        with Journal(work.journal, plan.about) as journal:
            if journal.done(_PUBLISHED):  # killed between its last two steps
                result = Result(plan.destination)
                return Segmented(result, result.read_said(), resumed=True)
    disk.refuse_existing(plan.destination, overwrite=plan.settings.overwrite)
    if not goes_on or not work.result.exists():
        goes_on = False
        work.begin_anew()
        with disk.guarded(plan.destination):
            work.result.mkdir()
    result = Result(work.result)
    with Journal(work.journal, plan.about, settle=disk.settle) as journal:
        try:
            run = _flooded if plan.settings.method == "flooding" else _agglomerated
            said = run(plan, work, journal, watcher)
        except _StopError:
            watcher.say("stopped; the same command goes on")
            return Segmented(result, {}, goes_on)
        result.write_said(said)
        journal.add(_PUBLISHED, 0, None)
        journal.flush()
        disk.publish(work.result, plan.destination, overwrite=plan.settings.overwrite)
    return Segmented(Result(plan.destination), said, goes_on)


def _flooded(plan: Plan, work: Work, journal: Journal, watcher: Watcher) -> dict[str, Any]:
    """Flood what is left to be flooded; return what is to be said of it."""
    for word in plan.words:  # the prediction of affinities says it itself
        watcher.say(word)
    _keep(journal)
    result = Result(work.result)
    if not flood_image(plan, result.segmentation, work.stage, watcher):
        raise _StopError
    segments, background = count_objects(open_volume(result.segmentation))
    return _said(plan) | {"background_voxels": background, "segments": segments}


def _said(plan: Plan) -> dict[str, Any]:
    """Return what is to be said of every segmentation."""
    grid = plan.image.grid
    return {
        "about": plan.about,
        "image": plan.about["image"][0],
        "model": plan.fit.entry.card.name if plan.fit else None,
        "origin_nm": list(grid.origin),
        "shape": list(plan.image.shape),
        "version": __version__,
        "voxel_size_nm": list(grid.voxel_size),
    }


def _keep(journal: Journal) -> None:
    """Take down that something is begun, so that the folder stays when it is cut off."""
    if not journal.done(_BEGUN):
        journal.add(_BEGUN, 0, None)
        journal.flush()


def _agglomerated(plan: Plan, work: Work, journal: Journal, watcher: Watcher) -> dict[str, Any]:
    """Do what is left to be done; return what is to be said of it."""
    location, grid, shape = _affinities(plan, work, journal, watcher)
    job = Job(
        location,
        stamp_of(location),
        shape,
        grid,
        plan.image.shape,
        plan.image.grid,
        plan.settings.rule,
        Scratch(work.stage),
        work.result,
    )
    if not journal.done(_CREATED):
        for path in (work.stage, job.fragments, job.segmentation):
            disk.remove(path)  # a part of them, that an earlier run has left
        with disk.guarded(plan.destination):
            work.stage.mkdir()
        create_pyramids(job)
        journal.add(_CREATED, 0, None)
        journal.flush()
    settings = plan.settings
    with Team(settings.workers, settings.scheduler) as team:
        steps = Steps(
            job,
            settings.smallest_fragment,
            settings.dust,
            journal,
            team,
            _heeding(watcher),
        )
        graph = steps.make_graph()
        segments = steps.write_segments(graph, plan.threshold)
    own = Result(work.result).affinities
    return _said(plan) | {
        "affinities": f"{own.name}/{NEAR}" if plan.fit else plan.affinities,
        "affinities_voxel_size_nm": list(grid.voxel_size),
        "background_voxels": int(np.prod(shape) - graph.voxels.sum()),
        "edges": len(graph.u),
        "fragments": len(graph.voxels) - 1,
        "resampled": job.is_resampled,
        "segments": segments,
        "threshold": plan.threshold,
    }


def _affinities(
    plan: Plan, work: Work, journal: Journal, watcher: Watcher
) -> tuple[str, Grid, Zyx]:
    """Return where the affinities are, and their grid; those of a model are made first."""
    if plan.fit is None:
        return plan.affinities, plan.image.grid, plan.image.shape
    from napari_axonem.networks.files import load_model
    from napari_axonem.segmentation.inference.prediction import predict_affinities
    from napari_axonem.segmentation.inference.settings import InferenceSettings

    path = Result(work.result).affinities
    if not journal.done(_PREDICTED):
        _keep(journal)
        if path.exists():  # killed between its last step and our next line
            made = AffinityVolume.open(path)
        else:
            model = load_model(plan.fit.entry.path)
            settings = InferenceSettings(**plan.settings.model_dump(include=_COMMON))
            made = predict_affinities(plan.image, model, path, settings, watcher)
        if not made.complete:
            raise _StopError
        journal.add(_PREDICTED, 0, None)
        journal.flush()
    store = AffinityVolume.open(path)
    return store.location, store.grid, store.shape


def _heeding(watcher: Watcher) -> Progress:
    """Return a progress that passes on to a watcher, and does what it wishes."""

    def progress(done: int, total: int, doing: str) -> None:
        watcher.progress(done, total, doing)
        if wish_after_pause(watcher) is Wish.STOP:
            raise _StopError

    return progress
