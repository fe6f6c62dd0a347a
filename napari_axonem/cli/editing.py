"""Verbs that edit a project, and export it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.evaluation.scores import Voi
from napari_axonem.progress import Progress
from napari_axonem.proofreading.export import export_labels
from napari_axonem.proofreading.operation import Operation
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.splitting import SplitPlan
from napari_axonem.settings import ZYX_NM, Point, Positional, Settings


class ProjectSettings(Settings):
    """What a verb needs that only names a project."""

    project: Annotated[str, Positional()] = Field(description="folder NAME.axonem")


class MergeSettings(ProjectSettings):
    """What a merge takes."""

    points: Annotated[list[Point], Positional("Z,Y,X")] = Field(
        description="a position in nm in each object to join, two or more"
    )


class SplitSettings(ProjectSettings):
    """What a split takes."""

    red: list[Point] = Field(
        description="positions in nm on one side of the cut", json_schema_extra=dict(ZYX_NM)
    )
    blue: list[Point] = Field(
        description="positions in nm on the other side", json_schema_extra=dict(ZYX_NM)
    )
    preview: bool = Field(False, description="say what would come of it, and change nothing")


class ExportSettings(ProjectSettings):
    """What an export takes."""

    destination: Annotated[str, Positional()] = Field(
        description="NAME.zarr (OME-Zarr) or NAME.h5[:DATASET]"
    )
    overwrite: bool = Field(False, description="replace what is there")


def merge(settings: MergeSettings, _: Progress) -> Outcome:
    """Join objects."""
    with Project(settings.project) as project:
        return done(project, project.merge(settings.points))


def split(settings: SplitSettings, _: Progress) -> Outcome:
    """Cut an object in two, or say what would come of it."""
    with Project(settings.project, writable=not settings.preview) as project:
        plan = project.plan_split(settings.red, settings.blue)
        if settings.preview:
            return _previewed(project, plan)
        return done(project, project.split(plan))


def undo(settings: ProjectSettings, _: Progress) -> Outcome:
    """Take the newest edit back."""
    with Project(settings.project) as project:
        return done(project, project.undo())


def redo(settings: ProjectSettings, _: Progress) -> Outcome:
    """Bring the edit undone last again."""
    with Project(settings.project) as project:
        return done(project, project.redo())


def export(settings: ExportSettings, progress: Progress) -> Outcome:
    """Write corrected labels."""
    with Project(settings.project, writable=False) as project:
        export_labels(project, settings.destination, progress, overwrite=settings.overwrite)
        last = project.history.head
    data = {"destination": settings.destination, "operation": last or None}
    return Outcome(data, f"wrote {settings.destination}")


def done(project: Project, operation: Operation) -> Outcome:
    """Return what is said of an operation that is on disk."""
    data: dict[str, Any] = {
        "operation": operation.id,
        "kind": str(operation.kind),
        "target": operation.target or None,
        "segments_before": list(operation.segments_before),
        "segments_after": list(operation.segments_after),
        "voi": voi_data(project.voi()),
    }
    before, after = (
        ", ".join(map(str, ids)) for ids in (operation.segments_before, operation.segments_after)
    )
    text = f"operation {operation.id}: {operation.kind}, objects {before} -> {after}"
    return Outcome(data, f"{text}{voi_text(project.voi())}")


def voi_data(voi: Voi | None) -> dict[str, float] | None:
    """Return a score as plain values."""
    if voi is None:
        return None
    return {"split": voi.split, "merge": voi.merge, "total": voi.total}


def voi_text(voi: Voi | None) -> str:
    """Return a score as the end of a line; empty without truth."""
    if voi is None:
        return ""
    return f"; VOI {voi.total:.4f} = split {voi.split:.4f} + merge {voi.merge:.4f} bits"


def _previewed(project: Project, plan: SplitPlan) -> Outcome:
    voxels = project.sources
    data = {
        "segment": plan.segment,
        "red_fragments": [int(f) for f in plan.red],
        "blue_fragments": [int(f) for f in plan.blue],
        "edges_cut": int((plan.states[:, 2] == 0).sum()),
        "fragments_cut": [r.parent for r in plan.refinements],
        "voi": voi_data(project.voi_after(plan)),
        "voxel_size_nm": list(voxels.grid.voxel_size),
    }
    text = (
        f"object {plan.segment} would become {len(plan.red)} and {len(plan.blue)} fragments, "
        f"{data['edges_cut']} edges and {len(plan.refinements)} fragments cut"
    )
    return Outcome(data, f"{text}{voi_text(project.voi_after(plan))}")


VERBS: tuple[AnyVerb, ...] = (
    Verb("merge", "join objects", MergeSettings, merge),
    Verb("split", "cut an object between points of two colours", SplitSettings, split),
    Verb("undo", "take the newest edit back", ProjectSettings, undo),
    Verb("redo", "bring the edit undone last again", ProjectSettings, redo),
    Verb("export", "write corrected labels", ExportSettings, export),
)
