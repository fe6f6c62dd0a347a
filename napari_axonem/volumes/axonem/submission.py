"""Write the files of a challenge submission, and read them back."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from napari_axonem.errors import StorageError, VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box, Grid, Nm
from napari_axonem.progress import Progress, silent
from napari_axonem.volumes.axonem.challenge_grid import (
    OnChallengeGrid,
    Reduction,
    on_challenge_grid,
    stated_by_shape,
)
from napari_axonem.volumes.axonem.prediction import Prediction, write_prediction
from napari_axonem.volumes.axonem.release import VOLUMES, ReleaseVolume, VolumeKey, volume_named
from napari_axonem.volumes.axonem.submission_check import check_submission
from napari_axonem.volumes.disk import guarded, refuse_existing, replacing
from napari_axonem.volumes.labels import require_labels
from napari_axonem.volumes.opening import describe, open_volume
from napari_axonem.volumes.volume import Volume
from napari_axonem.wording import number_words

ZIP = ".zip"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is submitted for one volume."""

    volume: ReleaseVolume

    location: str
    """Label volume, in the form that `open_volume` takes."""

    voxel_size: Nm | None = None
    """In nm, where the file does not say or is wrong."""

    origin: Nm | None = None
    """Corner of its first voxel within the whole volume in nm, likewise."""

    opened: Volume | None = None
    """What lies at `location`, where that is not a file that `open_volume` opens."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was written for one volume, and from what."""

    volume: VolumeKey
    source: str
    placed: OnChallengeGrid
    written: Prediction
    notes: tuple[str, ...]
    """What a user should know."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What `write_submission` wrote."""

    destination: Path
    files: tuple[Submitted, ...]
    missing: tuple[VolumeKey, ...]
    """Volumes that there is no file for: without them it cannot be ranked."""


@dataclass(frozen=True, slots=True)
class _Job:
    entry: Entry
    placed: OnChallengeGrid
    notes: tuple[str, ...]


