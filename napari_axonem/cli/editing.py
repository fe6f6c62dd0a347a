"""Verbs that edit a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.errors import SettingsError
from napari_axonem.evaluation.scores import Voi
from napari_axonem.progress import Progress
from napari_axonem.proofreading.plans.painting import Brush
from napari_axonem.proofreading.plans.splitting import SplitPlan
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.glance import marked
from napari_axonem.proofreading.record.operation import Colour, Kind, Operation
from napari_axonem.settings import ZYX_NM, Point, Positional, Settings
from napari_axonem.wording import count_words

MOST_SHOWN = 20
"""Objects that a line of text names; all of them are in the JSON."""


class ProjectSettings(Settings):
    """What a verb needs that only names a project."""

    project: Annotated[str, Positional()] = Field(description="folder NAME.axonem")


class MergeSettings(ProjectSettings):
    """What a merge takes."""

    points: Annotated[list[Point], Positional("Z,Y,X")] = Field(
        description="a position in nm in each object to join, two or more"
    )
    reach: float = Field(
        0.0,
        ge=0,
        description="with a single point: join it to the nearest other object, at most so many nm "
        "away, across a gap too",
        json_schema_extra={"metavar": "NM"},
    )


def _another_side() -> Any:  # noqa: ANN401 - stands in for a field of any type
    return Field([], description="positions on one more side", json_schema_extra=dict(ZYX_NM))


class SplitSettings(ProjectSettings):
    """What a split takes: positions on each side."""

    red: list[Point] = Field(
        description="positions in nm on one side of the cut", json_schema_extra=dict(ZYX_NM)
    )
    blue: list[Point] = Field(
        description="positions in nm on the other side", json_schema_extra=dict(ZYX_NM)
    )
    yellow: list[Point] = _another_side()
    green: list[Point] = _another_side()
    purple: list[Point] = _another_side()
    orange: list[Point] = _another_side()
    cyan: list[Point] = _another_side()
    pink: list[Point] = _another_side()
    brown: list[Point] = _another_side()
    preview: bool = Field(False, description="say what would come of it, and change nothing")

    @property
    def sides(self) -> list[list[Point]]:
        """The positions of each colour, in the order of `Colour`."""
        return [getattr(self, colour) for colour in Colour]


class PointsSettings(ProjectSettings):
    """What an edit takes that is done at some positions."""

    points: Annotated[list[Point], Positional("Z,Y,X")] = Field(
        description="positions in nm, one or more"
    )


class CutOffSettings(ProjectSettings):
    """What cutting off a branch takes."""

    point: Annotated[Point, Positional("Z,Y,X")] = Field(
        description="a position in nm at which the branch begins"
    )
    preview: bool = Field(False, description="say what would come of it, and change nothing")


class EraseSettings(ProjectSettings):
    """What erasing takes."""

    points: Annotated[list[Point], Positional("Z,Y,X")] = Field(
        description="positions in nm of the brush, one or more"
    )
    radius: float = Field(
        gt=0, description="radius of the brush", json_schema_extra={"metavar": "NM"}
    )
    object: Point | None = Field(
        None, description="a position in nm in the object", json_schema_extra=dict(ZYX_NM)
    )


class PaintSettings(EraseSettings):
    """What painting takes."""

    over: bool = Field(False, description="paint over other objects, too")


class GoSettings(ProjectSettings):
    """What going back takes."""

    to: str = Field(
        description="id of an operation after which the project was as it shall be, 0 for the "
        "beginning, or name of a mark"
    )


class MarkSettings(ProjectSettings):
    """What a mark takes."""

    name: Annotated[str, Positional()] = Field(description="what to call this place in the log")


def merge(settings: MergeSettings, _: Progress) -> Outcome:
    """Join objects."""
    with Project(settings.project) as project:
        return done(project, project.merge(settings.points, settings.reach))


def split(settings: SplitSettings, _: Progress) -> Outcome:
    """Cut an object between points, or say what would come of it."""
    with Project(settings.project, writable=not settings.preview) as project:
        plan = project.plan_split(*settings.sides)
        if settings.preview:
            return _previewed(project, plan)
        return done(project, project.split(plan))


def cut_off(settings: CutOffSettings, _: Progress) -> Outcome:
    """Cut off a branch, or say what would come of it."""
    with Project(settings.project, writable=not settings.preview) as project:
        plan = project.plan_cut_off(settings.point)
        if settings.preview:
            return _previewed(project, plan)
        return done(project, project.split(plan, Kind.CUT_OFF))


def isolate(settings: PointsSettings, _: Progress) -> Outcome:
    """Cut fragments off from everything else."""
    with Project(settings.project) as project:
        return done(project, project.isolate(settings.points))


def new_object(settings: PointsSettings, _: Progress) -> Outcome:
    """Make one object of some fragments."""
    with Project(settings.project) as project:
        return done(project, project.new_object(settings.points))


def delete(settings: PointsSettings, _: Progress) -> Outcome:
    """Make background of objects."""
    with Project(settings.project) as project:
        project.require_objects(settings.points)
        return done(project, project.delete(settings.points))


def paint(settings: PaintSettings, _: Progress) -> Outcome:
    """Make voxels part of an object."""
    if settings.object is None:
        raise SettingsError(
            "no object to paint with", where="--object", remedy="give a position in it"
        )
    with Project(settings.project) as project:
        brush = Brush(tuple(settings.points), settings.radius)
        return done(project, project.paint(settings.object, brush, over=settings.over))


def erase(settings: EraseSettings, _: Progress) -> Outcome:
    """Make background of voxels."""
    with Project(settings.project) as project:
        if settings.object is not None:
            project.require_objects([settings.object])
        brush = Brush(tuple(settings.points), settings.radius)
        return done(project, project.erase(brush, settings.object))


def go(settings: GoSettings, _: Progress) -> Outcome:
    """Go back to what the project was, or forth."""
    with Project(settings.project) as project:
        place = int(settings.to) if settings.to.isdecimal() else settings.to
        return done(project, project.go_to(place))


def mark(settings: MarkSettings, _: Progress) -> Outcome:
    """Name a place in the log; a name that was given before leads here from now on."""
    with Project(settings.project) as project:
        before = marked(project.log, settings.name.strip())
        named = project.mark(settings.name)
        said = done(project, named)
    moved = f"\n{named.name!r} is here now, and no longer at operation {before}"
    data = {**said.data, "name": named.name, "moved_from": before}
    return Outcome(data, said.text if before is None else said.text + moved)


def undo(settings: ProjectSettings, _: Progress) -> Outcome:
    """Take the newest edit back."""
    with Project(settings.project) as project:
        return done(project, project.undo())


def redo(settings: ProjectSettings, _: Progress) -> Outcome:
    """Bring the edit undone last again."""
    with Project(settings.project) as project:
        return done(project, project.redo())


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
    before, after = (_ids(ids) for ids in (operation.segments_before, operation.segments_after))
    text = f"operation {operation.id}: {operation.kind}"
    if before or after:
        text += f", objects {before} -> {after or 'background'}"
    return Outcome(data, f"{text}{voi_text(project.voi())}")


def _ids(segments: Sequence[int]) -> str:
    shown = ", ".join(map(str, segments[:MOST_SHOWN]))
    return shown + (f" and {len(segments) - MOST_SHOWN} more" if segments[MOST_SHOWN:] else "")


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
    edges = int((plan.states[:, 2] == 0).sum())
    data = {
        "segment": plan.segment,
        **{f"{colour}_fragments": side.tolist() for colour, side in plan.sides.items()},
        "edges_cut": edges,
        "fragments_cut": [r.parent for r in plan.refinements],
        "voi": voi_data(project.voi_after(plan)),
        "voxel_size_nm": list(project.sources.grid.voxel_size),
    }
    counts = " and ".join(str(len(side)) for side in plan.sides.values())
    text = (
        f"object {plan.segment} would become {counts} fragments, "
        f"{count_words(edges, 'edge')} and {count_words(len(plan.refinements), 'fragment')} cut"
    )
    return Outcome(data, f"{text}{voi_text(project.voi_after(plan))}")


VERBS: tuple[AnyVerb, ...] = (
    Verb("merge", "join objects", MergeSettings, merge),
    Verb("split", "cut an object between points of two colours or more", SplitSettings, split),
    Verb("cut-off", "cut off what hangs on an object beyond a point", CutOffSettings, cut_off),
    Verb("isolate", "cut fragments off from everything else", PointsSettings, isolate),
    Verb("new-object", "make one object of the fragments at points", PointsSettings, new_object),
    Verb("delete", "make background of objects, until undo", PointsSettings, delete),
    Verb("paint", "make voxels under a brush part of an object", PaintSettings, paint),
    Verb("erase", "make background of voxels under a brush", EraseSettings, erase),
    Verb("undo", "take the newest edit back", ProjectSettings, undo),
    Verb("redo", "bring the edit undone last again", ProjectSettings, redo),
    Verb("go", "go back to what the project was after an operation, or forth", GoSettings, go),
    Verb("bookmark", "name this place in the log, for 'go'", MarkSettings, mark),
)
