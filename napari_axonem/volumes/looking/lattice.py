"""In which pieces a level is decoded and kept, and which of them are worth having next."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.volumes.volume import LazyArray

LEAST_BYTES, MOST_BYTES = 2**17, 2**26
"""Smaller chunks are decoded several at a time; larger ones are cut into sections."""

UNCHUNKED: Zyx = (1, 512, 512)
"""The piece in which an array without chunks is read."""

SECTIONS_AHEAD = 4
"""So many sections are fetched ahead where a chunk is thinner than twice that."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """One level cut into pieces of equal shape; those at the far edges are smaller."""

    shape: Zyx
    """Extent (z, y, x) of the level in voxels."""

    cell: Zyx
    """Extent (z, y, x) of a piece: a chunk, or several, or part of one."""

    @classmethod
    def of(cls, array: LazyArray) -> Lattice:
        """Return the pieces in which an array is best decoded."""
        shape = Box.of_shape(array.shape).shape
        chunk = list(_chunk(array) or UNCHUNKED)
        itemsize = np.dtype(array.dtype).itemsize
        while math.prod(chunk) * itemsize < LEAST_BYTES:
            growing = [axis for axis in (2, 1) if chunk[axis] < shape[axis]]
            if not growing:
                break
            chunk[min(growing, key=lambda axis: chunk[axis])] *= 2
        if math.prod(chunk) * itemsize > MOST_BYTES:
            chunk[0] = 1
        return cls(shape, zyx(np.minimum(chunk, shape)))

    def box(self, index: Sequence[int]) -> Box:
        """Return the voxels of a piece."""
        start = zyx(np.multiply(index, self.cell))
        z, y, x = (min(a + c, n) for a, c, n in zip(start, self.cell, self.shape, strict=True))
        return Box(start, (z, y, x))

    def indices(self, box: Box) -> Iterator[Zyx]:
        """Yield the pieces that overlap a box."""
        yield from itertools.product(
            *(
                range(a // c, -(-b // c))
                for a, b, c in zip(box.start, box.stop, self.cell, strict=True)
            )
        )

    def overlap(self, index: Zyx, box: Box) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return where a box overlaps a piece: as an index into the piece, and into the box.

        In plain integers, because a picture is put together from hundreds of pieces.
        """
        inside, there = [], []
        for axis in (0, 1, 2):
            cell, first = self.cell[axis], box.start[axis]
            corner = index[axis] * cell
            start = corner if corner > first else first
            stop = min(corner + cell, box.stop[axis])
            inside.append(slice(start - corner, stop - corner))
            there.append(slice(start - first, stop - first))
        return tuple(inside), tuple(there)

    def bytes(self, box: Box, itemsize: int) -> int:
        """Return how much the pieces that overlap a box take, each counted as a whole one."""
        return itemsize * math.prod(
            (-(-b // c) - a // c) * c
            for a, b, c in zip(box.start, box.stop, self.cell, strict=True)
        )

    def next_boxes(self, box: Box, before: Box | None) -> list[Box]:
        """Return what may be looked at after a plane, likeliest first.

        The pieces that follow in the direction of movement, when their first section is no
        further than half a piece away. Without a movement, and after a jump, those that are a
        quarter away, on both sides. When the view was moved within the plane, the next strip
        of pieces in that direction.

        Parameters
        ----------
        box
            The plane: one voxel thick along one axis. There is nothing ahead of other boxes.
        before
            The plane looked at before.
        """
        if 1 not in box.shape:
            return []
        axis = box.shape.index(1)
        moved = 0 if before is None else box.start[axis] - before.start[axis]
        same_view = before is not None and before.shape == box.shape
        if same_view and moved == 0 and before is not None:
            return self._beside(box, before, axis)
        ways = [1, -1]
        reach = max(SECTIONS_AHEAD // 2, self.cell[axis] // 4)
        if 0 < abs(moved) <= max(self.cell[axis], SECTIONS_AHEAD):
            ways, reach = [1 if moved > 0 else -1], max(SECTIONS_AHEAD, self.cell[axis] // 2)
        return [b for way in ways for b in self._along(box, axis, way, reach)]

    def _along(self, box: Box, axis: int, way: int, reach: int) -> Iterator[Box]:
        """Yield the plane in each piece that begins within `reach` along an axis."""
        at, cell = box.start[axis], self.cell[axis]
        for number in range(1, 1 + SECTIONS_AHEAD):
            piece = at // cell + way * number
            first = piece * cell if way > 0 else (piece + 1) * cell - 1
            if abs(first - at) > reach or not 0 <= first < self.shape[axis]:
                return
            yield _moved(box, axis, first, first + 1)

    def _beside(self, box: Box, before: Box, thin: int) -> list[Box]:
        """Return the strips of pieces beyond a view that was moved within its plane."""
        strips = []
        for axis in (a for a in range(3) if a != thin):
            way = box.start[axis] - before.start[axis]
            edge = box.stop[axis] if way > 0 else box.start[axis] - 1
            if way and 0 <= edge < self.shape[axis]:
                strips.append(_moved(box, axis, edge, edge + 1))
        return strips


def _moved(box: Box, axis: int, start: int, stop: int) -> Box:
    """Return a box with another extent along one axis."""
    starts, stops = list(box.start), list(box.stop)
    starts[axis], stops[axis] = start, stop
    return Box(zyx(starts), zyx(stops))


def _chunk(array: Any) -> Zyx | None:  # noqa: ANN401
    """Return the shape of an array's chunks where they are all alike."""
    chunks = getattr(array, "chunks", None)
    if chunks is None or len(chunks) != 3 or not all(isinstance(c, int) for c in chunks):
        return None
    return zyx(chunks)
