"""The verb that exports a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_axonem.blockwise import Team
from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.errors import SettingsError
from napari_axonem.progress import Progress
from napari_axonem.proofreading.exporting import export_labels
from napari_axonem.proofreading.exporting.crops import export_crops
from napari_axonem.proofreading.exporting.settings import ExportSettings
from napari_axonem.proofreading.exporting.shapes import Wanted, export_meshes, export_skeletons
from napari_axonem.proofreading.exporting.tables import export_points, export_table, sha256
from napari_axonem.proofreading.project import Project
from napari_axonem.wording import count_words

SHAPES = {"meshes": ("mesh", "meshes"), "skeletons": ("skeleton", "skeletons")}
"""Flags that write shapes of objects; one, and several."""


def export(settings: ExportSettings, progress: Progress) -> Outcome:
    """Write what is asked for of a project."""
    asked = ("destination", "table", "points", "meshes", "skeletons", "crops")
    if not any(getattr(settings, name) for name in asked):
        raise SettingsError(
            "nothing to export is named", where="DST", remedy="name a file for the labels, or a "
            "flag such as --table"
        )  # fmt: skip
    with Project(settings.project, writable=False) as project:
        data: dict[str, Any] = {"operation": project.history.head or None}
        lines: list[str] = []
        if settings.destination:
            _labels(project, settings, progress, data, lines)
        _tables(project, settings, data, lines)
        _shapes(project, settings, progress, data, lines)
        if settings.crops:
            _crops(project, settings, progress, data, lines)
    return Outcome(data, "\n".join(lines))


def _labels(
    project: Project,
    settings: ExportSettings,
    progress: Progress,
    data: dict[str, Any],
    lines: list[str],
) -> None:
    made = export_labels(
        project,
        settings.destination,
        progress,
        level=settings.level,
        box_nm=settings.box,
        objects=tuple(sorted(set(settings.objects))),
        format=settings.format,
        overwrite=settings.overwrite,
        workers=settings.workers,
        scheduler=settings.scheduler,
    )
    data |= {
        "destination": settings.destination,
        "format": made.format,
        "shape": list(made.shape),
        "dtype": str(made.dtype),
        "voxel_size_nm": list(made.grid.voxel_size),
        "origin_nm": list(made.grid.origin),
        "checksum": made.checksum,
        "blocks": made.blocks,
        "resumed_blocks": made.resumed,
    }
    shape = " x ".join(map(str, made.shape))
    lines.append(f"wrote {settings.destination}: {made.format}, {shape} {made.dtype}")
    lines.append(f"read back and compared: equal, checksum {made.checksum[:16]}")


def _tables(
    project: Project, settings: ExportSettings, data: dict[str, Any], lines: list[str]
) -> None:
    for name, write in (("table", export_table), ("points", export_points)):
        path = getattr(settings, name)
        if path:
            digest = write(project, path, overwrite=settings.overwrite)
            data[name] = {"file": path, "sha256": digest}
            lines.append(f"wrote {path}: sha256 {digest[:16]}")


def _shapes(
    project: Project,
    settings: ExportSettings,
    progress: Progress,
    data: dict[str, Any],
    lines: list[str],
) -> None:
    wanted = Wanted(tuple(sorted(set(settings.objects))), settings.level, settings.box)
    with Team(settings.workers, settings.scheduler) as team:
        for name in SHAPES:
            to = getattr(settings, name)
            if not to:
                continue
            if name == "meshes":
                count = export_meshes(
                    project,
                    to,
                    wanted,
                    progress,
                    format=settings.mesh_format,
                    most_error=settings.mesh_error,
                    overwrite=settings.overwrite,
                    team=team,
                )
            else:
                count = export_skeletons(
                    project,
                    to,
                    wanted,
                    progress,
                    preset=settings.preset,
                    overwrite=settings.overwrite,
                    team=team,
                )
            digest = sha256(Path(to))
            data[name] = {"destination": to, "objects": count, "sha256": digest}
            made = count_words(count, *SHAPES[name])
            lines.append(f"wrote {to}: {made}, sha256 {digest[:16]}")


def _crops(
    project: Project,
    settings: ExportSettings,
    progress: Progress,
    data: dict[str, Any],
    lines: list[str],
) -> None:
    made = export_crops(
        project,
        settings.crops,
        progress,
        box_nm=settings.box,
        finished=tuple(sorted({*settings.checked, *project.objects.finished()})),
        around_nm=settings.around,
        overwrite=settings.overwrite,
        workers=settings.workers,
        scheduler=settings.scheduler,
    )
    data["crops"] = [
        {
            "location": crop.location,
            "start": list(crop.box.start),
            "stop": list(crop.box.stop),
            "checksums": crop.checksums,
        }
        for crop in made
    ]
    crops = count_words(len(made), "crop")
    lines.append(f"wrote {settings.crops}: {crops}, each to be named to train --volumes")


VERBS: tuple[AnyVerb, ...] = (
    Verb(
        "export",
        "write corrected labels, tables, meshes, skeletons or training crops",
        ExportSettings,
        export,
    ),
)
