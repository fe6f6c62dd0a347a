"""Corrected labels as files."""

from __future__ import annotations

from pathlib import Path

from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.exporting.corrected import corrected_source, forget_tables
from napari_axonem.proofreading.exporting.places import BoxNm, region_of, voxels_of
from napari_axonem.proofreading.project import Project
from napari_axonem.volumes.conversion import Converted, ConvertSettings, convert


def export_labels(
    project: Project,
    destination: Path | str,
    progress: Progress = silent,
    *,
    level: int = 0,
    box_nm: BoxNm | None = None,
    objects: tuple[int, ...] = (),
    format: str = "",  # noqa: A002
    overwrite: bool = False,
    workers: int = 1,
    scheduler: str = "",
) -> Converted:
    """Write the segments as labels; the format follows from the suffix.

    A segment carries the id that its name-giving fragment was imported with. Labels are
    uint32 where all ids fit, else uint64. It is a conversion: written blockwise, read back, and
    taken up where it was cut off as long as the project was not edited in between.

    Parameters
    ----------
    destination
        ``NAME.zarr`` (OME-Zarr pyramid), ``NAME.h5`` (dataset ``labels`` unless
        ``NAME.h5:DATASET`` says otherwise), ``NAME.tif``, ``NAME.precomputed``.
    level
        Scale, 0 for full size.
    box_nm
        Part to write, all where it is None; every voxel of it stays where it was.
    objects
        Segments to write, in the project's own numbers; all where it is empty.
    format
        Takes the place of the suffix.
    overwrite
        Replace what is there.
    workers, scheduler
        Who works: see `napari_axonem.blockwise.Team`.

    Raises
    ------
    SettingsError
        There is no such level, or nothing in the box.
    EditError
        One of the objects is not there.
    VolumeError
        The destination exists, or its suffix is of no known format.
    StorageError
        The disk refuses; nothing stays behind under the final name.
    """
    source = corrected_source(project, level, objects or None)
    settings = ConvertSettings.parse(
        {
            "source": source.volume.location,
            "destination": str(destination),
            "kind": "labels",
            "region": region_of(voxels_of(box_nm, source.volume)),
            "format": format,
            "overwrite": overwrite,
            "workers": workers,
            "scheduler": scheduler,
        }
    )
    try:
        return convert(settings, progress, source)
    finally:
        forget_tables()
