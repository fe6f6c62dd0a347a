"""Verbs for the AxonEM release: look at its training blocks, make a challenge submission."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.errors import SettingsError
from napari_axonem.progress import Progress
from napari_axonem.proofreading.exporting import corrected_volume
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.settings import ZYX_NM, Point, Positional, Settings, VoxelSize
from napari_axonem.volumes import Volume
from napari_axonem.volumes.axonem import VolumeKey, check_release, volume_named
from napari_axonem.volumes.axonem.challenge_grid import Reduction
from napari_axonem.volumes.axonem.checking import BlockReport, ReleaseReport
from napari_axonem.volumes.axonem.download import fetch_block
from napari_axonem.volumes.axonem.members import members
from napari_axonem.volumes.axonem.pairing import pair_up
from napari_axonem.volumes.axonem.release import block_name
from napari_axonem.volumes.axonem.submission import Entry, Submission, Submitted, write_submission
from napari_axonem.volumes.axonem.submission_check import (
    FileReport,
    SubmissionReport,
    check_submission,
    is_submission,
)
from napari_axonem.wording import count_words

KEYS: tuple[VolumeKey, ...] = ("human", "mouse")

UNSOUND = 1
"""Exit status where a block or a file is not as it should be."""

SHOWN_FILES = 20
"""Files passed over that are printed for people; --json gives all."""


class CheckSettings(Settings):
    """What `axonem check` takes."""

    path: Annotated[str, Positional("DIR|ZIP")] = Field(
        description="folder or zip with training blocks of the release, or with a submission"
    )
    volume: VolumeKey | None = Field(
        None, description="of which volume blocks are, where neither names nor offsets tell"
    )


class SubmitSettings(Settings):
    """What `axonem submit` takes."""

    destination: Annotated[str, Positional("DST")] = Field(
        description="folder to write the two files to, or a new file NAME.zip"
    )
    human: str | None = Field(None, description="label volume, or project, of the human volume")
    mouse: str | None = Field(None, description="label volume, or project, of the mouse volume")
    human_voxel_size: VoxelSize | None = Field(
        None, description="its voxel edges, where it does not say", json_schema_extra=dict(ZYX_NM)
    )
    mouse_voxel_size: VoxelSize | None = Field(
        None, description="its voxel edges, where it does not say", json_schema_extra=dict(ZYX_NM)
    )
    human_origin: Point | None = Field(
        None, description="where it lies in the human volume", json_schema_extra=dict(ZYX_NM)
    )
    mouse_origin: Point | None = Field(
        None, description="where it lies in the mouse volume", json_schema_extra=dict(ZYX_NM)
    )
    reduce: Reduction = Field(
        "majority", description="how voxels become larger: most frequent id, or the first one's"
    )
    overwrite: bool = Field(False, description="replace what is there")


class FetchSettings(Settings):
    """What `axonem fetch` takes."""

    volume: Annotated[VolumeKey, Positional("VOLUME")] = Field(description="human or mouse")
    block: Annotated[str, Positional("BLOCK")] = Field(
        description="its offset, as in 475-1792-1792"
    )


def check(settings: CheckSettings, progress: Progress) -> Outcome:
    """Check training blocks, or a submission."""
    root = Path(settings.path)
    files = members(root)
    if is_submission(files) and not pair_up(files).pairs:
        volumes = tuple(volume_named(key) for key in KEYS)
        return _submission_outcome(check_submission(root, progress, volumes))
    return _release_outcome(check_release(root, settings.volume, progress))


def submit(settings: SubmitSettings, progress: Progress) -> Outcome:
    """Write a submission."""
    entries = []
    for key in KEYS:
        location = getattr(settings, key)
        given = {n: getattr(settings, f"{key}_{n}") for n in ("voxel_size", "origin")}
        if location is not None:
            corrected = _corrected(location)
            entries.append(Entry(volume_named(key), location, **given, opened=corrected))
        elif any(value is not None for value in given.values()):
            raise SettingsError(f"its place is given, but no --{key}", where=f"--{key}")
    destination = Path(settings.destination)
    made = write_submission(
        entries, destination, settings.reduce, progress, overwrite=settings.overwrite
    )
    return _submit_outcome(made)


def _corrected(location: str) -> Volume | None:
    """Return the corrected segmentation where a project is named, None where there is none."""
    if not Folder(Path(location)).database.is_file():
        return None
    with Project(location, writable=False) as project:
        return corrected_volume(project)


def fetch(settings: FetchSettings, progress: Progress) -> Outcome:
    """Fetch a training block."""
    volume = volume_named(settings.volume)
    offsets = {block_name(offset): offset for offset in volume.offsets}
    if settings.block not in offsets:
        raise SettingsError(
            f"no block {settings.block!r} of the {volume.key} volume",
            where="BLOCK",
            remedy=f"name one of {', '.join(offsets)}",
        )
    folder = fetch_block(volume, offsets[settings.block], progress)
    files = sorted(str(path) for path in folder.iterdir())
    return Outcome({"folder": str(folder), "files": files}, "\n".join(files))


def _release_outcome(report: ReleaseReport) -> Outcome:
    data = {
        "kind": "training blocks",
        "root": str(report.root),
        "sound": report.is_sound,
        "blocks": [_block_data(block) for block in report.blocks],
        "missing": {key: list(names) for key, names in report.missing.items()},
        "passed_over": [dataclasses.asdict(p) for p in report.passed_over],
    }
    bad = sum(bool(block.problems) for block in report.blocks)
    good = len(report.blocks) - bad
    sound = f"{good} sound block{'' if good == 1 else 's'}" + (f", {bad} not" if bad else "")
    lines = [f"{report.root}: {sound}", "", *_block_table(report.blocks)]
    for block in report.blocks:
        told = [f"problem: {p}" for p in block.problems] + block.notes
        lines += [f"{block.volume or 'unknown'} {block.name}: {line}" for line in told]
    for key, names in report.missing.items():
        if names:
            which = "no block" if len(names) == len(volume_named(key).offsets) else ", ".join(names)
            lines.append(f"{key}: {'there is ' if which == 'no block' else 'missing '}{which}")
    lines += _listed(f"passed over {p.where}: {p.why}" for p in report.passed_over)
    return Outcome(data, "\n".join(lines), status=0 if report.is_sound else UNSOUND)


def _block_data(block: BlockReport) -> dict[str, Any]:
    tiles = [{"section": z, "voxels": n} for z, n in block.missing_tiles]
    return dataclasses.asdict(block) | {
        "missing_tiles": tiles,
        "dirt_confirmed": block.dirt_confirmed,
        "sound": not block.problems,
    }


def _block_table(blocks: Sequence[BlockReport]) -> list[str]:
    rows = [
        f"{'volume':8} {'block':14} {'labels':8} {'ids':>7} {'labelled':>12} "
        f"{'missing tiles':>14}  state"
    ]
    for block in blocks:
        state = ["not usable" if block.problems else "sound"]
        state += ["held out by others"] if block.held_out else []
        state += ["in a cell body"] if block.known_ids is not None else []
        rows.append(
            f"{block.volume or 'unknown':8} {block.name:14} {block.labels_dtype or '-':8} "
            f"{_count(block.objects):>7} {_count(block.labelled_voxels):>12} "
            f"{_count(sum(n for _, n in block.missing_tiles)):>14}  {', '.join(state)}"
        )
    return [*rows, ""]


def _submission_outcome(report: SubmissionReport) -> Outcome:
    data = {
        "kind": "submission",
        "root": str(report.root),
        "sound": report.is_sound,
        "files": [dataclasses.asdict(f) | {"sound": not f.problems} for f in report.files],
        "passed_over": list(report.passed_over),
    }
    state = "a sound submission" if report.is_sound else "not a submission that would be taken"
    lines = [f"{report.root}: {state}", *(line for f in report.files for line in _about(f))]
    lines += _listed(f"passed over {name}" for name in report.passed_over)
    return Outcome(data, "\n".join(lines), status=0 if report.is_sound else UNSOUND)


def _about(file: FileReport) -> list[str]:
    seen = [
        f"{file.volume}: {' x '.join(map(str, file.shape))} {file.dtype}, "
        f"{_count(file.objects)} objects, largest id {_count(file.largest_id)}"
    ]
    return (seen if file.shape else []) + [f"{file.volume}: problem: {p}" for p in file.problems]


def _submit_outcome(made: Submission) -> Outcome:
    warnings = [
        f"nothing for the {key} volume: the ranking is the mean over both, so that a submission "
        f"needs {volume_named(key).prediction} as well"
        for key in made.missing
    ]
    data = {
        "destination": str(made.destination),
        "complete": not made.missing,
        "verified": True,
        "files": [_submitted_data(file) for file in made.files],
        "warnings": warnings,
    }
    lines = [f"wrote {made.destination} and read it back"]
    for file in made.files:
        one = file.written
        lines.append(
            f"{one.name}: {count_words(one.objects, 'object')}, largest id {one.largest_id:,}"
        )
        relabelled = [f"relabelled 1 to {one.objects:,}: {one.relabelled}"] * bool(one.relabelled)
        lines += [f"  {note}" for note in (*file.notes, *relabelled)]
    return Outcome(data, "\n".join(lines + [f"warning: {w}" for w in warnings]))


def _submitted_data(file: Submitted) -> dict[str, Any]:
    placed = file.placed
    return dataclasses.asdict(file.written) | {
        "source": file.source,
        "source_voxel_size_nm": list(placed.segmentation.grid.voxel_size),
        "source_shape": list(placed.segmentation.shape),
        "shape": list(placed.shape),
        "voxel_size_nm": list(placed.release.challenge_grid.voxel_size),
        "covered": {"start": list(placed.covered.start), "stop": list(placed.covered.stop)},
        "factor": list(placed.factor),
        "reduce": placed.reduction,
        "notes": list(file.notes),
    }


def _listed(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    rest = len(every) - SHOWN_FILES
    return every[:SHOWN_FILES] + ([f"… and {rest} more; --json lists all"] if rest > 0 else [])


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


VERBS: tuple[AnyVerb, ...] = (
    Verb(
        "axonem check",
        "check training blocks of the release, or a submission",
        CheckSettings,
        check,
    ),
    Verb(
        "axonem fetch",
        "fetch a training block from its public place, and say where it is kept",
        FetchSettings,
        fetch,
    ),
    Verb("axonem submit", "write and verify a challenge submission", SubmitSettings, submit),
)
