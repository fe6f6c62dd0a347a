r"""Which blocks a network is run over, and with which weights their results are added up.

Along each axis the volume is cut into *tiles* of ``tile`` voxels, which are what is written. The
*block* of a tile is what the network sees at once: the tile and ``overlap`` voxels beyond its
upper face. In these the result fades over to that of the next block, so that a voxel of a tile
belongs to its own block and, near its lower face, to the one before. At the two ends of the volume
blocks reach ``margin`` voxels, half the overlap, over it: a voxel there sees as much around it
as one in the middle of a transition does.

::

    voxel   -margin  0          tile       2·tile     N  N+margin
    tiles            |----0-----|----1-----|----2-----|
    block 0  ========================\
    block 1                     /===============\
    block 2                                /===============

Weights are whole numbers out of `WEIGHT` along each axis, and the two of a transition add up to
it: in three dimensions they sum to ``WEIGHT ** 3`` exactly, whatever the order of adding.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import Box, Zyx, zyx

WEIGHT = 64
"""What the weights along one axis add up to."""

Weights = npt.NDArray[np.int32]
"""Whole numbers in 0..WEIGHT."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a block that lies in a tile."""

    tile: Zyx
    """Index (z, y, x) of the tile."""

    of_tile: Box
    """Where, in voxels of the tile."""

    of_block: Box
    """Where, in voxels of the block."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The tiles along one axis."""

    extent: int
    """Voxels of the volume."""

    tile: int
    """Voxels of a tile; the last one may have fewer."""

    overlap: int
    """Voxels over which two blocks fade into each other; at most a tile."""

    margin: int
    """Voxels by which the first and the last block reach over the volume."""

    @property
    def count(self) -> int:
        """Number of tiles."""
        return -(-self.extent // self.tile)

    def of_tile(self, index: int) -> tuple[int, int]:
        """Return first and last voxel of a tile, half-open."""
        return index * self.tile, min((index + 1) * self.tile, self.extent)

    def of_block(self, index: int) -> tuple[int, int]:
        """Return first and last voxel of a block, half-open; they may lie beyond the volume."""
        start, stop = self.of_tile(index)
        is_last = index == self.count - 1
        return (
            start - (self.margin if index == 0 else 0),
            (self.extent + self.margin) if is_last else stop + self.overlap,
        )

    def parts(self, index: int) -> list[tuple[int, int, int]]:
        """Return the tiles that a block adds to, each with how far it does, in its voxels."""
        start, stop = self.of_tile(index)
        found = [(index, 0, stop - start)]
        if index + 1 < self.count:
            start, stop = self.of_tile(index + 1)
            found.append((index + 1, 0, min(self.overlap, stop - start)))
        return found

    def weights(self, tile: int, block: int) -> Weights:
        """Return the weights of a block along a tile, for as many voxels as it adds to."""
        start, stop = self.of_tile(tile)
        fading = fade(self.overlap)[: stop - start]
        if block == tile - 1:
            return WEIGHT - fading
        weights = np.full(stop - start, WEIGHT, np.int32)
        if tile > 0:
            weights[: len(fading)] = fading
        return weights


@dataclass(frozen=True, slots=True)
class Tiling:
    """The tiles of a volume, and the block of each."""

    axes: tuple[Axis, Axis, Axis]
    """Along z, y and x."""

    @classmethod
    def of(
        cls, shape: Zyx, block: Zyx, overlap: Zyx, multiple: Zyx, *, reaches: bool = True
    ) -> Self:
        """Return the tiling of a volume.

        Parameters
        ----------
        shape
            Of the volume (z, y, x).
        block
            Largest extent of a block, without what it reaches over the volume.
        overlap
            Of two blocks. Rounded up to `multiple`, and kept to half of a block.
        multiple
            What a network takes extents to be multiples of; all blocks begin on this lattice, so
            that pooling windows lie at the same voxels in all of them.
        reaches
            Whether blocks at the ends reach over the volume.

        Raises
        ------
        SettingsError
            A block of that extent leaves no tile.
        """
        z, y, x = (
            _axis(*values, reaches) for values in zip(shape, block, overlap, multiple, strict=True)
        )
        return cls((z, y, x))

    @property
    def shape(self) -> Zyx:
        """Extent of the volume (z, y, x) in voxels."""
        return zyx([axis.extent for axis in self.axes])

    @property
    def tile_shape(self) -> Zyx:
        """Extent of a whole tile (z, y, x) in voxels."""
        return zyx([axis.tile for axis in self.axes])

    @property
    def counts(self) -> Zyx:
        """Number of tiles along z, y, x."""
        return zyx([axis.count for axis in self.axes])

    def indices(self, unit: Box | None = None) -> list[Zyx]:
        """Return the tiles of a unit, a box of tiles, in raster order; of all where None."""
        box = unit or Box.of_shape(self.counts)
        ranges = (range(a, b) for a, b in zip(box.start, box.stop, strict=True))
        return [(z, y, x) for z, y, x in itertools.product(*ranges)]

    def number(self, tile: Zyx) -> int:
        """Return the place of a tile in raster order."""
        return int(np.ravel_multi_index(tile, self.counts))

    def index(self, number: int) -> Zyx:
        """Return the tile at a place in raster order."""
        return zyx(np.unravel_index(number, self.counts))

    def tile(self, index: Zyx) -> Box:
        """Return the voxels of a tile."""
        return _box([axis.of_tile(i) for axis, i in zip(self.axes, index, strict=True)])

    def block(self, index: Zyx) -> Box:
        """Return the voxels of the block of a tile; some may lie beyond the volume."""
        return _box([axis.of_block(i) for axis, i in zip(self.axes, index, strict=True)])

    def pieces(self, block: Zyx) -> Iterator[Piece]:
        """Yield what a block adds, and to which tiles: to its own first."""
        start = self.block(block).start
        parts = (axis.parts(i) for axis, i in zip(self.axes, block, strict=True))
        for along in itertools.product(*parts):
            tile = zyx([t for t, _, _ in along])
            of_tile = _box([(a, b) for _, a, b in along])
            of_block = of_tile.shift(self.tile(tile).start).relative_to(start)
            yield Piece(tile, of_tile, of_block)

    def blocks_of(self, tile: Zyx) -> list[Zyx]:
        """Return the blocks that add to a tile, in raster order: its own is the last."""
        before = ([i - 1, i] if i > 0 else [i] for i in tile)
        return [(z, y, x) for z, y, x in itertools.product(*before)]

    def weights(self, tile: Zyx, block: Zyx) -> Weights:
        """Return the weights (z, y, x), out of ``WEIGHT ** 3``, of a block's piece of a tile."""
        z, y, x = (axis.weights(t, b) for axis, t, b in zip(self.axes, tile, block, strict=True))
        weights: Weights = z[:, None, None] * y[:, None] * x
        return weights


def fade(overlap: int) -> Weights:
    """Return rising weights over a transition, the squares of a sine; falling are the rest."""
    at = (np.arange(overlap) + 0.5) / max(1, overlap)
    rising: Weights = np.rint(WEIGHT * np.sin(at * math.pi / 2) ** 2).astype(np.int32)
    return rising


def _axis(extent: int, block: int, overlap: int, multiple: int, reaches: bool) -> Axis:
    room = block // multiple * multiple
    overlap = min(_up(overlap, multiple), room // 2 // multiple * multiple)
    longest = room - overlap
    if longest < 1:
        raise SettingsError(
            f"blocks of {block} voxels are too short for a network that halves "
            f"{int(math.log2(multiple))} times along that axis",
            where="--block",
            remedy=f"give multiples of {multiple}",
        )
    margin = _up(overlap // 2, multiple) if reaches else 0
    count = -(-extent // longest)
    # Tiles of equal length: without a last one that is a sliver, and costs as much as any.
    tile = min(longest, max(_up(-(-extent // count), multiple), overlap, multiple))
    return Axis(extent, tile, overlap, margin)


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _box(spans: Sequence[tuple[int, int]]) -> Box:
    return Box(zyx([a for a, _ in spans]), zyx([b for _, b in spans]))
