"""Corrections as training crops: image, labels, and where the labels were checked.

A crop is a store ``N.zarr`` with the pyramids ``image``, ``labels`` and ``checked``, which
`napari_axonem.training` takes for a volume by its path. ``checked`` is 1 around the points of the
edits that are in force, and on all voxels of objects that somebody has looked through; only there
does training believe the labels. The labels are written last, and the store takes its name when
all three are there: without the mask, all of it would count as checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.blockwise import Journal
from napari_axonem.errors import MismatchError, ProjectError
from napari_axonem.geometry import Box, Grid, Zyx, zyx
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.exporting.corrected import (
    corrected_source,
    corrected_volume,
    forget_tables,
    stamp,
)
from napari_axonem.proofreading.exporting.places import (
    BoxNm,
    box_around,
    region_of,
    touched,
    voxels_of,
)
from napari_axonem.proofreading.exporting.tables import active_edits
from napari_axonem.proofreading.project import Project
from napari_axonem.volumes import LazyArray, Volume, disk
from napari_axonem.volumes.conversion import Converted, ConvertSettings, Source, convert
from napari_axonem.volumes.conversion.work import working_on

AROUND_NM = 500.0
"""So far around the points of an edit the labels count as checked: half an edge of the box."""

_STAGE = "crops"
"""Of the journal."""


@dataclass(frozen=True, slots=True)
class CheckedLevel:
    """Where labels were checked, as a lazy array (z, y, x) of 0 and 1."""

    shape: Zyx
    boxes: tuple[Box, ...]
    """All of their voxels are checked."""

    finished: LazyArray | None
    """Not 0 on objects that were looked through; None where there are none."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        return np.dtype(np.uint8)

    def __getitem__(self, key: tuple[slice, slice, slice]) -> npt.NDArray[np.uint8]:
        asked = Box(zyx([s.start for s in key]), zyx([s.stop for s in key]))
        checked = np.zeros(asked.shape, np.uint8)
        if self.finished is not None:
            checked[np.asarray(self.finished[key]) != 0] = 1
        for box in self.boxes:
            common = box.intersect(asked)
            if common.size:
                checked[common.relative_to(asked.start).slices] = 1
        return checked


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop that was written."""

    location: str
    box: Box
    """Its voxels in the project."""

    checksums: dict[str, str]
    """`napari_axonem.volumes.checksum.Checksum` of image, labels and checked."""


def export_crops(
    project: Project,
    destination: Path | str,
    progress: Progress = silent,
    *,
    box_nm: BoxNm | None = None,
    finished: tuple[int, ...] = (),
    around_nm: float = AROUND_NM,
    overwrite: bool = False,
    workers: int = 1,
    scheduler: str = "",
) -> tuple[Crop, ...]:
    """Write crops into a folder: one of a box, or else one wherever something was checked.

    Boxes around edits that overlap go into one crop. What was cut off is taken up by the same
    call, as long as the project was not edited.

    Parameters
    ----------
    box_nm
        What to write as a single crop.
    finished
        Segments that somebody has looked through, in the project's own numbers.
    around_nm
        How far around the points of an edit the labels count as checked.

    Raises
    ------
    ProjectError
        The project has no image, or nothing was checked.
    MismatchError
        The image does not lie on the lattice of the fragments.
    VolumeError
        There is something at the destination and `overwrite` is false.
    StorageError
        The disk cannot be written; nothing stays behind under the final name.
    """
    target = Path(destination).absolute()
    disk.refuse_existing(target, overwrite=overwrite)
    fragments = project.sources.fragments.volume
    near = edit_boxes(project, around_nm)
    places = [box_around(project, [one]) for one in finished]
    crops = _united([*near, *places]) if box_nm is None else [voxels_of(box_nm, fragments)]
    if not crops:
        raise ProjectError(
            "nothing was checked: it has no edit, and no object was looked through",
            where=project.folder.root,
            remedy="name a --box, or objects that are right as --checked",
        )
    move = _image_move(project)
    about = {
        "project": [str(project.folder.root.absolute()), stamp(project)],
        "crops": [[[*b.start], [*b.stop]] for b in (*crops, *near)],
        "finished": sorted(finished),
    }
    written = []
    try:
        with working_on(target) as work:
            if not work.goes_on(about):
                work.begin_anew()
            work.result.mkdir(parents=True, exist_ok=True)
            with Journal(work.journal, about, settle=disk.settle) as journal:
                done = journal.done(_STAGE)
                for number, box in enumerate(crops):
                    name = f"{number:04}.zarr"
                    if number not in done:
                        todo = _Parts(project, box, near, finished, move, workers, scheduler)
                        done[number] = todo.write(work.result / name, progress)
                        journal.add(_STAGE, number, done[number])
                    written.append(Crop(str(target / name), box, done[number]))
                disk.publish(work.result, target, overwrite=overwrite)
            disk.remove(work.journal)
    finally:
        forget_tables()
    return tuple(written)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The three volumes of one crop."""

    project: Project
    box: Box
    near: Sequence[Box]
    finished: tuple[int, ...]
    move: Zyx
    workers: int
    scheduler: str

    def write(self, store: Path, progress: Progress) -> dict[str, str]:
        """Write them; return their checksums by name."""
        image = self.project.sources.image
        assert image is not None, "looked at before"
        labels = corrected_source(self.project)
        checked = Source(self._checked(labels.volume.grid), f"{labels.stamp}-{self.near}")
        pictured = self._written(
            store / "image", "image", None, self.box.shift(self.move), progress
        )
        masked = self._written(store / "checked", "labels", checked, self.box, progress)
        named = self._written(store / "labels", "labels", labels, self.box, progress)
        return {
            "image": pictured.checksum,
            "checked": masked.checksum,
            "labels": named.checksum,
        }

    def _checked(self, grid: Grid) -> Volume:
        shape = self.project.sources.fragments.shape
        only = corrected_volume(self.project, 0, self.finished).levels[0] if self.finished else None
        level = CheckedLevel(shape, tuple(self.near), only)
        where = str(self.project.folder.root)
        return Volume((level,), ((1, 1, 1),), grid, where, "project", "labels")

    def _written(
        self, path: Path, kind: str, source: Source | None, box: Box, progress: Progress
    ) -> Converted:
        image = self.project.sources.image
        assert image is not None, "looked at before"
        given = {"voxel_size": image.grid.voxel_size, "origin": image.grid.origin}
        settings = {
            "source": source.volume.location if source else image.location,
            "destination": str(path),
            "kind": kind,
            "region": region_of(box),
            "overwrite": True,
            "workers": self.workers,
            "scheduler": self.scheduler,
            **({} if source else given),
        }
        return convert(ConvertSettings.parse(settings), progress, source)


