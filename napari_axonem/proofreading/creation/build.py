"""The steps in which a project is made; each can be taken up where it was cut off."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_axonem import __version__
from napari_axonem.blockwise import Journal, Team
from napari_axonem.errors import ProjectError, StorageError
from napari_axonem.evaluation.cells import BLOCK
from napari_axonem.evaluation.grouping import fold
from napari_axonem.evaluation.overlaps import OverlapTable, merge_tables
from napari_axonem.evaluation.parts import voi_of
from napari_axonem.evaluation.skeletons import lookup, read_skeletons, write_skeletons
from napari_axonem.geometry import Box, blocks
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.creation.cutting import CutObjects
from napari_axonem.proofreading.creation.labels import (
    ListIds,
    MakeLevel,
    WriteDense,
    all_ids,
    id_file,
    opened,
)
from napari_axonem.proofreading.creation.planning import Plan, plan_of
from napari_axonem.proofreading.creation.settings import CreateSettings
from napari_axonem.proofreading.creation.starting import (
    read_scores,
    segment_of_fragments,
    started,
    within_groups,
)
from napari_axonem.proofreading.creation.tabulating import (
    Assembly,
    CountOverlaps,
    MergeRange,
    Tabulate,
    overlap_file,
    ranges_of,
)
from napari_axonem.proofreading.record.backups import copy_database
from napari_axonem.proofreading.record.folder import SUFFIX, Folder
from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.tables.stored import Tables
from napari_axonem.volumes import Pyramid, disk, natural_block
from napari_axonem.volumes.conversion.reading import Reading, forget_opened
from napari_axonem.volumes.conversion.work import Work, work_folder, working_on

T = TypeVar("T")
R = TypeVar("R")
Ids = npt.NDArray[np.uint64]

BEGUN, PUBLISHED = "begun", "published"
"""Stages of the journal that are no work on blocks."""


def create_project(path: Path | str, settings: CreateSettings, progress: Progress = silent) -> None:
    """Make a project folder; it appears under its name only when it is complete.

    It is made blockwise by several processes, in a hidden folder ``.NAME.partial`` beside its
    destination. When that is cut off, by whatever, the same settings take it up where it was, and
    lead to the same files. What belongs to other settings, or to a volume that has changed since,
    is begun anew.

    Raises
    ------
    ProjectError
        The folder exists, or its name does not end in ``.axonem``.
    MismatchError
        The volumes do not lie on one grid.
    VolumeError
        A volume cannot be read or holds no labels, or another process makes the same project.
    SkeletonError
        The skeletons cannot be read.
    StorageError
        The disk is full, read-only or failing.
    BlockError
        The workers fail.
    """
    final = Path(path).absolute()
    if final.suffix != SUFFIX:
        raise ProjectError(f"a project's name ends in {SUFFIX}", where=final)
    if final.exists() and not work_folder(final).exists():
        raise ProjectError("it exists already", where=final, remedy="choose another name")
    plan = plan_of(settings)
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _named_after(final), working_on(final) as work:
            _taken_up_or_begun(plan, work, progress)
            disk.remove(work.journal)
    finally:
        forget_opened()
        opened.cache_clear()


@contextmanager
def _named_after(final: Path) -> Iterator[None]:
    """Let errors of the disk name the project, and say what comes after mending it."""
    try:
        yield
    except StorageError as error:
        raise StorageError(
            error.seen,
            where=final,
            remedy=f"{error.remedy}; the same command then goes on where it was",
        ) from error


def _taken_up_or_begun(plan: Plan, work: Work, progress: Progress) -> None:
    goes_on = work.goes_on(plan.about)
    if work.destination.exists():
        with Journal(work.journal, plan.about) as journal:
            if goes_on and journal.done(PUBLISHED):  # killed between its last two steps
                return
        raise ProjectError("it exists already", where=work.destination, remedy="remove it first")
    scratch = work.folder / "scratch"
    if not goes_on or not work.result.exists():
        work.begin_anew()
        disk.remove(scratch)
        with disk.guarded(work.destination):
            work.result.mkdir()
            scratch.mkdir()
    with (
        Journal(work.journal, plan.about, settle=disk.settle) as journal,
        Team(plan.settings.workers, plan.settings.scheduler) as team,
        disk.guarded(work.destination),
    ):
        if not journal.done(BEGUN):
            journal.add(BEGUN, 0, datetime.now(UTC).isoformat(timespec="seconds"))
        Build(plan, Folder(work.result), scratch, journal, team, progress).run()
        disk.remove(scratch)
        journal.add(PUBLISHED, 0, None)
        journal.flush()
        disk.publish(work.result, work.destination, overwrite=None)


@dataclass(frozen=True, slots=True)
class Build:
    """What the making of a project works with."""

    plan: Plan
    folder: Folder

    scratch: Path
    """A folder for what is needed in between."""

    journal: Journal
    team: Team
    progress: Progress

    def run(self) -> None:
        """Do what is left to be done."""
        plan = self.plan
        reading = self._cut_objects() if plan.settings.cut_objects else plan.labels
        fragment_ids = self._write_dense(reading, self.folder.fragments, "fragments")
        truth_ids = np.zeros(1, np.uint64)
        if plan.truth is not None:
            truth_ids = self._write_dense(plan.truth, self.folder.truth, "truth")
        counts = self._tabulate(len(fragment_ids) - 1)
        group = self._groups(len(fragment_ids))
        nodes = self._look_up_skeletons()
        self._assemble(counts, group, fragment_ids, truth_ids, nodes)

    def _each(self, job: Callable[[T], R], items: Sequence[T], doing: str) -> dict[int, R]:
        return dict(self.team.run(job, items, self.progress, doing, self.journal))

    def _cut_objects(self) -> Reading:
        """Cut the objects of the segmentation; return how to read the fragments."""
        plan, path = self.plan, self.scratch / "cut.zarr"
        grid, spacing = plan.grid, plan.settings.cut_objects or 0.0
        if not path.exists():
            Pyramid.create(path, plan.shape, np.uint64, grid, kind="labels")
        box = Box.of_shape(plan.shape)
        items = list(enumerate(blocks(box, natural_block(opened(path).volume))))
        job = CutObjects(plan.labels, path, spacing, grid.voxel_size)
        self._each(job, items, "cutting objects into fragments")
        return Reading(str(path), grid, "", (0, 0, 0), np.dtype(np.uint64))

    def _write_dense(self, reading: Reading, path: Path, role: str) -> Ids:
        """Write labels as a pyramid of dense uint32 ids; return the id each came from."""
        if not path.exists():
            Pyramid.create(path, self.plan.shape, np.uint32, self.plan.grid, kind="labels")
        pyramid = opened(path)
        boxes = blocks(Box.of_shape(self.plan.shape), natural_block(pyramid.volume))
        items = list(enumerate(boxes))
        listed = self.scratch / role
        listed.mkdir(exist_ok=True)
        self._each(ListIds(reading, listed), items, f"listing {role}")
        ids = all_ids((id_file(listed, number) for number, _ in items), reading.location)
        np.save(listed / "all.npy", ids, allow_pickle=False)
        self._each(WriteDense(reading, path, listed / "all.npy"), items, f"writing {role}")
        for level, level_boxes in enumerate(pyramid.coarser_blocks(), start=1):
            todo = [(level, box) for box in level_boxes]
            self._each(MakeLevel(path), todo, f"making level {level} of {role}")
        return ids

    def _tabulate(self, fragments: int) -> list[tuple[int, int, int]]:
        """Tabulate cells and contacts; return the rows of each range of fragments."""
        plan, box = self.plan, Box.of_shape(self.plan.shape)
        items = list(enumerate(blocks(box, BLOCK)))
        truth = None if plan.truth is None else self.folder.truth
        affinities = plan.affinities
        job = Tabulate(self.folder.fragments, truth, affinities, box, self.scratch)
        terms = self._each(job, items, "tabulating cells and contacts")
        ranges = ranges_of(fragments, sum(contacts for _, contacts in terms.values()))
        merge = MergeRange(self.scratch, len(items), plan.affinity_scale)
        counts = self._each(merge, ranges, "adding up cells and contacts")
        return [(row[0], row[1], row[2]) for _, row in sorted(counts.items())]

    def _groups(self, count: int) -> Ids:
        """Return the imported segment of each fragment, 0 where there is none."""
        plan = self.plan
        if plan.segmentation is None:
            return np.zeros(count, np.uint64)
        items = list(enumerate(blocks(Box.of_shape(plan.shape), BLOCK)))
        job = CountOverlaps(self.folder.fragments, plan.segmentation, self.scratch)
        self._each(job, items, "finding the segments of fragments")

        def tables() -> Iterator[OverlapTable]:
            for number, _ in items:
                with np.load(overlap_file(self.scratch, number), allow_pickle=False) as stored:
                    yield OverlapTable(stored["arr_0"], stored["arr_1"], stored["arr_2"])

        return segment_of_fragments(fold(tables(), merge_tables, len), count)

    def _look_up_skeletons(self) -> npt.NDArray[np.uint32]:
        """Keep the skeletons; return the fragment under each of their nodes."""
        location = self.plan.settings.skeletons
        if location is None:
            return np.zeros(0, np.uint32)
        path, grid = self.folder.skeletons, self.plan.grid
        given = read_skeletons(location, voxel_size=grid.voxel_size, origin=grid.origin)
        write_skeletons(path, given, overwrite=True)
        kept = read_skeletons(path)  # positions as they are from now on
        volume = opened(self.folder.fragments).volume
        return lookup(volume, kept, self.progress).segment.astype(np.uint32)

    def _assemble(
        self,
        counts: list[tuple[int, int, int]],
        group: Ids,
        fragment_ids: Ids,
        truth_ids: Ids,
        nodes: npt.NDArray[np.uint32],
    ) -> None:
        """Write the tables and the database."""
        disk.remove(self.folder.tables)
        self.folder.tables.mkdir()
        assembly = Assembly(self.scratch, counts, self.folder.tables)
        self.progress(0, 2, "putting the tables together")
        assembly.cells_and_contacts()
        found = assembly.edges()
        settings = self.plan.settings
        score = np.zeros(0, np.float32)
        if settings.scores is not None:
            score = read_scores(Path(settings.scores), found, fragment_ids)
        on = within_groups(found, group)
        if settings.threshold is not None:
            on = (score if len(score) else found.affinity) >= settings.threshold
        self.progress(1, 2, "putting the tables together")
        cells = Tables.cells_in(self.folder.tables)
        sizes = np.bincount(cells.fragment, weights=cells.voxels, minlength=len(fragment_ids))
        rank = sizes.astype(np.int64)
        start = started(found, on, group, cells, rank)
        Tables.save_rest(
            self.folder.tables,
            start.on,
            start.strays,
            start.incidence,
            {
                "segment": start.segment,
                "rank": rank,
                "fragment_ids": fragment_ids,
                "truth_ids": truth_ids,
                "node_fragment": nodes,
                "score": score,
            },
        )
        voi = None
        if len(truth_ids) > 1:
            at_start = voi_of(Tables.load(self.folder.tables).cells, start.segment)
            voi = [at_start.split, at_start.merge]
        self._begin_log(self._said(voi))
        self.progress(2, 2, "putting the tables together")

    def _begin_log(self, said: dict[str, Any]) -> None:
        """Write the database, and the first copy of it: no project is ever without one."""
        disk.remove(self.folder.database)
        disk.remove(self.folder.backups)  # a copy of another database, from before a crash
        try:
            Log.create(self.folder.database, said)
            copy_database(self.folder, 0)
        except sqlite3.Error as error:
            raise StorageError(
                f"the project database cannot be written ({error})",
                where=self.folder.database,
                remedy="free some disk space and check that the folder can be written",
            ) from error

    def _said(self, voi: list[float] | None) -> dict[str, Any]:
        return {
            **self.plan.said,
            "voi_at_start": voi,
            "created": self.journal.done(BEGUN)[0],
            "version": __version__,
        }
