"""How results of blocks become tiles: weighted sums of whole numbers, the same in any order."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.threads import each
from napari_axonem.geometry import Zyx
from napari_axonem.segmentation.inference.tiling import WEIGHT, Tiling

STEPS = 16
"""Steps in which a block's affinities are counted for one step of the uint8 that is written."""

ONE = 255 * STEPS
"""An affinity of 1 in a block's result."""

Counted = npt.NDArray[np.uint16]
"""Affinities (c, z, y, x) as whole numbers in 0..ONE."""

Tile = npt.NDArray[np.uint8]
"""Affinities (c, z, y, x) as they are written: 255 is 1."""

# The largest sum, ONE * WEIGHT ** 3 = 1.07e9, fits int32.
_SHIFT = (STEPS * WEIGHT**3).bit_length() - 1


class Blending:
    """Adds blocks up to tiles.

    A tile is given out when all its blocks have come. Sums are exact, so that the tiles are the
    same whatever order the blocks come in, on however many devices they were computed, and
    whether or not the work was interrupted in between.

    Parameters
    ----------
    tiling
        Of the volume.
    wanted
        Tiles to be made; what blocks add to others is let go.
    """

    def __init__(self, tiling: Tiling, wanted: Collection[Zyx]) -> None:
        self._tiling = tiling
        self._waiting: dict[Zyx, dict[Zyx, Counted]] = {tile: {} for tile in wanted}

    @property
    def blocks(self) -> list[Zyx]:
        """The blocks that are needed, in an order in which few tiles wait at the same time."""
        found = {block for tile in self._waiting for block in self._tiling.blocks_of(tile)}
        return sorted(found)

    def add(self, block: Zyx, result: Counted) -> list[tuple[Zyx, Tile]]:
        """Take the result of a block and return the tiles that it completes.

        Parameters
        ----------
        result
            Shape (c, z, y, x), at least as large as the block; what is beyond is let go.
        """
        complete = []
        for piece in self._tiling.pieces(block):
            pieces = self._waiting.get(piece.tile)
            if pieces is None:
                continue
            # A copy: a view of a thin piece would hold the whole block in memory.
            pieces[block] = result[(slice(None), *piece.of_block.slices)].copy()
            if len(pieces) == len(self._tiling.blocks_of(piece.tile)):
                complete.append((piece.tile, self._sum(piece.tile, pieces)))
                del self._waiting[piece.tile]
        return complete

    def _sum(self, tile: Zyx, pieces: dict[Zyx, Counted]) -> Tile:
        shape = self._tiling.tile(tile).shape
        channels = len(next(iter(pieces.values())))
        weights = {block: self._tiling.weights(tile, block) for block in pieces}
        result = np.empty((channels, *shape), np.uint8)

        def add_up(channel: int) -> None:
            total = np.full(shape, 1 << (_SHIFT - 1), np.int32)
            for block, counted in pieces.items():
                z, y, x = counted.shape[1:]
                total[:z, :y, :x] += counted[channel] * weights[block]
            np.right_shift(total, _SHIFT, out=result[channel], casting="unsafe")

        for _ in each(add_up, range(channels)):
            pass
        return result
