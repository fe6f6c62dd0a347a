"""One number for what an object consists of, to tell whether it is still the same.

It is a sum over the fragments of the object: voxels times a hash of the fragment. A fragment that
was cut counts as the one it was cut from, so that the cut alone, which changes no object, leaves
the sum as it is; and it differs as soon as a part belongs to another object.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.tables import Cells
from napari_axonem.proofreading.tables.state import State

U64 = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]


def mixed(values: npt.NDArray[np.integer]) -> U64:
    """Return a hash of each number, uint64 (the finaliser of Steele et al., SplitMix, 2014)."""
    x = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashed: U64 = x ^ (x >> np.uint64(31))
    return hashed


def roots_of(state: State) -> Index:
    """Return the fragment that each was cut from, itself where it was not; shape (n + 1,)."""
    roots = np.arange(len(state.graph.segment))
    for cut in state.carried:
        roots[cut.child] = roots[cut.parent]
    return roots


def voxels_of(state: State) -> Index:
    """Return the voxels of each fragment, int64, shape (fragments + 1,)."""
    cells, voxels = state.cells, np.zeros(len(state.graph.segment), np.int64)
    np.add.at(voxels, cells.fragment, cells.voxels)
    return voxels


class Extents:
    """What the objects of a project consist of; counted anew only when a fragment was cut."""

    def __init__(self) -> None:
        self._cells: Cells | None = None
        self._voxels: Index = np.zeros(0, np.int64)
        self._weight: U64 = np.zeros(0, np.uint64)

    def voxels(self, state: State) -> Index:
        """Return the voxels of each fragment, int64, shape (fragments + 1,)."""
        if self._cells is not state.cells:
            self._cells, self._voxels = state.cells, voxels_of(state)
            self._weight = self._voxels.astype(np.uint64) * mixed(roots_of(state))
        return self._voxels

    def of(self, state: State, segments: Index) -> U64:
        """Return the extent of each of some segments, in their order; shape (n,)."""
        self.voxels(state)
        names, place = np.unique(segments, return_inverse=True)
        members = state.graph.members(*names.tolist())
        extents = np.zeros(len(names), np.uint64)
        own = np.searchsorted(names, state.graph.segment[members])
        np.add.at(extents, own, self._weight[members])
        return extents[place]
