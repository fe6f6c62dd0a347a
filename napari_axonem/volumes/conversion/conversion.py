"""A conversion from beginning to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_axonem.blockwise import Journal, Team
from napari_axonem.errors import StorageError
from napari_axonem.geometry import Grid, Zyx
from napari_axonem.progress import Progress, silent
from napari_axonem.volumes import disk
from napari_axonem.volumes.checksum import Checksum
from napari_axonem.volumes.conversion.jobs import forget_sinks
from napari_axonem.volumes.conversion.planning import Plan, plan_of
from napari_axonem.volumes.conversion.reading import Source, forget_opened
from napari_axonem.volumes.conversion.settings import ConvertSettings
from napari_axonem.volumes.conversion.steps import COPYING, Steps
from napari_axonem.volumes.conversion.work import Work, work_folder, working_on
from napari_axonem.volumes.reduction import Kind

_PUBLISHED = "published"
"""Stage of the journal: the result has its final name, or is about to get it."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What `convert` did."""

    location: str
    """Where the volume lies now, in the form that `open_volume` takes."""

    format: str
    """The format as a word for people."""

    shape: Zyx
    """Extent (z, y, x) in voxels."""

    dtype: np.dtype[Any]
    """Type of a voxel."""

    grid: Grid
    """Voxel size and origin in nm."""

    kind: Kind
    """Whether the voxels were taken for grey values or ids."""

    reason: str
    """Why."""

    checksum: str
    """`napari_axonem.volumes.checksum.Checksum` of the voxels."""

    checked: bool
    """Whether the voxels were read back and compared."""

    unreadable: tuple[str, ...]
    """What of the source could not be read and is 0 now."""

    resumed: int
    """How many of the blocks an earlier run had done."""

    blocks: int
    """How many blocks of the finest level there are."""

    anew: str
    """Why what an earlier run had done could not be used; empty where it was, or none was."""


def convert(
    settings: ConvertSettings, progress: Progress = silent, source: Source | None = None
) -> Converted:
    """Convert a volume to another format, type, or part of itself.

    It is written blockwise by several processes, in a hidden folder ``.DST.partial`` beside its
    destination, read back and compared, and takes its name when it is complete. When that is cut
    off, by whatever, the same settings take it up where it was, and lead to the same files. What
    belongs to other settings, or to a source that has changed since, is begun anew.

    A format that has to be written in order, such as HDF5, is written in one go from a copy that
    was made in that way.

    Parameters
    ----------
    settings
        What to do.
    progress
        Called after each block, in megabytes; may raise to stop.
    source
        What to convert where it is no file: it takes the place of what the settings name, which
        then serves for messages.

    Raises
    ------
    VolumeError
        The source cannot be opened or read, the destination exists, is being written or cannot
        be written in that format, or a value does not fit the type.
    StorageError
        The disk is full, read-only or failing, or does not give back what was written.
    BlockError
        The workers fail.
    """
    plan = plan_of(settings, source)
    if not work_folder(plan.destination).exists():
        disk.refuse_existing(plan.target.path, overwrite=settings.overwrite)
    plan.target.writer.check(plan.target.path, plan.content)
    try:
        with _named_after(plan), working_on(plan.destination) as work:
            done = _taken_up_or_begun(plan, work, progress)
            plan.target.writer.announce(plan.target.path)
            disk.remove(work.journal)
    finally:
        forget_opened()
        forget_sinks()
    return done


@contextmanager
def _named_after(plan: Plan) -> Iterator[None]:
    """Let errors of the disk name the destination, and say what comes after mending it."""
    try:
        yield
    except StorageError as error:
        raise StorageError(
            error.seen,
            where=plan.target.path,
            remedy=f"{error.remedy}; the same command then goes on where it was",
        ) from error


def _taken_up_or_begun(plan: Plan, work: Work, progress: Progress) -> Converted:
    """Take up what lies in `work`, or begin, and bring it to its end."""
    goes_on = work.goes_on(plan.about)
    if goes_on and not work.result.exists() and plan.target.path.exists():
        with Journal(work.journal, plan.about) as journal:
            if journal.done(_PUBLISHED):  # killed between its last two steps
                return _summary(plan, journal, resumed=len(journal.done(COPYING)))
    disk.refuse_existing(plan.target.path, overwrite=plan.settings.overwrite)
    anew = ""
    if not goes_on or not plan.first_sink(work).exists():
        anew = "the source or the settings have changed" if work.journal.exists() else ""
        work.begin_anew()
        plan.first_writer.create(plan.first_sink(work), plan.content).close()
    with (
        Journal(work.journal, plan.about, settle=disk.settle) as journal,
        Team(plan.settings.workers, plan.settings.scheduler) as team,
    ):
        resumed = len(journal.done(COPYING))
        Steps(plan, work, journal, team, progress).run()
        done = _summary(plan, journal, resumed, anew)
        journal.add(_PUBLISHED, 0, None)
        journal.flush()
        disk.publish(work.result, plan.destination, overwrite=plan.settings.overwrite)
    return done


def _summary(plan: Plan, journal: Journal, resumed: int, anew: str = "") -> Converted:
    checksum = Checksum(plan.content.shape, plan.content.dtype)
    copied = journal.done(COPYING)
    for block in copied.values():
        checksum.merge(int(block["sum"], 16))
    return Converted(
        location=plan.target.location(),
        format=plan.target.writer.name,
        shape=plan.content.shape,
        dtype=plan.content.dtype,
        grid=plan.content.grid,
        kind=plan.content.kind,
        reason=plan.reason,
        checksum=checksum.hexdigest(),
        checked=plan.settings.check,
        unreadable=tuple(sorted({text for block in copied.values() for text in block["lost"]})),
        resumed=resumed,
        blocks=len(copied),
        anew=anew,
    )