def edit_boxes(project: Project, around_nm: float) -> list[Box]:
    """Return the voxels around the points of each edit that is in force, cut at the volume."""
    volume = project.sources.fragments.volume
    found = []
    for edit in active_edits(project):
        points = np.array(edit["points_nm"], np.float64)
        low, high = points.min(axis=0) - around_nm, points.max(axis=0) + around_nm
        (az, ay, ax), (bz, by, bx) = low.tolist(), high.tolist()
        box = touched(((az, bz), (ay, by), (ax, bx)), volume.grid).intersect(volume.box)
        if box.size:
            found.append(box)
    return found


def _united(boxes: Sequence[Box]) -> list[Box]:
    """Return boxes that hold all of these, no two of which overlap."""
    united: list[Box] = []
    for box in (box for box in boxes if box.size):
        grown = box
        while hit := next((u for u in united if u.intersect(grown).size), None):
            united.remove(hit)
            grown = grown.union(hit)
        united.append(grown)
    return sorted(united, key=lambda box: box.start)


def _image_move(project: Project) -> Zyx:
    """Return the voxel of the image that lies at voxel (0, 0, 0) of the fragments."""
    image = project.sources.image
    if image is None:
        raise ProjectError(
            "it has no image to learn from",
            where=project.folder.root,
            remedy="; ".join(project.sources.problems) or "create it with --image",
        )
    volume = project.sources.fragments.volume
    apart = np.subtract(volume.grid.origin, image.grid.origin) / volume.grid.voxel_size
    move = zyx(np.rint(apart))
    if not np.allclose(apart, move, atol=0.05) or not _inside(volume.box.shift(move), image.box):
        raise MismatchError(
            f"fragments {volume.shape} at voxel {move} do not lie inside the image {image.shape}",
            where=image.location,
        )
    return move


def _inside(box: Box, whole: Box) -> bool:
    return box == box.intersect(whole)
