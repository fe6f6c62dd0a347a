"""The verb that says something of an object: done, locked, to be discussed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from napari_axonem.cli.editing import ProjectSettings
from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.errors import EditError
from napari_axonem.progress import Progress
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.states import Coverage, ObjectState
from napari_axonem.settings import Point, Positional
from napari_axonem.wording import count_words


class MarkSettings(ProjectSettings):
    """What `mark` takes."""

    point: Annotated[Point, Positional("Z,Y,X")] = Field(
        description="a position in nm in the object"
    )
    state: ObjectState | None = Field(
        None,
        description="done (until it changes), locked (done, and no edit may touch it), discuss "
        "or none; without it the state stays",
    )
    note: str | None = Field(None, description="a note in the place of those there; '' for none")


def mark(settings: MarkSettings, _: Progress) -> Outcome:
    """Say something of an object."""
    if settings.state is None and settings.note is None:
        raise EditError("nothing is said", where="mark", remedy="pass --state, --note or both")
    with Project(settings.project) as project:
        fragment = project.pick(settings.point).fragment
        segment = int(project.segment[fragment])
        state = settings.state or project.objects.of(segment).state
        said = project.objects.say(fragment, state, settings.note)
        coverage = project.objects.coverage()
    data = {
        "segment": segment,
        "state": str(said.state),
        "note": said.note,
        "user": said.user,
        "time": said.time,
        "finished": coverage_data(coverage),
    }
    note = f", {said.note!r}" if said.note else ""
    return Outcome(data, f"object {segment}: {said.state}{note}; {coverage_text(coverage)}")


def coverage_data(coverage: Coverage) -> dict[str, Any]:
    """Return how much is finished as plain values."""
    return {
        "objects": coverage.finished_objects,
        "of_objects": coverage.objects,
        "voxels": coverage.finished_voxels,
        "of_voxels": coverage.voxels,
        "run_nm": coverage.finished_run_nm,
        "of_run_nm": coverage.run_nm,
    }


def coverage_text(coverage: Coverage) -> str:
    """Return how much is finished as a line."""
    _, voxels, run = coverage.shares()
    text = (
        f"{coverage.finished_objects} of {count_words(coverage.objects, 'object')} finished, "
        f"{voxels:.1%} of their voxels"
    )
    return text if run is None else f"{text}, {run:.1%} of the run length"


VERBS: tuple[AnyVerb, ...] = (
    Verb("mark", "say that an object is done, locked or to be discussed", MarkSettings, mark),
)
