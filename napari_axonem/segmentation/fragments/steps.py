"""From affinities to fragments and their merge tree: the steps, each of which can be taken up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from napari_axonem.agglomeration import MergeTree, merge_scores
from napari_axonem.agglomeration.linkage import UNIT
from napari_axonem.blockwise import Journal, Team
from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.progress import Progress
from napari_axonem.segmentation.fragments.basins import Int64
from napari_axonem.segmentation.fragments.contacts import Sums, merged
from napari_axonem.segmentation.fragments.graph import Graph, load_graph, save_graph
from napari_axonem.segmentation.fragments.jobs import Item, Job
from napari_axonem.segmentation.fragments.joining import join_blocks
from napari_axonem.segmentation.fragments.scratch import Lattice
from napari_axonem.volumes import Pyramid, block_shape, disk

FINDING, JOINED, NUMBERING = "finding fragments", "joined", "numbering fragments"
TOUCHING, AGGLOMERATED, COLOURING = "adding up contacts", "agglomerated", "writing segments"
BRINGING_BACK = "bringing fragments to the voxels of the image"
"""Stages of the journal, and what the user reads meanwhile."""

AT_ONCE = 32
"""Tables of so many blocks are added up at a time."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Steps:
    """What the making of fragments works with."""

    job: Job
    smallest: int
    """Fragments of fewer voxels become background."""

    dust: int
    """Segments of fewer voxels become background."""

    journal: Journal
    team: Team
    progress: Progress

    @property
    def lattice(self) -> Lattice:
        """The blocks of the affinities."""
        return _lattice(self.job.numbered, self.job.shape)

    def make_graph(self) -> Graph:
        """Do what is left to be done up to fragments, their pyramid and their merge tree.

        Raises
        ------
        VolumeError
            The affinities cannot be read, or there are more fragments than ids.
        StorageError
            The disk cannot be written.
        BlockError
            The workers fail.
        """
        path = self.job.folder / "graph.npz"
        if not self.journal.done(AGGLOMERATED):
            items = list(enumerate(self.lattice.boxes))
            self._all(self.job.find, items, FINDING)
            self._once(JOINED, self._join)
            self._all(self.job.number, items, NUMBERING)
            self._all(self.job.touch, items, TOUCHING)
            if self.job.is_resampled:
                self._all(self.job.bring_back, self._image_items(), BRINGING_BACK)
            self._refresh(self.job.fragments.name)
            self._once(AGGLOMERATED, self._agglomerate)
        return load_graph(path)

    def write_segments(self, graph: Graph, threshold: float) -> int:
        """Write the segments at a threshold as a pyramid, and return how many there are."""
        segments = graph.segments_at(threshold, self.dust)
        with disk.guarded(self.job.scratch.segments):
            np.save(self.job.scratch.segments, segments, allow_pickle=False)
        self._all(self.job.colour, self._image_items(), COLOURING)
        self._refresh(self.job.segmentation.name)
        return len(np.unique(segments[segments > 0]))

    def _image_items(self) -> list[Item]:
        return list(enumerate(_lattice(self.job.fragments, self.job.image_shape).boxes))

    def _join(self) -> None:
        sizes = join_blocks(
            self.job.scratch, self.lattice, self.job.shape, self.smallest, self.progress
        )
        with disk.guarded(self.job.scratch.sizes):
            np.save(self.job.scratch.sizes, sizes, allow_pickle=False)

    def _agglomerate(self) -> None:
        sizes: Int64 = np.load(self.job.scratch.sizes)
        self.progress(0, 1, "agglomerating")
        key, area, total = self._contacts()
        u, v = (key >> 32).astype(np.uint32), (key & 0xFFFFFFFF).astype(np.uint32)
        affinity = (total / np.maximum(area, 1) / UNIT).astype(np.float32)
        tree: MergeTree = merge_scores(u, v, area, affinity, len(sizes) - 1)
        save_graph(self.job.folder / "graph.npz", Graph(u, v, area, affinity, sizes, tree))
        self.progress(1, 1, "agglomerating")

    def _contacts(self) -> Sums:
        none = np.zeros(0, np.int64)
        whole: Sums = (none, none, none)
        count = len(self.lattice.boxes)
        for first in range(0, count, AT_ONCE):
            some = range(first, min(count, first + AT_ONCE))
            whole = merged([whole, *(self.job.scratch.contacts(index) for index in some)])
        return whole

    def _refresh(self, name: str) -> None:
        """Make the coarser levels of a pyramid; each is complete before the next is begun."""
        pyramid = Pyramid.open(self.job.folder / name)
        for level, boxes in enumerate(pyramid.coarser_blocks(), start=1):
            items = [(name, level, box) for box in boxes]
            self._all(self.job.refresh, items, f"making level {level} of {name.split('.')[0]}")
        for torn in pyramid.path.rglob("*.partial"):  # what a killed process left of a chunk
            torn.unlink()

    def _all(self, function: Callable[[T], object], items: Sequence[T], doing: str) -> None:
        for _ in self.team.run(function, items, self.progress, doing, self.journal):
            pass  # what a block gives is on disk
        self.journal.flush()

    def _once(self, stage: str, work: Callable[[], None]) -> None:
        if not self.journal.done(stage):
            work()
            self.journal.add(stage, 0, None)
            self.journal.flush()


def _lattice(path: Path, whole: Zyx) -> Lattice:
    """Return the blocks of a volume: whole chunks of the pyramid that is written."""
    pyramid = Pyramid.open(path)
    size = pyramid.volume.grid.voxel_size
    shape = block_shape(whole, pyramid.chunk, np.dtype(np.uint32).itemsize, size)
    return Lattice(tuple(blocks(Box.of_shape(whole), shape)))


def create_pyramids(job: Job) -> None:
    """Make the pyramids that are to be filled; every voxel reads as 0.

    Raises
    ------
    StorageError
        The disk cannot be written.
    """
    for path in {job.scratch.labels, job.numbered} - {job.fragments}:
        Pyramid.create(path, job.shape, np.uint32, job.grid, kind="labels")
    for path in (job.fragments, job.segmentation):
        Pyramid.create(path, job.image_shape, np.uint32, job.image_grid, kind="labels")
