"""Contacts between segments while they are being joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from napari_axonem.agglomeration.mergetree import Index, Scores

Merges: TypeAlias = tuple[Index, Scores]
"""Merges: the edge of the graph that stands for each, and its score."""


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Contacts between the segments as they are; columns of equal length."""

    a: Index
    """The segment with the lower number."""

    b: Index
    """The segment with the higher number."""

    area: Index
    """Faces that they share."""

    total: Index
    """Sum of the affinities over the faces, in `napari_axonem.agglomeration.linkage.UNIT`."""

    stands: Index
    """The edge of the graph with the largest area between the two."""

    def __len__(self) -> int:
        return len(self.a)

    def taken(self, rows: Index) -> Contacts:
        """Return the chosen rows."""
        return Contacts(
            self.a[rows], self.b[rows], self.area[rows], self.total[rows], self.stands[rows]
        )
