"""The verb that traces the centre lines of objects."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from napari_axonem.blockwise import Team
from napari_axonem.cli.reporting import Outcome
from napari_axonem.cli.verb import AnyVerb, Verb
from napari_axonem.evaluation.skeletons import (
    check_destination,
    skeletonize,
    write_skeletons,
)
from napari_axonem.evaluation.skeletons.tracing import Preset
from napari_axonem.progress import Progress
from napari_axonem.settings import ZYX_NM, Positional, TeamSettings, VoxelSize
from napari_axonem.volumes import open_volume
from napari_axonem.wording import count_words


class SkeletonizeSettings(TeamSettings):
    """What `skeletonize` takes."""

    labels: Annotated[str, Positional()] = Field(description="label volume")
    destination: Annotated[str, Positional("OUT")] = Field(
        description="NAME.npz (em_erl graph), NAME.older.npz, NAME.h5, NAME.swc (one file), NAME/ "
        "(an SWC file for each object) or NAME.precomputed (Neuroglancer)"
    )
    preset: Preset = Field("em_erl", description="published parameters of TEASAR")
    min_length: float = Field(0.0, ge=0, description="leave out skeletons shorter than so many nm")
    voxel_size: VoxelSize | None = Field(
        None,
        description="voxel edges in nm, where the file does not say",
        json_schema_extra=dict(ZYX_NM),
    )
    overwrite: bool = Field(False, description="replace what is at OUT")
    workers: int = Field(1, ge=1, description="processes to work with, of about 4 GB each")


def run(settings: SkeletonizeSettings, progress: Progress) -> Outcome:
    """Trace the objects of a volume and write their skeletons."""
    check_destination(settings.destination, overwrite=settings.overwrite)
    labels = open_volume(settings.labels, voxel_size=settings.voxel_size)
    with Team(settings.workers, settings.scheduler, few=1) as team:
        made = skeletonize(
            labels, settings.preset, min_length=settings.min_length, progress=progress, team=team
        )
    write_skeletons(
        settings.destination,
        made,
        voxel_size=labels.grid.voxel_size,
        origin=labels.grid.origin,
        overwrite=settings.overwrite,
    )
    length = float(made.lengths.sum())
    data = {
        "destination": settings.destination,
        "skeletons": len(made),
        "nodes": len(made.positions),
        "length_nm": length,
        "preset": settings.preset,
        "voxel_size_nm": list(labels.grid.voxel_size),
    }
    text = (
        f"wrote {settings.destination}: {count_words(len(made), 'skeleton')}, "
        f"{count_words(len(made.positions), 'node')}, "
        f"{length / 1e3:.1f} µm in all"
    )
    return Outcome(data, text)


VERBS: tuple[AnyVerb, ...] = (
    Verb("skeletonize", "trace the centre lines of objects", SkeletonizeSettings, run),
)
