"""Meshes and skeletons of the objects of a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_axonem.blockwise import Journal, Team
from napari_axonem.errors import SettingsError
from napari_axonem.evaluation.meshes import MeshFormat, meshes, write_mesh
from napari_axonem.evaluation.meshes.files import begin_folder
from napari_axonem.evaluation.skeletons import check_destination, skeletonize, write_skeletons
from napari_axonem.evaluation.skeletons.tracing import Preset
from napari_axonem.geometry import Box, zyx
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.exporting.corrected import corrected_volume, forget_tables, stamp
from napari_axonem.proofreading.exporting.places import BoxNm, box_around, voxels_of
from napari_axonem.proofreading.project import Project
from napari_axonem.volumes import Volume, disk
from napari_axonem.volumes.conversion.work import working_on
from napari_axonem.volumes.cropping import cropped

_REVISION = 1
"""Raised when the same project comes to give other meshes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which objects are wanted, and how finely."""

    objects: tuple[int, ...] = ()
    """Segments in the project's own numbers; all where it is empty."""

    level: int = 0
    """Scale, 0 for full size."""

    box_nm: BoxNm | None = None
    """Only what lies in it; all where it is None."""

    def volume(self, project: Project) -> Volume:
        """Return the corrected segmentation with those objects alone, around them.

        Raises
        ------
        EditError
            One of the objects is not there.
        SettingsError
            There is no such level, or nothing in the box.
        """
        volume = corrected_volume(project, self.level, self.objects or None)
        box = voxels_of(self.box_nm, volume)
        if self.objects:
            factor = project.sources.fragments.volume.factors[self.level]
            near = box_around(project, self.objects)
            start = np.floor_divide(near.start, factor)
            box = box.intersect(
                Box(zyx(start), zyx(-np.floor_divide(np.negative(near.stop), factor)))
            )
        if not box.size:
            raise SettingsError("none of the objects reaches into the box", where="--box")
        return cropped(volume, box)


def export_meshes(
    project: Project,
    destination: Path | str,
    wanted: Wanted,
    progress: Progress = silent,
    *,
    format: MeshFormat = "precomputed",  # noqa: A002
    most_error: float = 40.0,
    overwrite: bool = False,
    team: Team | None = None,
) -> int:
    """Write a mesh of each object into a folder, all of them or nothing; return their number.

    When it is cut off, the same call takes it up, as long as the project was not edited.

    Parameters
    ----------
    most_error
        By how many nm vertices may move so that there are fewer triangles; 0 keeps all.

    Raises
    ------
    VolumeError
        There is something at the destination and `overwrite` is false.
    StorageError
        The disk cannot be written.
    """
    target = Path(destination).absolute()
    disk.refuse_existing(target, overwrite=overwrite)
    labels = wanted.volume(project)
    about = {
        "revision": _REVISION,
        "project": [str(project.folder.root.absolute()), stamp(project)],
        "objects": list(wanted.objects),
        "level": wanted.level,
        "origin": list(labels.grid.origin),
        "shape": list(labels.shape),
    }
    try:
        with working_on(target) as work:
            if not work.goes_on(about):
                work.begin_anew()
            disk.remove(work.result)
            work.stage.mkdir(exist_ok=True)
            with Journal(work.journal, about, settle=disk.settle) as journal:
                begin_folder(work.result, format)
                count = 0
                for number, mesh in meshes(labels, work.stage, most_error, progress, team, journal):
                    write_mesh(work.result, number, mesh, format)
                    count += 1
                disk.publish(work.result, target, overwrite=overwrite)
            disk.remove(work.journal)
    finally:
        forget_tables()
    return count


def export_skeletons(
    project: Project,
    destination: Path | str,
    wanted: Wanted,
    progress: Progress = silent,
    *,
    preset: Preset = "em_erl",
    overwrite: bool = False,
    team: Team | None = None,
) -> int:
    """Write the centre lines of objects, all of them or nothing; return their number.

    Parameters
    ----------
    destination
        As `napari_axonem.evaluation.skeletons.write_skeletons` takes it: ``NAME/`` for a folder
        of SWC files, ``NAME.precomputed`` and others.

    Raises
    ------
    SkeletonError
        No format has such an end.
    VolumeError
        There is something at the destination and `overwrite` is false.
    StorageError
        The disk cannot be written.
    """
    check_destination(destination, overwrite=overwrite)
    labels = wanted.volume(project)
    try:
        made = skeletonize(labels, preset, progress=progress, team=team)
    finally:
        forget_tables()
    write_skeletons(
        destination,
        made,
        voxel_size=labels.grid.voxel_size,
        origin=labels.grid.origin,
        overwrite=overwrite,
    )
    return len(made)
