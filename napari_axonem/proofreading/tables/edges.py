"""Edges between fragments, as columns of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_axonem.evaluation.edges import FragmentEdges

Ids = npt.NDArray[np.uint32]
Index = npt.NDArray[np.int64]

COLUMNS = ("u", "v", "area", "affinity", "point", "facing", "on")


@dataclass(frozen=True, slots=True)
class Edges:
    """Columns of equal length, a row an edge between two fragments."""

    u: Ids
    """The fragment with the lower id."""

    v: Ids
    """The fragment with the higher id."""

    area: Index
    """Voxel faces that the two share; 0 for an edge made by hand or across a gap."""

    affinity: npt.NDArray[np.float32]
    """Mean affinity over those faces in 0..1; nan where unknown."""

    point: npt.NDArray[np.int32]
    """A voxel (z, y, x) of `u` on the contact, shape (n, 3)."""

    facing: npt.NDArray[np.int32]
    """The voxel (z, y, x) of `v` on the other side, shape (n, 3)."""

    on: npt.NDArray[np.bool_]
    """Whether the edge joins its fragments."""

    @classmethod
    def of_contacts(cls, found: FragmentEdges, on: npt.NDArray[np.bool_]) -> Edges:
        """Return edges with their states for the contacts between fragments."""
        return cls(found.u, found.v, found.area, found.affinity, found.point, found.facing, on)

    @classmethod
    def made_by_hand(cls, ends: Mapping[int, npt.ArrayLike], *, on: bool) -> Edges:
        """Return one edge without a contact between two fragments.

        Parameters
        ----------
        ends
            The two fragments, each with a voxel (z, y, x) of it.
        """
        u, v = sorted(ends)
        return cls(
            np.array([u], np.uint32),
            np.array([v], np.uint32),
            np.zeros(1, np.int64),
            np.full(1, np.nan, np.float32),
            np.asarray(ends[u], dtype=np.int32).reshape(1, 3),
            np.asarray(ends[v], dtype=np.int32).reshape(1, 3),
            np.array([on], np.bool_),
        )

    def __len__(self) -> int:
        return len(self.u)

    def appended(self, other: Edges) -> Edges:
        """Return the rows of both, these first."""
        return Edges(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in COLUMNS)
        )

    def taken(self, rows: Index | npt.NDArray[np.bool_]) -> Edges:
        """Return copies of the chosen rows, in their order."""
        return Edges(*(getattr(self, name)[rows] for name in COLUMNS))
