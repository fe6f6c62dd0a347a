"""Is this what the challenge takes? A submission read back from a folder or a zip."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastremap
import h5py
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.axonem.members import Member, members, opened
from napari_axonem.volumes.axonem.release import (
    DATASET,
    ID_LIMIT,
    VOLUMES,
    ReleaseVolume,
    VolumeKey,
)
from napari_axonem.volumes.axonem.stored import dataset_listing, main_level
from napari_axonem.volumes.checksum import TILE, Checksum, tiled_block
from napari_axonem.volumes.lazy import Level


@dataclass(slots=True)
class FileReport:
    """What was found in one file of a submission."""

    volume: VolumeKey
    where: str
    """Empty where the file is missing."""

    shape: tuple[int, ...] = ()
    dtype: str = ""
    objects: int | None = None
    """Ids without 0; None where the file could not be read."""

    largest_id: int | None = None
    checksum: str = ""
    """`napari_axonem.volumes.checksum.Checksum` of the voxels."""

    problems: list[str] = field(default_factory=list)
    """Why the challenge would not take it; empty for a good file."""


@dataclass(frozen=True, slots=True)
class SubmissionReport:
    """What was found in a folder or zip."""

    root: Path
    files: tuple[FileReport, ...]
    passed_over: tuple[str, ...]
    """Other files in it."""

    @property
    def is_sound(self) -> bool:
        """Whether both files are there and good."""
        return not any(file.problems for file in self.files)


def is_submission(files: list[Member]) -> bool:
    """Tell by names whether a file of a submission is among these."""
    return any(file.name == v.prediction for file in files for v in VOLUMES)


def check_submission(
    root: Path, progress: Progress = silent, volumes: tuple[ReleaseVolume, ...] = VOLUMES
) -> SubmissionReport:
    """Read a submission from end to end.

    Parameters
    ----------
    root
        A folder or a zip.
    volumes
        Of which volumes there should be a file.

    Raises
    ------
    VolumeError
        `root` cannot be read, or holds no file of a submission.
    """
    files = members(root)
    if not is_submission(files):
        raise VolumeError(
            "no file of a submission", where=root, remedy=f"it should hold {VOLUMES[0].prediction}"
        )
    # The one least deep in folders is what a server would see first.
    found = {
        v.key: min((f for f in files if f.name == v.prediction), key=_depth, default=None)
        for v in volumes
    }
    reports = tuple(_check(v, found[v.key], progress) for v in volumes)
    others = tuple(str(f) for f in files if f not in found.values())
    return SubmissionReport(root, reports, others)


def _depth(file: Member) -> tuple[int, str]:
    return len(file.full.parts), str(file)


def _check(release: ReleaseVolume, member: Member | None, progress: Progress) -> FileReport:
    if member is None:
        missing = f"{release.prediction} is missing: the ranking is the mean over both volumes"
        return FileReport(release.key, "", problems=[missing])
    report = FileReport(release.key, str(member))
    try:
        with opened(member) as file:
            _check_file(report, file, release, progress)
    except VolumeError as error:
        report.problems.append(str(error))
    return report


def _check_file(
    report: FileReport, file: h5py.File, release: ReleaseVolume, progress: Progress
) -> None:
    names = dataset_listing(file, report.where)
    if len(names) > 1:
        others = ", ".join(name for name in names if name != DATASET)
        report.problems.append(f"more than one dataset: {others}")
    level = main_level(file, report.where)
    report.shape, report.dtype = level.shape, str(level.dtype)
    if level.shape != release.challenge_shape:
        report.problems.append(f"shape {level.shape}, not {release.challenge_shape}")
    if level.dtype.kind not in "iu":
        report.problems.append(f"voxels of type {level.dtype}, not integer ids")
        return
    ids, report.checksum = read_ids(level, release, progress)
    report.objects = int(np.count_nonzero(ids))
    report.largest_id = int(ids.max(initial=0))
    if not report.objects:
        report.problems.append("no labelled voxel")
    if ids.size and int(ids.min()) < 0:
        report.problems.append(f"negative id {int(ids.min())}")
    if report.largest_id >= ID_LIMIT:
        report.problems.append(f"id {report.largest_id} is not below 2**32")


def read_ids(
    level: Level, release: ReleaseVolume, progress: Progress
) -> tuple[npt.NDArray[Any], str]:
    """Read an array of ids from end to end.

    Returns
    -------
    The ids that occur, ascending, and the checksum of the voxels.
    """
    checksum = Checksum(level.shape, level.dtype)
    block = block_to_read(level, release)
    found = [np.zeros(0, level.dtype)]
    todo = list(blocks(Box.of_shape(level.shape), block))
    for box in tracked(todo, progress, f"reading back {release.prediction}"):
        voxels = np.asarray(level[box.slices])
        checksum.add(box, voxels)
        found.append(fastremap.unique(voxels))
    return np.unique(np.concatenate(found)), checksum.hexdigest()


def block_to_read(level: Level, release: ReleaseVolume) -> Zyx:
    """Return the shape of block (z, y, x) in which a file is read.

    A multiple of the checksum's tiles only. One of the chunks as well, which may be of any shape
    in a file of others, could be the whole volume.
    """
    voxel_size = release.challenge_grid.voxel_size
    return tiled_block(level.shape, TILE, level.dtype.itemsize, voxel_size, level.chunks)
