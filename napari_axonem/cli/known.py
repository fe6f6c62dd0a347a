"""Errors that are known from the truth: what is asked for, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from napari_axonem.errors import SettingsError
from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.erl import Definition
from napari_axonem.evaluation.grouping import Ids, Ints
from napari_axonem.evaluation.mistakes import MIN_VOXELS, Mistake
from napari_axonem.evaluation.skeletons import Skeletons, read_skeletons
from napari_axonem.evaluation.standing import (
    Choice,
    MistakeGroup,
    Rank,
    RunLengths,
    RunSettings,
    Standing,
)
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Box, Grid, zyx
from napari_axonem.progress import Progress
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.tables.followed import FollowedSkeletons
from napari_axonem.settings import Settings
from napari_axonem.volumes import Volume
from napari_axonem.wording import count_words


def _six(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


Corners = Annotated[tuple[float, float, float, float, float, float], BeforeValidator(_six)]


class ErrorFilters(Settings):
    """Which errors are listed, and in which order."""

    skeletons: str | None = Field(
        None, description="with truth: its skeletons, for gains in ERL (a project knows its own)"
    )
    skeleton_unit: Literal["nm", "um", "voxel"] | None = Field(
        None, description="unit of the skeletons, where the file does not say (SWC)"
    )
    merge_threshold: int = Field(0, ge=0, description="nodes on a segment that make it merging")
    definition: Definition = Field("em_erl", description="which edges count as merged")
    rank: Rank = Field(
        "repair",
        description="with truth: order of repair (by gain in VOI and ERL, but cuts come before the "
        "joins that would be spoilt without them), by gain in VOI, or in ERL",
    )
    kind: Literal["false_split", "false_merge"] | None = Field(None, description="only this kind")
    min_voxels: int = Field(
        MIN_VOXELS, ge=0, description="only those whose smaller side has so many voxels"
    )
    box: Corners | None = Field(
        None,
        description="only those with their position in this box, in nm",
        json_schema_extra={"metavar": "Z0,Y0,X0,Z1,Y1,X1"},
    )
    min_length: float = Field(
        0.0, ge=0, description="only those of true objects with a skeleton of so many nm"
    )


@dataclass(frozen=True, slots=True)
class Known:
    """Errors with what repairing each gains."""

    mistakes: list[Mistake]

    gains_nm: list[float] | None
    """Gain in expected run length of each; None without skeletons."""

    tiny: list[MistakeGroup]
    """What is too small to be listed."""


def errors_of_volumes(
    settings: ErrorFilters,
    fragments: Volume,
    truth: Volume,
    truth_ids: Ids,
    progress: Progress,
) -> Known:
    """List the errors of a label volume whose ids are dense.

    Parameters
    ----------
    truth_ids
        The id that each true object has in its file, shape (objects + 1,).
    """
    table = tabulate(fragments, truth, progress=progress)
    segment = np.arange(int(table.cells.fragment.max(initial=0)) + 1, dtype=np.uint32)
    standing = Standing(table, segment, fragments.grid)
    skeletons = _skeletons(settings, fragments.grid)
    if skeletons is None:
        return _known(settings, standing, fragments.grid, None, None)
    runs = RunSettings(settings.definition, settings.merge_threshold)
    followed = FollowedSkeletons.on(fragments, skeletons, truth_ids, runs, progress)
    lengths = RunLengths(followed.runs(segment), followed.truth)
    return _known(settings, standing, fragments.grid, lengths, skeletons)


def errors_of_project(settings: ErrorFilters, project: Project, progress: Progress) -> Known:
    """List the errors of an open project with truth."""
    skeletons = _skeletons(settings, project.sources.grid)
    if skeletons is not None:
        runs = RunSettings(settings.definition, settings.merge_threshold)
        project.follow_skeletons(skeletons, runs, progress)
    followed = project.state.followed
    known = None if followed is None else followed.skeletons
    if known is None and settings.rank == "repair":  # as `Project.mistakes` has it
        settings = settings.model_copy(update={"rank": "voi"})
    return _known(settings, project.standing, project.sources.grid, project.run_lengths(), known)


def _known(
    settings: ErrorFilters,
    standing: Standing,
    grid: Grid,
    lengths: RunLengths | None,
    skeletons: Skeletons | None,
) -> Known:
    truth = None
    if settings.min_length or settings.rank == "erl":
        name = "--min-length" if settings.min_length else "--rank"
        if skeletons is None or lengths is None:
            raise SettingsError(
                "it is about run lengths, and there are no skeletons",
                where=name,
                remedy="pass --skeletons FILE; 'napari-axonem skeletonize' makes them of labels",
            )
    if settings.min_length and skeletons is not None and lengths is not None:
        truth = _long(skeletons, lengths.truth, settings.min_length)
    choice = Choice(
        kind=settings.kind or "",
        min_voxels=settings.min_voxels,
        box=box_of(settings, grid),
        truth=truth,
        rank=settings.rank,
    )
    found = standing.mistakes(choice, None, lengths)
    gains = None if lengths is None else lengths.gains(found).tolist()
    return Known(found, gains, standing.groups(choice))


def suggested_within(
    settings: ErrorFilters, found: list[Suggestion], grid: Grid
) -> list[Suggestion]:
    """Return the suggestions that are asked for."""
    box = box_of(settings, grid)
    return [
        one
        for one in found
        if settings.kind in (None, one.kind)
        and one.size_voxels >= settings.min_voxels
        and (box is None or box.contains(zyx(grid.to_voxel(one.position_nm))))
    ]


def box_of(settings: ErrorFilters, grid: Grid) -> Box | None:
    """Return the voxels whose centres are in the box asked for."""
    if settings.box is None:
        return None
    corners = np.array(settings.box).reshape(2, 3)
    if (corners[1] <= corners[0]).any():
        raise SettingsError(
            f"the box {','.join(f'{c:g}' for c in settings.box)} holds nothing",
            where="--box",
            remedy="give the lower corner first: Z0,Y0,X0,Z1,Y1,X1 in nm",
        )
    start, stop = np.ceil((corners - grid.to_nm((0, 0, 0))) / np.asarray(grid.voxel_size))
    return Box(zyx(start), zyx(stop))


def mistake_data(known: Known, row: int, segments: list[int], truth: list[int]) -> dict[str, Any]:
    """Return an error as plain values, ids as they were imported."""
    mistake = known.mistakes[row]
    return {
        "kind": str(mistake.kind),
        "segments": [segments[s] for s in mistake.segments],
        "truth": [truth[t] for t in mistake.truth],
        "position_nm": list(mistake.position_nm),
        "gain_erl_nm": None if known.gains_nm is None else known.gains_nm[row],
        "gain_voi": mistake.gain_voi,
        "size_voxels": mistake.size_voxels,
    }


def tiny_text(groups: list[MistakeGroup]) -> list[str]:
    """Say what is too small to be listed."""
    if not groups:
        return []
    count, objects = sum(g.count for g in groups), len({g.truth for g in groups})
    gain = sum(g.gain_voi for g in groups)
    return [
        f"besides, {count} smaller than --min-voxels, in {count_words(objects, 'true object')}, "
        f"which gain {gain:.5f} bits, each taken alone"
    ]


def _skeletons(settings: ErrorFilters, grid: Grid) -> Skeletons | None:
    if settings.skeletons is None:
        return None
    return read_skeletons(
        settings.skeletons,
        voxel_size=grid.voxel_size,
        origin=grid.origin,
        unit=settings.skeleton_unit,
    )


def _long(skeletons: Skeletons, truth: Ints, least: float) -> list[int]:
    """Return the true objects with a skeleton of at least so many nm."""
    chosen = truth[(skeletons.lengths >= least) & (truth > 0)]
    return np.unique(chosen).tolist()  # type: ignore[no-any-return]
