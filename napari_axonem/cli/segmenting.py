"""Verbs that segment: affinities, fragments and segments, and another threshold over them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from napari_axonem.cli.editing import done as edited
from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, LongVerb, Verb
from napari_axonem.errors import ProjectError
from napari_axonem.jobs import segmenting
from napari_axonem.jobs.running import heeding
from napari_axonem.networks.registry import list_models
from napari_axonem.progress import Progress
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.folder import SUFFIX as PROJECT
from napari_axonem.segmentation.planning import Plan, plan_of
from napari_axonem.segmentation.result import SUFFIX, Result
from napari_axonem.segmentation.segmenting import segment as segment_volume
from napari_axonem.segmentation.settings import SegmentSettings
from napari_axonem.settings import Positional, Settings
from napari_axonem.watching import Watcher
from napari_axonem.wording import count_words


class AgglomerateSettings(Settings):
    """What `agglomerate` takes."""

    project: Annotated[str, Positional()] = Field(
        description=f"folder NAME{PROJECT}, or NAME{SUFFIX}"
    )
    threshold: float = Field(
        ge=0,
        le=1,
        description="join fragments whose mean affinity, or score in the merge tree "
        "of an agglomeration, is at least this",
    )


def segment(settings: SegmentSettings, watcher: Watcher) -> Outcome:
    """Segment a volume, or list the models."""
    if settings.list_models:
        return _models()
    destination = Path(settings.destination)
    is_project = destination.suffix == PROJECT
    if is_project and destination.exists():
        raise ProjectError("it exists already", where=destination, remedy="choose another name")
    folder = destination.with_suffix(SUFFIX) if is_project else destination
    plan = plan_of(settings, folder)
    data = _segmented(plan, watcher, reuse=is_project)
    if data is None:
        text = f"{plan.destination}: stopped; the same command goes on"
        return Outcome({"destination": str(plan.destination)}, text, stopped=True)
    lines = [str(data.pop("text"))]
    if is_project:
        lines += _made_project(plan, destination, data, heeding(watcher))
    return Outcome(data, "\n".join(lines))


def _segmented(plan: Plan, watcher: Watcher, *, reuse: bool) -> dict[str, Any] | None:
    """Return what came of it; None where it was wished to stop."""
    result = Result(plan.destination)
    resumed = reuse and result.said.is_file() and result.read_said()["about"] == plan.about
    if resumed:  # cut off while its project was being made
        said = result.read_said()
        if said.get("threshold", plan.threshold) != plan.threshold:  # it was cut at another since
            result.cut(plan.threshold, heeding(watcher))
            said = result.read_said()
    else:
        made = segment_volume(plan.settings, plan.destination, watcher)
        if not made.complete:
            return None
        said, resumed = made.said, made.resumed
    text = f"{plan.destination}: {count_words(said['segments'], 'segment')}"
    if plan.settings.method == "agglomeration":
        text += (
            f" of {count_words(said['fragments'], 'fragment')} with "
            f"{count_words(said['edges'], 'contact')} at threshold {said['threshold']:g}"
        )
    facts = {name: value for name, value in said.items() if name != "about"}
    return {**facts, "destination": str(plan.destination), "resumed": resumed, "text": text}


def _made_project(
    plan: Plan, destination: Path, data: dict[str, Any], progress: Progress
) -> list[str]:
    """Make a project of what was segmented; return what to say of it."""
    settings, result = plan.settings, Result(plan.destination)
    roles: dict[str, Any] = {
        "image": settings.volume,
        "truth": settings.truth,
        "workers": settings.workers,
        "scheduler": settings.scheduler,
        "voxel_size": settings.voxel_size,
    }
    if settings.method == "flooding":
        roles["segmentation"] = str(result.segmentation)
    else:
        roles |= {"fragments": str(result.fragments), "scores": str(result.graph)}
        if data["resampled"]:  # a contact of the affinities may be none of the image, and be off
            roles["segmentation"] = str(result.segmentation)
        else:
            given = data["affinities"]
            near = given if "://" in given else str(result.folder / given)  # absolute stays so
            roles |= {"affinities": near, "threshold": data["threshold"]}
    create_project(destination, CreateSettings(**roles), progress)
    data["project"] = str(destination)
    return [f"{destination}: a project to proofread"]


def _models() -> Outcome:
    entries, problems = list_models()
    data = [
        {
            "name": entry.card.name,
            "path": str(entry.path),
            "architecture": entry.card.architecture,
            "voxel_size_nm": list(entry.card.voxel_size),
            "threshold": entry.card.threshold,
            "description": entry.card.description,
            "shipped": entry.shipped,
        }
        for entry in entries
    ]
    lines = [
        f"{row['name']}: {row['architecture']}, "
        f"{' x '.join(f'{s:g}' for s in entry.card.voxel_size)} nm; {row['description']}"
        for row, entry in zip(data, entries, strict=True)
    ]
    lines += [str(problem) for problem in problems]
    return Outcome(data, "\n".join(lines) or "no model")


def agglomerate(settings: AgglomerateSettings, progress: Progress) -> Outcome:
    """Cut at another threshold."""
    folder = Path(settings.project)
    if (folder / Result(folder).said.name).is_file():
        count = Result(folder).cut(settings.threshold, progress)
        segments = count_words(count, "segment")
        data = {"destination": str(folder), "threshold": settings.threshold, "segments": count}
        return Outcome(data, f"{folder}: {segments} at threshold {settings.threshold:g}")
    with Project(folder) as project:
        return edited(project, project.set_threshold(settings.threshold))


VERBS: tuple[AnyVerb, ...] = (
    LongVerb(
        "segment",
        "segment a volume: affinities, fragments, segments",
        SegmentSettings,
        segment,
        lambda s, arguments: segmenting(str(s.volume), Path(s.destination), arguments),
        goes_on=True,
    ),
    Verb(
        "agglomerate",
        "join fragments at another threshold, with the edits kept on top",
        AgglomerateSettings,
        agglomerate,
    ),
)