def write_submission(
    entries: Sequence[Entry],
    destination: Path,
    reduction: Reduction = "majority",
    progress: Progress = silent,
    *,
    overwrite: bool = False,
) -> Submission:
    """Write the files of a submission on the challenge's grid, and verify them.

    Everything is checked before a voxel is read. The files are written under hidden names,
    block by block, read back from end to end, and take their names when they are right.

    A zip needs both volumes, since it is what goes to the challenge, which ranks by the mean
    over both. Into a folder one of the two may be written by itself, and the other later.

    Parameters
    ----------
    entries
        One for each volume.
    destination
        A folder, which may exist; or a zip, by its suffix.
    overwrite
        Replace files that are there.

    Raises
    ------
    VolumeError
        A segmentation cannot be read or holds no labels, or a file exists.
    MismatchError
        A segmentation does not fit the challenge's grid.
    StorageError
        The disk cannot be written, or what was read back is not what was written.
    """
    is_zip = destination.suffix.lower() == ZIP
    given = {entry.volume.key for entry in entries}
    missing = tuple(v.key for v in VOLUMES if v.key not in given)
    _check_destination(entries, destination, missing, is_zip=is_zip, overwrite=overwrite)
    jobs = [_opened(entry, reduction) for entry in entries]
    with guarded(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
    with _stage(destination) as stage:
        written = [write_prediction(stage, job.placed, progress) for job in jobs]
        finish = _pack if is_zip else _move
        verify = partial(_verified, jobs, written, destination, progress)
        finish(stage, destination, written, verify, overwrite)
    if not is_zip:  # the other one may have been written before
        missing = tuple(
            k for k in missing if not (destination / volume_named(k).prediction).is_file()
        )
    files = tuple(
        Submitted(job.entry.volume.key, job.entry.location, job.placed, one, job.notes)
        for job, one in zip(jobs, written, strict=True)
    )
    return Submission(destination, files, missing)


def _check_destination(
    entries: Sequence[Entry],
    destination: Path,
    missing: Sequence[VolumeKey],
    *,
    is_zip: bool,
    overwrite: bool,
) -> None:
    if not entries:
        raise VolumeError(
            "no segmentation is given", remedy="pass --human SEG and --mouse SEG, or one of them"
        )
    if is_zip and missing:
        raise VolumeError(
            f"a zip needs both volumes, and there is no --{missing[0]}",
            where=destination,
            remedy="pass both, or write into a folder until the other one is there",
        )
    if is_zip:
        refuse_existing(destination, overwrite=overwrite)
        return
    if destination.exists() and not destination.is_dir():
        raise VolumeError(
            "a file, not a folder", where=destination, remedy="name a folder, or a new NAME.zip"
        )
    for entry in entries:
        refuse_existing(destination / entry.volume.prediction, overwrite=overwrite)


def _opened(entry: Entry, reduction: Reduction) -> _Job:
    """Open a segmentation and place it; no voxel is read."""
    release, size, notes = entry.volume, entry.voxel_size, []
    if entry.opened is not None:
        grid = entry.opened.grid
        stated = Grid(size or grid.voxel_size, entry.origin or grid.origin)
        return _placed(entry, dataclasses.replace(entry.opened, grid=stated), reduction, ())
    if size is None and (info := describe(entry.location)).voxel_size is None:
        factor = stated_by_shape(info.shape, release)
        if factor is None:
            raise VoxelSizeUnknownError(
                f"the file does not state its voxel size, and its shape {info.shape} is not that "
                f"of the whole {release.key} volume",
                where=info.location,
                remedy=f"pass --{release.key}-voxel-size Z,Y,X in nm, and the place of a part "
                f"as --{release.key}-origin Z,Y,X",
            )
        size = release.grid.coarser(factor).voxel_size
        notes.append(
            f"the file does not state its voxel size; its shape is that of the whole "
            f"{release.key} volume at {number_words(size, ' x ')} nm"
        )
    volume = open_volume(entry.location, voxel_size=size, origin=entry.origin)
    return _placed(entry, volume, reduction, notes)


def _placed(entry: Entry, volume: Volume, reduction: Reduction, known: Sequence[str]) -> _Job:
    release, notes = entry.volume, list(known)
    placed = on_challenge_grid(require_labels(volume), release, reduction)
    if placed.covered != Box.of_shape(placed.shape):
        part = placed.covered
        share = part.size / Box.of_shape(placed.shape).size
        notes.append(
            f"covers voxels {part.start}..{part.stop} of the challenge's grid, {share:.2%} of the "
            "volume; the rest is 0"
        )
    if placed.left_out:
        notes.append(f"{placed.left_out:,} voxels outside of the volume are left out")
    return _Job(entry, placed, tuple(notes))


@contextlib.contextmanager
def _stage(destination: Path) -> Iterator[Path]:
    """Give a hidden folder beside the destination, so that it is on the same disk."""
    with (
        guarded(destination),
        tempfile.TemporaryDirectory(
            prefix=f".{destination.name}.", suffix=".partial", dir=destination.parent
        ) as folder,
    ):
        yield Path(folder)


def _move(
    stage: Path,
    folder: Path,
    written: Sequence[Prediction],
    verify: Callable[[Path], None],
    overwrite: bool,
) -> None:
    verify(stage)
    folder.mkdir(exist_ok=True)
    for one in written:
        with replacing(folder / one.name, overwrite=overwrite) as path:
            (stage / one.name).replace(path)


def _pack(
    stage: Path,
    destination: Path,
    written: Sequence[Prediction],
    verify: Callable[[Path], None],
    overwrite: bool,
) -> None:
    with replacing(destination, overwrite=overwrite) as path:
        # Only stored: the voxels are compressed already.
        with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as archive:
            for one in written:
                archive.write(stage / one.name, one.name)
                (stage / one.name).unlink()
        verify(path)


def _verified(
    jobs: Sequence[_Job],
    written: Sequence[Prediction],
    destination: Path,
    progress: Progress,
    root: Path,
) -> None:
    """Read back what was written, from end to end, and compare.

    Raises
    ------
    StorageError
        It is not the same.
    """
    report = check_submission(root, progress, tuple(job.entry.volume for job in jobs))
    problems = [f"{f.volume}: {p}" for f in report.files for p in f.problems]
    sums = {one.volume: one.checksum for one in written}
    problems += [f"{f.volume}: voxels differ" for f in report.files if f.checksum != sums[f.volume]]
    if problems:
        raise StorageError(
            f"what was read back is not what was written ({'; '.join(problems)})",
            where=destination,
            remedy="check the disk, then try again",
        )
