"""What turns fragments into what is seen: small tables, looked up for each plane drawn.

An edit writes a table and refreshes a layer; no voxel of a layer is ever written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box
from napari_axonem.widgets.picture.lazy import LazyLevel, Reader
from napari_axonem.widgets.picture.planes import Planes

Codes = npt.NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class Table:
    """A table that layers look ids up in; replace `values` and refresh the layer."""

    values: npt.NDArray[Any]
    """What each id is shown as, shape (ids,)."""

    def set(self, values: npt.NDArray[Any]) -> bool:
        """Look ids up in other values; tell whether they differ from those before."""
        before, self.values = self.values, values
        return not np.array_equal(before, values)

    def __getitem__(self, ids: npt.NDArray[Any]) -> npt.NDArray[Any]:
        # Clipped: a plane read just before an edit may be looked up just after it.
        return np.take(self.values, ids, mode="clip")


@dataclass(slots=True, eq=False)
class Marked:
    """Codes for pairs of a fragment and a true object; all other pairs have code 0."""

    pair: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    """Pairs as one number each, ascending, shape (n,)."""

    code: Codes = field(default_factory=lambda: np.empty(0, np.uint8))
    """The code of each pair, shape (n,)."""

    _coded: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        fragment = (self.pair[np.flatnonzero(self.code)] >> np.uint64(32)).astype(np.int64)
        self._coded = np.zeros(int(fragment.max(initial=0)) + 2, np.bool_)
        self._coded[fragment] = True

    def set(self, other: Marked) -> bool:
        """Take over the pairs of another table, which layers that hold this one see.

        Returns
        -------
        Whether they differ from those before.
        """
        before, self.pair, self.code = (self.pair, self.code), other.pair, other.code
        self._coded = other._coded
        if before[0] is self.pair or np.array_equal(before[0], self.pair):
            return not np.array_equal(before[1], self.code)
        return bool(before[1].any() or self.code.any())

    def lookup(self, fragments: npt.NDArray[Any], truths: npt.NDArray[Any]) -> Codes:
        """Return the code of each voxel, in the shape of `fragments`."""
        if len(self.code) == 0 or fragments.size == 0:
            return np.zeros(fragments.shape, np.uint8)
        first, second = fragments.ravel(), truths.ravel()
        # Neighbours in a row mostly agree: one search for each run of equal pairs.
        begins = np.flatnonzero((first[1:] != first[:-1]) | (second[1:] != second[:-1])) + 1
        begins = np.concatenate([[0], begins])
        found = np.zeros(len(begins), np.uint8)
        # Most fragments have no code at all, which a small table tells without a search.
        some = np.flatnonzero(np.take(self._coded, first[begins], mode="clip"))
        wanted = pairs_of(first[begins[some]], second[begins[some]])
        at = np.minimum(np.searchsorted(self.pair, wanted), len(self.pair) - 1)
        found[some] = np.where(self.pair[at] == wanted, self.code[at], np.uint8(0))
        codes: Codes = np.repeat(found, np.diff(begins, append=first.size))
        return codes.reshape(fragments.shape)


def level_of(
    planes: Planes, number: int, dtype: npt.DTypeLike, read: Reader, *others: Planes
) -> LazyLevel:
    """Return a level of a layer that is made of voxels of `planes`, and of `others`."""
    chunk = planes.chunk(number)
    return LazyLevel.whole(planes.shape(number), dtype, read, chunk, (planes, *others))


def looked_up(planes: Planes, table: Table) -> list[LazyLevel]:
    """Return the levels of a volume of ids, each id looked up in a table."""

    def level(number: int) -> LazyLevel:
        def read(box: Box) -> npt.NDArray[Any]:
            return table[planes.read(box, number)]

        return level_of(planes, number, table.values.dtype, read)

    return [level(number) for number in range(len(planes.volume.levels))]


def as_is(planes: Planes) -> list[LazyLevel]:
    """Return the levels of a volume."""

    def level(number: int) -> LazyLevel:
        def read(box: Box) -> npt.NDArray[Any]:
            return planes.read(box, number)

        return level_of(planes, number, planes.volume.dtype, read)

    return [level(number) for number in range(len(planes.volume.levels))]


def pairs_of(fragments: npt.NDArray[Any], truths: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """Return two ids of 32 bits each as one number, so that they sort by the first one."""
    return (fragments.astype(np.uint64) << np.uint64(32)) | truths.astype(np.uint64)
