"""Verbs about projects as a whole: make, describe, check, restore; and the one for phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from napari_axonem.cli.editing import ProjectSettings, voi_data, voi_text
from napari_axonem.cli.marking import coverage_data, coverage_text
from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.progress import Progress
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.backups import require_project
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.record.lock import WriterLock
from napari_axonem.proofreading.restoring import Restored
from napari_axonem.proofreading.restoring import restore as restore_database
from napari_axonem.proofreading.verification import verify_project
from napari_axonem.settings import Positional
from napari_axonem.volumes.phantom import PhantomSettings, write_phantom
from napari_axonem.wording import count_words


class PhantomVerbSettings(PhantomSettings):
    """What `phantom` takes."""

    destination: Annotated[str, Positional()] = Field(description="folder NAME.zarr to write")


class ProjectCreateSettings(CreateSettings):
    """What `project create` takes."""

    project: Annotated[str, Positional()] = Field(description="folder NAME.axonem to make")


def phantom(settings: PhantomVerbSettings, progress: Progress) -> Outcome:
    """Write a synthetic axon volume."""
    made = PhantomSettings(**settings.model_dump(exclude={"destination"}))
    write_phantom(Path(settings.destination), made, progress)
    parts = ["image", "labels/truth", "labels/fragments", "labels/segmentation"]
    data = {"destination": settings.destination, "volumes": parts}
    names = "\n".join(f"  {settings.destination}/{part}" for part in parts)
    return Outcome(data, f"wrote\n{names}")


def create(settings: ProjectCreateSettings, progress: Progress) -> Outcome:
    """Make a project."""
    made = CreateSettings(**settings.model_dump(exclude={"project"}))
    create_project(settings.project, made, progress)
    with Project(settings.project, writable=False) as project:
        return Outcome(*_about(project))


def about(settings: ProjectSettings, _: Progress) -> Outcome:
    """Say what a project holds."""
    with Project(settings.project, writable=False) as project:
        return Outcome(*_about(project))


def log(settings: ProjectSettings, _: Progress) -> Outcome:
    """List the operations of a project."""
    with Project(settings.project, writable=False) as project:
        active = set(project.history.active())
        start = project.voi_at_start
        operations = list(project.operations)
    before = None if start is None else (start.split, start.merge)
    data = []
    for operation in operations:
        undone = operation.is_edit and operation.id not in active
        data.append(operation.as_dict(undone=undone, before=before))
        before = operation.voi or before
    return Outcome(data, "\n".join(map(_line, data)) or "no operation yet")


def restore(settings: ProjectSettings, progress: Progress) -> Outcome:
    """Make the database anew of the newest whole copy and of the changes that came after it."""
    folder = Folder(Path(settings.project))
    require_project(folder)
    lock = WriterLock(folder.root)
    try:
        done = restore_database(folder, progress)
    finally:
        lock.release()
    data = {
        "copy": str(done.copy),
        "operations": done.operations,
        "operations_after_copy": done.operations - done.copied,
        "changes_after_copy": done.changes,
        "out_of_chain": list(done.out_of_chain),
        "unknown_fragments": done.unknown,
        "damaged": None if done.damaged is None else str(done.damaged),
    }
    lines = [_restored_text(done, folder)]
    if done.out_of_chain:
        lines.append(
            f"operation {done.out_of_chain[0]} or the one before it is not what was written, in "
            "any copy"
        )
    if done.unknown:
        lines.append(
            f"cuts are missing: the voxels have {count_words(done.unknown, 'fragment')} that no "
            "copy knows; the project cannot be edited. Put back a project.db of your own that is "
            "newer"
        )
    return Outcome(data, "\n".join(lines), status=1 if len(lines) > 1 else 0)


def _restored_text(done: Restored, folder: Folder) -> str:
    """Return what a database was made of and what became of the old one, as a line."""
    source = f"all from the copy {done.copy.name}, after which nothing was recorded"
    if done.changes:
        source = (
            f"{done.copied} from the copy {done.copy.name} and {done.operations - done.copied} "
            f"from the {count_words(done.changes, 'change')} recorded after it"
        )
    old = "" if done.damaged is None else f"; the old file is kept as {done.damaged.name}"
    return (
        f"{folder.database} was made anew with {count_words(done.operations, 'operation')}, "
        f"{source}{old}"
    )


def _line(row: dict[str, Any]) -> str:
    change = row["change_voi"]
    parts = (
        f"{row['id']:6} {row['time']} {row['user']:10} {row['kind']:10}",
        " (undone)" if row["undone"] else "",
        f" of {row['target']}" if row["target"] else "",
        f" {row['name']}" if row["name"] else "",
        f" at {row['threshold']:g}" if row["threshold"] is not None else "",
        f" VOI {change['total']:+.4f}" if change else "",
    )
    return "".join(parts)


def verify(settings: ProjectSettings, progress: Progress) -> Outcome:
    """Compute everything anew from voxels and log, and compare."""
    with Project(settings.project, writable=False) as project:
        differences = verify_project(project, progress)
    text = "\n".join(differences) or "log, tables and voxels agree"
    return Outcome({"differences": differences}, text, status=1 if differences else 0)


def _about(project: Project) -> tuple[dict[str, object], str]:
    sources, segment = project.sources, project.segment
    objects = len(np.unique(segment[segment > 0]))
    voi = project.voi()
    finished = project.objects.coverage()
    data = {
        "project": str(project.folder.root),
        "shape": list(sources.fragments.shape),
        "voxel_size_nm": list(sources.grid.voxel_size),
        "fragments": project.graph.n_fragments,
        "segments": objects,
        "truth": len(project.state.truth_ids) - 1 if project.has_truth else None,
        "operations": len(project.operations),
        "finished": coverage_data(finished),
        "voi": voi_data(voi),
        "erl_nm": project.erl(),
    }
    shape = " x ".join(map(str, sources.fragments.shape))
    size = " x ".join(f"{s:g}" for s in sources.grid.voxel_size)
    text = (
        f"{project.folder.root}: {shape} voxels of {size} nm, "
        f"{count_words(project.graph.n_fragments, 'fragment')} in "
        f"{count_words(objects, 'segment')}, "
        f"{count_words(len(project.operations), 'operation')}{voi_text(voi)}"
        f"\n{coverage_text(finished)}"
    )
    return data, text


VERBS: tuple[AnyVerb, ...] = (
    Verb("phantom", "write a synthetic axon volume with its truth", PhantomVerbSettings, phantom),
    Verb(
        "project create", "make a project from labels", ProjectCreateSettings, create, goes_on=True
    ),
    Verb("project info", "say what a project holds", ProjectSettings, about),
    Verb("project log", "list the operations", ProjectSettings, log),
    Verb(
        "project restore",
        "make a damaged database anew of its copies and what came after them",
        ProjectSettings,
        restore,
    ),
    Verb(
        "project verify", "check log, tables and voxels against each other", ProjectSettings, verify
    ),
)
