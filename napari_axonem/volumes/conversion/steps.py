"""The steps of a conversion: each can be taken up where it was cut off."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from napari_axonem.blockwise import Journal, Team
from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.geometry import Box
from napari_axonem.progress import Progress
from napari_axonem.volumes import disk
from napari_axonem.volumes.conversion.jobs import Check, Job
from napari_axonem.volumes.conversion.planning import Plan
from napari_axonem.volumes.conversion.reading import Reading, stamp_of
from napari_axonem.volumes.conversion.work import Work
from napari_axonem.volumes.pyramid import Pyramid
from napari_axonem.volumes.writers.registry import word_of
from napari_axonem.volumes.writers.sink import Layered
from napari_axonem.volumes.writing import complete, fill_sink, item_boxes

COPYING, ORDERED, CHECKING = "converting", "writing in order", "checking"
"""Stages of the journal, and what the user reads meanwhile."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What a conversion works with."""

    plan: Plan
    work: Work
    journal: Journal
    team: Team
    progress: Progress

    def run(self) -> None:
        """Do what is left to be done, up to a complete and checked result.

        Raises
        ------
        VolumeError
            The source cannot be read.
        StorageError
            The disk cannot be written, or gives back other voxels.
        BlockError
            The workers fail.
        """
        plan = self.plan
        self._refuse_lost()
        job = Job(
            plan.reading, plan.content, word_of(plan.first_writer), plan.first_sink(self.work)
        )
        boxes = item_boxes(job.sink(), plan.content, plan.read_at_once)
        for _ in self.team.run(job.copy, boxes, self._megabytes, COPYING, self.journal):
            pass  # what a block gives is in the journal
        if plan.target.writer.resume:
            self._make_levels(job)
            job.sink().finish(self.progress)
        elif not self.journal.done(ORDERED):
            self._write_in_order()
        if plan.settings.check:
            self._check(boxes)

    def _refuse_lost(self) -> None:
        """Raise `VolumeError` where an earlier run with `fill` met damage, and this one has none.

        A damaged file that was mended has another stamp: the work was begun anew then.
        """
        lost = [t for block in self.journal.done(COPYING).values() for t in block["lost"]]
        if lost and not self.plan.settings.fill:
            raise VolumeError(
                lost[0], where=self.plan.reading.location, remedy="mend it, or pass --fill again"
            )

    def _make_levels(self, job: Job) -> None:
        """Make the coarser levels; each is complete before the next is begun."""
        sink = job.sink()
        for level, boxes in enumerate(sink.coarser if isinstance(sink, Layered) else (), start=1):
            items = [(level, box) for box in boxes]
            doing = f"making level {level}"
            for _ in self.team.run(job.make, items, self.progress, doing, self.journal):
                pass

    def _write_in_order(self) -> None:
        """Write a format that takes its blocks in order, from the copy that was made for it."""
        plan, result = self.plan, self.work.result
        disk.remove(result)  # a part of it, that an earlier run has left
        stage = Pyramid.open(self.work.stage).volume
        with closing(plan.target.writer.create(result, plan.content)) as sink:
            fill_sink(sink, stage.read, plan.content, self._megabytes)
            complete(sink, self.progress)
        self.journal.add(ORDERED, 0, None)
        self.journal.flush()

    def _check(self, boxes: list[Box]) -> None:
        """Compare what the result gives with what the source gave."""
        content, result = self.plan.content, self.work.result
        location = self.plan.target.location(result)
        reading = Reading(location, content.grid, stamp_of(location), (0, 0, 0), content.dtype)
        digest = Check(reading, content).digest
        copied = self.journal.done(COPYING)
        for index, found in self.team.run(digest, boxes, self._megabytes, CHECKING, self.journal):
            if found != copied[index]["sum"]:
                self.journal.discard()  # the next run begins anew
                box = boxes[index]
                raise StorageError(
                    f"voxels {box.start}..{box.stop} are not what was written",
                    where=location,
                    remedy="check the disk and the memory of this machine",
                )

    def _megabytes(self, done: int, total: int, doing: str) -> None:
        """Tell blocks as the megabytes of voxels that they stand for."""
        content = self.plan.content
        size = -(-Box.of_shape(content.shape).size * content.dtype.itemsize // 10**6)
        self.progress(done * size // max(1, total), size, f"{doing}, MB")
