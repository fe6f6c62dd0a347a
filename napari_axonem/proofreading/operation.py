"""An operation: one edit as it stands in the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Nm

EdgeStates = npt.NDArray[np.int64]
"""Rows (fragment u, fragment v, 1 on or 0 off) with u < v, shape (n, 3)."""


class Kind(StrEnum):
    """What an operation does."""

    MERGE = "merge"
    SPLIT = "split"
    UNDO = "undo"
    REDO = "redo"


class Colour(StrEnum):
    """The side of a split that a point belongs to."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Point:
    """A place that the user clicked."""

    position_nm: Nm
    """Position (z, y, x) in nm."""

    colour: Colour | None = None
    """The side it stands for in a split; None in a merge."""


def no_edges() -> EdgeStates:
    """Return edge states without a row."""
    return np.empty((0, 3), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the log. Rows are only ever added."""

    kind: Kind
    """What was done."""

    id: int = 0
    """Position in the log, from 1; 0 while it is not on disk."""

    parent: int = 0
    """The edit that was the newest active one before; 0 for none."""

    target: int = 0
    """The edit that an undo or redo is about; 0 otherwise."""

    points: tuple[Point, ...] = ()
    """Where the user clicked."""

    fragments: tuple[int, ...] = ()
    """The fragments at the points, in their order."""

    edges: EdgeStates = field(default_factory=no_edges)
    """The edges whose state changed, with the state after."""

    segments_before: tuple[int, ...] = ()
    """The segments concerned, before."""

    segments_after: tuple[int, ...] = ()
    """The segments concerned, after."""

    voi: tuple[float, float] | None = None
    """Variation of information (split, merge) in bits after the operation, with truth."""

    time: str = ""
    """When it was confirmed, ISO 8601 in UTC."""

    user: str = ""
    """Who did it."""

    version: str = ""
    """The version of the program that did it."""

    @property
    def is_edit(self) -> bool:
        """Whether it changes segments by itself, rather than taking an edit back or again."""
        return self.kind not in (Kind.UNDO, Kind.REDO)

    @property
    def concerned(self) -> set[int]:
        """The fragments at its points and at the ends of its edges."""
        return {*self.fragments, *self.edges[:, :2].ravel().tolist()}

    def as_dict(self, *, undone: bool) -> dict[str, Any]:
        """Return the operation as plain values for JSON."""
        return {
            "id": self.id,
            "kind": str(self.kind),
            "undone": undone,
            "target": self.target or None,
            "parent": self.parent or None,
            "points_nm": [list(point.position_nm) for point in self.points],
            "colours": [point.colour and str(point.colour) for point in self.points],
            "fragments": list(self.fragments),
            "edges": self.edges.tolist(),
            "segments_before": list(self.segments_before),
            "segments_after": list(self.segments_after),
            "voi": None if self.voi is None else {"split": self.voi[0], "merge": self.voi[1]},
            "time": self.time,
            "user": self.user,
            "version": self.version,
        }
