"""What the workers run to make fragments: each function does one block, however often it is run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from napari_axonem.geometry import Box, Grid, Zyx
from napari_axonem.segmentation.fragments.basins import block_near, find_basins
from napari_axonem.segmentation.fragments.contacts import block_contacts
from napari_axonem.segmentation.fragments.reading import Affinities, read_affinities
from napari_axonem.segmentation.fragments.scratch import Scratch
from napari_axonem.segmentation.fragments.settings import Rule
from napari_axonem.segmentation.inference.resampling import labels_on
from napari_axonem.volumes import LazyArray, Pyramid, open_affinities

Item = tuple[int, Box]
"""A block by its number, with its voxels."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every block needs to know."""

    affinities: str
    """Where they are, not depending on the current folder."""

    stamp: str
    """Changes with their files, so that no process reads from ones opened before that."""

    shape: Zyx
    """Of the affinities."""

    grid: Grid
    """Of the affinities."""

    image_shape: Zyx
    """Of the labels that are made."""

    image_grid: Grid
    """Of the labels: another one than of the affinities where the image was resampled."""

    rule: Rule
    scratch: Scratch

    folder: Path
    """Where the pyramids are that are made."""

    @property
    def fragments(self) -> Path:
        """The pyramid of fragments."""
        return self.folder / "fragments.zarr"

    @property
    def is_resampled(self) -> bool:
        """Whether affinities and image have different voxels."""
        return (self.shape, self.grid) != (self.image_shape, self.image_grid)

    @property
    def numbered(self) -> Path:
        """The pyramid of fragments on the grid of the affinities."""
        return self.scratch.fragments if self.is_resampled else self.fragments

    @property
    def segmentation(self) -> Path:
        """The pyramid of segments."""
        return self.folder / "segmentation.zarr"

    def find(self, item: Item) -> int:
        """Find the basins of a block, and return how many there are."""
        index, block = item
        size = self.grid.voxel_size
        seen = block_near(block, Box.of_shape(self.shape), self.rule, size)
        found = find_basins(self._read(seen), seen, block, self.shape, self.rule, size)
        label = np.where(found.is_background, np.uint32(0), found.basin)
        _pyramid(self.scratch.labels).write(block, label)
        self.scratch.save_basins(index, found)
        return len(found.end)

    def number(self, item: Item) -> None:
        """Write the fragments of a block of the affinities."""
        index, block = item
        basin = _pyramid(self.scratch.labels).volume.read(block)
        start, stop = np.load(self.scratch.starts)[index : index + 2]
        numbers = np.load(self.scratch.numbers, mmap_mode="r")[start:stop]
        table = np.concatenate([np.zeros(1, np.uint32), numbers])
        _pyramid(self.numbered).write(block, table[basin])

    def touch(self, item: Item) -> int:
        """Add up the contacts of a block, and return how many there are."""
        index, block = item
        seen = Box(block.grow(1).start, block.stop).intersect(Box.of_shape(self.shape))
        label = _pyramid(self.numbered).volume.read(seen)
        sums = block_contacts(label, self._read(block), block.relative_to(seen.start))
        self.scratch.save_contacts(index, sums)
        return len(sums[0])

    def bring_back(self, item: Item) -> None:
        """Write the fragments of a block of the image: each voxel has that at its middle."""
        _, block = item
        found = labels_on(_pyramid(self.numbered).volume, self.image_grid, self.image_shape)
        _pyramid(self.fragments).write(block, found.read(block))

    def colour(self, item: Item) -> None:
        """Write the segments of a block of the image."""
        _, block = item
        fragments = _pyramid(self.fragments).volume.read(block)
        table = np.load(self.scratch.segments)
        _pyramid(self.segmentation).write(block, table[fragments])

    def refresh(self, item: tuple[str, int, Box]) -> None:
        """Make one block of a coarser level of a pyramid in the folder."""
        name, level, block = item
        _pyramid(self.folder / name).refresh_block(level, block)

    def _read(self, box: Box) -> Affinities:
        source = _opened(self.affinities, self.stamp)
        return read_affinities(source, box, self.affinities)


@lru_cache(maxsize=2)
def _opened(location: str, stamp: str) -> LazyArray:
    return open_affinities(location)


def _pyramid(path: Path) -> Pyramid:
    return _opened_pyramid(path, (path / "zarr.json").stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _opened_pyramid(path: Path, made: int) -> Pyramid:
    return Pyramid.open(path, writable=True)


def forget_opened() -> None:
    """Let go of the files that this process has opened."""
    _opened.cache_clear()
    _opened_pyramid.cache_clear()
