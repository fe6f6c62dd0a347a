"""What turns fragments into what is seen: small tables, looked up for each plane drawn.

An edit writes a table and refreshes a layer; no voxel of a layer is ever written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box
from napari_axonem.widgets.lazy import LazyLevel
from napari_axonem.widgets.planes import Planes

Codes = npt.NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class Table:
    """A table that layers look ids up in; replace `values` and refresh the layer."""

    values: npt.NDArray[Any]
    """What each id is shown as, shape (ids,)."""

    def __getitem__(self, ids: npt.NDArray[Any]) -> npt.NDArray[Any]:
        # Clipped: a plane read just before an edit may be looked up just after it.
        return np.take(self.values, ids, mode="clip")


@dataclass(slots=True, eq=False)
class Marked:
    """Codes for pairs of a fragment and a true object; all other pairs have code 0."""

    fragment: npt.NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    """Fragments, ascending, shape (n,)."""

    truth: npt.NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    """True objects, ascending within a fragment, shape (n,)."""

    code: Codes = field(default_factory=lambda: np.empty(0, np.uint8))
    """The code of each pair, shape (n,)."""

    def set(self, other: Marked) -> None:
        """Take over the pairs of another table; layers that hold this one see them."""
        self.fragment, self.truth, self.code = other.fragment, other.truth, other.code

    def lookup(self, fragments: npt.NDArray[Any], truths: npt.NDArray[Any]) -> Codes:
        """Return the code of each voxel, in the shape of `fragments`."""
        codes = np.zeros(fragments.shape, np.uint8)
        if len(self.code) == 0:
            return codes
        concerned = np.zeros(int(self.fragment[-1]) + 2, np.bool_)
        concerned[self.fragment] = True
        # Most fragments of a plane have no marked pair, and a table lookup is much cheaper
        # than a search.
        where = np.flatnonzero(np.take(concerned, fragments.ravel(), mode="clip"))
        wanted = _pair(fragments.ravel()[where], truths.ravel()[where])
        known = _pair(self.fragment, self.truth)
        at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        codes.ravel()[where] = np.where(known[at] == wanted, self.code[at], 0)
        return codes


def looked_up(planes: Planes, table: Table) -> list[LazyLevel]:
    """Return the levels of a volume of ids, each id looked up in a table."""

    def level(number: int) -> LazyLevel:
        return LazyLevel.whole(
            planes.shape(number), table.values.dtype, lambda box: table[planes.read(box, number)]
        )

    return [level(number) for number in range(len(planes.volume.levels))]


def as_is(planes: Planes) -> list[LazyLevel]:
    """Return the levels of a volume."""

    def level(number: int) -> LazyLevel:
        return LazyLevel.whole(
            planes.shape(number), planes.volume.dtype, lambda box: planes.read(box, number)
        )

    return [level(number) for number in range(len(planes.volume.levels))]


def marked_pairs(fragments: Planes, truth: Planes, marked: Marked) -> list[LazyLevel]:
    """Return levels that show the codes of pairs of fragment and true object.

    Both volumes are pyramids of the same shape and factors.
    """

    def level(number: int) -> LazyLevel:
        def read(box: Box) -> Codes:
            return marked.lookup(fragments.read(box, number), truth.read(box, number))

        return LazyLevel.whole(fragments.shape(number), np.uint8, read)

    return [level(number) for number in range(len(fragments.volume.levels))]


def _pair(fragments: npt.NDArray[Any], truths: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    return (fragments.astype(np.uint64) << np.uint64(32)) | truths.astype(np.uint64)
