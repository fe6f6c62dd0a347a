"""The verb that scores a segmentation: voxels against labels, run lengths along skeletons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from napari_axonem.blockwise import Team
from napari_axonem.cli.editing import voi_data
from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.errors import SettingsError
from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.erl import Definition, Erl, Interval, erl
from napari_axonem.evaluation.overlaps import overlap_table, require_same_grid
from napari_axonem.evaluation.report import (
    Findings,
    RunFindings,
    VoxelFindings,
    fit_into_cells,
    write_report,
)
from napari_axonem.evaluation.scores import Rand, Voi, adapted_rand, voi
from napari_axonem.evaluation.skeletons import lookup, masked_voxels, read_skeletons
from napari_axonem.progress import Progress
from napari_axonem.settings import ZYX_NM, Lengths, Positional, TeamSettings, VoxelSize
from napari_axonem.volumes import Volume, describe, open_volume
from napari_axonem.volumes.disk import refuse_existing
from napari_axonem.volumes.labels import require_labels
from napari_axonem.wording import count_words

FEW = 64
"""So few blocks are read sooner than processes start: they have 4 to 64 MB each."""


class EvaluateSettings(TeamSettings):
    """What `evaluate` takes."""

    segmentation: Annotated[str, Positional("SEG")] = Field(description="label volume")
    truth: str | None = Field(
        None, description="label volume with the ground truth, for VOI and adapted Rand"
    )
    skeletons: str | None = Field(
        None, description="skeletons of the truth (NPZ, HDF5, SWC, precomputed), for ERL"
    )
    no_merge_mask: str | None = Field(
        None, description="volume that is above 0 where no segment of a skeleton may reach"
    )
    merge_threshold: int = Field(
        0, ge=0, description="nodes (under the mask: voxels) on a segment that make it merging"
    )
    intervals: Lengths | None = Field(
        None,
        description="ERL also for skeletons between these lengths in nm",
        json_schema_extra={"metavar": "NM,NM,…"},
    )
    definition: Definition = Field("em_erl", description="which edges count as merged")
    per_skeleton: bool = Field(False, description="with --json: what became of each skeleton")
    report: Path | None = Field(
        None,
        description="HTML file to write: figures, charts, pictures of the worst",
        json_schema_extra={"metavar": "F.html"},
    )
    image: str | None = Field(
        None, description="with --report: what was segmented, as background of the pictures"
    )
    overwrite: bool = Field(False, description="with --report: replace what is there")
    voxel_size: VoxelSize | None = Field(
        None,
        description="voxel edges in nm, where the files do not say",
        json_schema_extra=dict(ZYX_NM),
    )
    skeleton_unit: Literal["nm", "um", "voxel"] | None = Field(
        None, description="unit of the skeletons, where the file does not say (SWC)"
    )


def evaluate(settings: EvaluateSettings, progress: Progress) -> Outcome:
    """Score a segmentation against the truth, against skeletons, or both."""
    _check(settings)
    segmentation = open_volume(settings.segmentation, voxel_size=settings.voxel_size)
    with Team(settings.workers, settings.scheduler, few=FEW) as team:
        return _scored(settings, segmentation, progress, team)


def _scored(
    settings: EvaluateSettings, segmentation: Volume, progress: Progress, team: Team
) -> Outcome:
    data: dict[str, Any] = {"voi": None, "rand": None, "erl": None}
    lines: list[str] = []
    found = Findings(segmentation, image=_open_image(settings, segmentation))
    if settings.truth is not None:
        voxels = _voxels(settings, segmentation, progress, team)
        found = replace(found, voxels=voxels)
        data |= {"voi": voi_data(voxels.voi), "rand": _rand_data(voxels.rand)}
        lines += _voxel_lines(voxels.voi, voxels.rand)
    if settings.skeletons is not None:
        runs = _erl(settings, segmentation, progress, team)
        found = replace(found, runs=runs)
        data["erl"] = erl_data(runs.erl, runs.outside, per_skeleton=settings.per_skeleton)
        lines += _erl_lines(runs.erl, runs.outside)
    if settings.report is not None:
        write_report(settings.report, found, overwrite=settings.overwrite, progress=progress)
        data["report"] = str(settings.report)
        lines.append(f"report written to {settings.report}")
    return Outcome(data, "\n".join(lines))


def _voxels(
    settings: EvaluateSettings, segmentation: Volume, progress: Progress, team: Team
) -> VoxelFindings:
    """Compare with the labels of the truth; for a report, note where pieces lie too."""
    truth = open_volume(settings.truth or "", voxel_size=settings.voxel_size)
    table = overlap_table(segmentation, truth, progress=progress, team=team)
    cells = None
    if settings.report is not None and fit_into_cells(table):
        cells = tabulate(require_labels(segmentation), require_labels(truth), progress=progress)
    return VoxelFindings(truth, table, voi(table), adapted_rand(table), cells)


def _open_image(settings: EvaluateSettings, segmentation: Volume) -> Volume | None:
    """Open the image, if there is one."""
    if settings.image is None:
        return None
    image = _open_like(settings.image, settings, segmentation)
    require_same_grid(segmentation, image)
    return image


def erl_data(result: Erl, outside: int, *, per_skeleton: bool = False) -> dict[str, Any]:
    """Return expected run length as plain values, with all that has to be said with it."""
    data: dict[str, Any] = {
        "erl_nm": result.erl_nm,
        "truth_erl_nm": result.truth_erl_nm,
        "normalised": result.normalised,
        "definition": result.definition,
        "merge_threshold": result.merge_threshold,
        "resolution_nm": list(result.resolution_nm),
        "no_merge_mask": result.masked,
        "skeletons": result.skeletons,
        "nodes_outside": outside,
        "intervals": [_interval_data(interval) for interval in result.intervals],
    }
    if per_skeleton:
        rows = result.per_skeleton
        columns = {
            "id": rows.ids,
            "length_nm": rows.length,
            "omitted_nm": rows.omitted,
            "split_nm": rows.split,
            "merged_nm": rows.merged,
            "correct_nm": rows.correct,
            "erl_nm": rows.erl,
        }
        values = zip(*(column.tolist() for column in columns.values()), strict=True)
        data["per_skeleton"] = [dict(zip(columns, row, strict=True)) for row in values]
    return data


def _check(settings: EvaluateSettings) -> None:
    """Raise an error where there is nothing to compare with, or a flag has no meaning."""
    if settings.truth is None and settings.skeletons is None:
        raise SettingsError(
            "there is nothing to compare the segmentation with",
            where="--truth",
            remedy="pass --truth LABELS, --skeletons FILE, or both",
        )
    for name in ("image", "overwrite"):
        if getattr(settings, name) and settings.report is None:
            raise SettingsError(
                "it is about a report, and there is none",
                where=f"--{name}",
                remedy="pass --report F.html",
            )
    if settings.report is not None:  # before hours of work
        refuse_existing(settings.report, overwrite=settings.overwrite)
    if settings.skeletons is not None:
        return
    for name in ("no_merge_mask", "intervals", "merge_threshold", "per_skeleton"):
        if getattr(settings, name):
            raise SettingsError(
                "it is about skeletons, and there are none",
                where=f"--{name.replace('_', '-')}",
                remedy="pass --skeletons FILE; 'napari-axonem skeletonize' makes them of labels",
            )


def _erl(
    settings: EvaluateSettings, segmentation: Volume, progress: Progress, team: Team
) -> RunFindings:
    """Follow the skeletons through the segmentation."""
    grid = segmentation.grid
    skeletons = read_skeletons(
        settings.skeletons or "",
        voxel_size=grid.voxel_size,
        origin=grid.origin,
        unit=settings.skeleton_unit,
    )
    nodes = lookup(segmentation, skeletons, progress, team=team)
    masked = None
    if settings.no_merge_mask is not None:
        mask = _open_like(settings.no_merge_mask, settings, segmentation)
        masked = masked_voxels(segmentation, mask, nodes.segment, progress, team=team)
    result = erl(
        skeletons,
        nodes.segment,
        nodes.voxel_size,
        definition=settings.definition,
        merge_threshold=settings.merge_threshold,
        intervals=settings.intervals or (),
        masked=masked,
    )
    return RunFindings(settings.skeletons or "", skeletons, nodes.segment, nodes.outside, result)


def _open_like(location: str, settings: EvaluateSettings, segmentation: Volume) -> Volume:
    """Open a volume; one that does not state its voxel size has that of the segmentation."""
    size = settings.voxel_size or describe(location).voxel_size or segmentation.grid.voxel_size
    return open_volume(location, voxel_size=size)


def _rand_data(rand: Rand) -> dict[str, float]:
    return {
        "adapted_error": rand.adapted_error,
        "precision": rand.precision,
        "recall": rand.recall,
    }


def _interval_data(interval: Interval) -> dict[str, Any]:
    return {
        "from_nm": interval.start_nm,
        "to_nm": interval.stop_nm,
        "skeletons": interval.skeletons,
        "erl_nm": interval.erl_nm,
        "truth_erl_nm": interval.truth_erl_nm,
        "normalised": interval.normalised,
    }


def _voxel_lines(score: Voi, rand: Rand) -> list[str]:
    return [
        f"VOI   split {score.split:.4f}  merge {score.merge:.4f}  total {score.total:.4f}  bits",
        f"Rand  adapted error {rand.adapted_error:.4f}  precision {rand.precision:.4f}  "
        f"recall {rand.recall:.4f}",
    ]


def _erl_lines(result: Erl, outside: int) -> list[str]:
    resolution = " x ".join(f"{size:g}" for size in result.resolution_nm)
    lines = [
        f"ERL   {result.erl_nm:.2f} nm of {result.truth_erl_nm:.2f} nm  "
        f"normalised {result.normalised:.4f}  {count_words(result.skeletons, 'skeleton')}",
        f"      definition {result.definition}, merge threshold {result.merge_threshold}, "
        f"resolution {resolution} nm (z, y, x), "
        f"{'with' if result.masked else 'no'} no-merge mask",
    ]
    for interval in result.intervals:
        name = f"      {interval.start_nm:g} to {interval.stop_nm:g} nm: "
        if interval.erl_nm is None:
            lines.append(f"{name}empty")
        else:
            lines.append(
                f"{name}{interval.erl_nm:.2f} nm of {interval.truth_erl_nm:.2f} nm  "
                f"normalised {interval.normalised:.4f}  "
                f"{count_words(interval.skeletons, 'skeleton')}"
            )
    if outside:
        lie, count = ("lies", "counts") if outside == 1 else ("lie", "count")
        nodes = count_words(outside, "node")
        lines.append(f"      {nodes} {lie} outside of the volume and {count} as omitted")
    return lines


VERBS: tuple[AnyVerb, ...] = (
    Verb("evaluate", "score a segmentation against the truth", EvaluateSettings, evaluate),
)
