"""Verbs that look at volumes and segmentations, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from napari_axonem.cli.known import (
    ErrorFilters,
    Known,
    errors_of_project,
    errors_of_volumes,
    mistake_data,
    suggested_within,
    tiny_text,
)
from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.errors import SettingsError
from napari_axonem.evaluation.suggestions import Suggestion, suggest
from napari_axonem.progress import Progress
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.folder import SUFFIX
from napari_axonem.proofreading.suggested import Suggested, suggest_for
from napari_axonem.settings import ZYX_NM, Positional, Settings, VoxelSize, flag_of
from napari_axonem.volumes import densified, describe, open_affinities, open_volume
from napari_axonem.wording import count_words, number_words

SHOWN_ERRORS = 20
"""Rows of the list of errors that are printed for people; --json gives all."""


class InfoSettings(Settings):
    """What `info` takes."""

    volume: Annotated[str, Positional()] = Field(
        description="file.h5:dataset, store.zarr/path or file.tif"
    )


class ErrorsSettings(ErrorFilters):
    """What `errors` takes."""

    segmentation: Annotated[str, Positional("SEG|PROJECT")] = Field(
        description="label volume, or a project"
    )
    truth: str | None = Field(
        None,
        description="label volume with the ground truth; not for a project. Without it, likely "
        "errors are suggested",
    )
    image: str | None = Field(
        None, description="the image, for suggestions; not for a project, which knows its own"
    )
    affinities: str | None = Field(
        None,
        description="affinities (3, z, y, x), for suggestions; not for a project, which knows "
        "its own",
    )
    voxel_size: VoxelSize | None = Field(
        None,
        description="voxel edges in nm, where the files do not say",
        json_schema_extra=dict(ZYX_NM),
    )
    suggestions: bool = Field(
        False, description="suggest likely errors also where a project has ground truth"
    )
    keep: bool = Field(
        False, description="keep the suggestions in the project, where the window lists them"
    )


def info(settings: InfoSettings, _: Progress) -> Outcome:
    """Describe a volume without reading a voxel."""
    found = describe(settings.volume)
    data = {
        "location": found.location,
        "format": found.format,
        "reason": found.reason,
        "shape": list(found.shape),
        "dtype": str(found.dtype),
        "voxel_size_nm": None if found.voxel_size is None else list(found.voxel_size),
        "origin_nm": None if found.origin is None else list(found.origin),
        "chunks": None if found.chunks is None else list(found.chunks),
        "levels": [{"shape": list(s), "factor": list(f)} for s, f in found.levels],
    }
    lines = {
        "location": found.location,
        "format": f"{found.format} ({found.reason})",
        "shape z,y,x": _triple(found.shape),
        "type": str(found.dtype),
        "voxel size nm": _triple(found.voxel_size) or "not stated: pass --voxel-size Z,Y,X",
        "origin nm": _triple(found.origin) or "not stated",
        "chunks": _triple(found.chunks) or "none",
        "scales": ", ".join(_triple(shape) for shape, _ in found.levels),
    }
    return Outcome(data, "\n".join(f"{name:14} {value}" for name, value in lines.items()))


def errors(settings: ErrorsSettings, progress: Progress) -> Outcome:
    """List false splits and false merges in order of repair; without truth, likely ones."""
    if Path(settings.segmentation).suffix == SUFFIX:
        return _errors_of_project(settings, progress)
    for name in ("suggestions", "keep"):
        if getattr(settings, name):
            raise SettingsError("it is about a project, and this is none", where=f"--{name}")
    fragments, ids = densified(
        open_volume(settings.segmentation, voxel_size=settings.voxel_size), progress
    )
    if settings.truth is None:
        image = settings.image
        seen = None if image is None else open_volume(image, voxel_size=settings.voxel_size)
        affinities = None if settings.affinities is None else open_affinities(settings.affinities)
        found = suggest(fragments, seen, affinities, progress=progress)
        return _suggested(suggested_within(settings, found, fragments.grid), ids.tolist())
    truth, true_ids = densified(
        open_volume(settings.truth, voxel_size=settings.voxel_size), progress
    )
    known = errors_of_volumes(settings, fragments, truth, true_ids, progress)
    return _known(known, ids.tolist(), true_ids.tolist())


def _errors_of_project(settings: ErrorsSettings, progress: Progress) -> Outcome:
    for name in ("truth", "image", "affinities", "voxel_size"):
        if getattr(settings, name) is not None:
            raise SettingsError(
                "it is about a label volume, and this is a project, which knows its own",
                where=flag_of(name),
                remedy="leave it out",
            )
    with Project(settings.segmentation, writable=False) as project:
        ids = list(range(len(project.segment)))
        if project.has_truth and not (settings.suggestions or settings.keep):
            known = errors_of_project(settings, project, progress)
            return _known(known, ids, project.state.truth_ids.tolist())
        found = suggest_for(project, progress)
        if settings.keep:
            Suggested.of(project, found).write(project.folder.root)
        return _suggested(suggested_within(settings, found, project.sources.grid), ids)


def _known(known: Known, segments: list[int], truth: list[int]) -> Outcome:
    data = [mistake_data(known, row, segments, truth) for row in range(len(known.mistakes))]
    return Outcome(data, "\n".join([_errors_text(data), *tiny_text(known.tiny)]))


def _suggested(found: list[Suggestion], segments: list[int]) -> Outcome:
    data = [suggestion_data(suggestion, segments) for suggestion in found]
    return Outcome(data, _suggestions_text(data))


def suggestion_data(suggestion: Suggestion, segments: list[int]) -> dict[str, Any]:
    """Return a suggestion as plain values, ids as they were imported."""
    return {
        "kind": str(suggestion.kind),
        "segments": [segments[s] for s in suggestion.segments],
        "position_nm": list(suggestion.position_nm),
        "score": suggestion.score,
        "reason": suggestion.reason,
        "size_voxels": suggestion.size_voxels,
    }


def _suggestions_text(data: list[dict[str, Any]]) -> str:
    splits = sum(row["kind"] == "false_split" for row in data)
    lines = [
        f"no truth: {count_words(splits, 'likely false split')} and "
        f"{count_words(len(data) - splits, 'likely false merge')} suggested, likeliest first"
    ]
    lines += [
        f"{row['kind'].replace('_', ' '):12} {row['score']:5.2f} {row['size_voxels']:10} voxels  "
        f"{_triple(row['position_nm']):24} {', '.join(map(str, row['segments']))}: {row['reason']}"
        for row in data[:SHOWN_ERRORS]
    ]
    if len(data) > SHOWN_ERRORS:
        lines.append(f"… and {len(data) - SHOWN_ERRORS} more; --json lists all")
    return "\n".join(lines)


def _errors_text(data: list[dict[str, Any]]) -> str:
    splits = sum(row["kind"] == "false_split" for row in data)
    lines = [
        f"{count_words(splits, 'false split')} and "
        f"{count_words(len(data) - splits, 'false merge')}, in order of repair"
    ]
    if data:
        lines.append(
            f"{'kind':12} {'gain VOI':>10} {'gain ERL':>10} {'voxels':>10}  "
            f"{'position z,y,x nm':24} segments"
        )
    lines += [
        f"{row['kind'].replace('_', ' '):12} {row['gain_voi']:10.5f} "
        f"{_nm(row['gain_erl_nm']):>10} {row['size_voxels']:10}  {_triple(row['position_nm']):24} "
        f"{', '.join(map(str, row['segments']))}"
        for row in data[:SHOWN_ERRORS]
    ]
    if len(data) > SHOWN_ERRORS:
        lines.append(f"… and {len(data) - SHOWN_ERRORS} more; --json lists all")
    return "\n".join(lines)


def _nm(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _triple(values: Any) -> str:  # noqa: ANN401
    return "" if values is None else number_words(values)


VERBS: tuple[AnyVerb, ...] = (
    Verb("info", "describe a volume without reading it", InfoSettings, info),
    Verb("errors", "list false splits and false merges, worst first", ErrorsSettings, errors),
)
