"""An operation: one edit as it stands in the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Nm

EdgeStates = npt.NDArray[np.int64]
"""Rows (fragment u, fragment v, 1 on or 0 off) with u < v, shape (n, 3).

Where u is 0, the background, v is a fragment that is deleted (1) or there again (0).
"""

Made = npt.NDArray[np.int64]
"""Edges made by hand: rows (u, v, voxel z, y, x of u, voxel z, y, x of v), shape (n, 8)."""


class Kind(StrEnum):
    """What an operation does."""

    MERGE = "merge"
    SPLIT = "split"
    CUT_OFF = "cut off"
    ISOLATE = "isolate"
    NEW = "new object"
    DELETE = "delete"
    PAINT = "paint"
    ERASE = "erase"
    THRESHOLD = "threshold"
    UNDO = "undo"
    REDO = "redo"
    GO = "go back"
    """To what the project was after an operation: takes back and brings again in one."""

    MARK = "mark"
    """A name for a place in the log; it changes nothing."""


TURNS = (Kind.UNDO, Kind.REDO, Kind.GO)
"""Operations that take edits back or bring them again."""


class Colour(StrEnum):
    """The side of a split that a point belongs to, in the order in which they are taken."""

    RED = "red"
    BLUE = "blue"
    YELLOW = "yellow"
    GREEN = "green"
    PURPLE = "purple"
    ORANGE = "orange"
    CYAN = "cyan"
    PINK = "pink"
    BROWN = "brown"


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


def no_made() -> Made:
    """Return edges made by hand without a row."""
    return np.empty((0, 8), dtype=np.int64)


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
    """The edit that an undo or redo is about, or that is the newest active one after going back;
    0 otherwise."""

    points: tuple[Point, ...] = ()
    """Where the user clicked."""

    fragments: tuple[int, ...] = ()
    """The fragments at the points, in their order."""

    edges: EdgeStates = field(default_factory=no_edges)
    """The edges whose state changed, with the state after."""

    made: Made = field(default_factory=no_made)
    """Edges that the operation had to make, because there was no contact."""

    name: str = ""
    """What a mark is called."""

    threshold: float | None = None
    """The threshold of an agglomeration; None of other operations."""

    segments_before: tuple[int, ...] = ()
    """The segments concerned, before."""

    segments_after: tuple[int, ...] = ()
    """The segments concerned, after."""

    voi: tuple[float, float] | None = None
    """Variation of information (split, merge) in bits after the operation, with truth."""

    erl_nm: float | None = None
    """Expected run length in nm after the operation, with skeletons."""

    time: str = ""
    """When it was confirmed, ISO 8601 in UTC."""

    user: str = ""
    """Who did it."""

    version: str = ""
    """The version of the program that did it."""

    @property
    def is_edit(self) -> bool:
        """Whether it changes segments by itself, rather than taking an edit back or again."""
        return self.kind not in TURNS and self.kind != Kind.MARK

    @property
    def concerned(self) -> set[int]:
        """The fragments at its points and at the ends of its edges."""
        return {*self.fragments, *self.edges[:, :2].ravel().tolist()}

    def as_dict(self, *, undone: bool, before: tuple[float, float] | None = None) -> dict[str, Any]:
        """Return the operation as plain values for JSON.

        Parameters
        ----------
        undone
            Whether it is an edit that is not active.
        before
            Variation of information (split, merge) before the operation, where it is known.
        """
        change = None
        if self.voi is not None and before is not None:
            change = {
                name: now - then
                for name, now, then in zip(("split", "merge"), self.voi, before, strict=True)
            }
            change["total"] = sum(self.voi) - sum(before)
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
            "name": self.name or None,
            "threshold": self.threshold,
            "segments_before": list(self.segments_before),
            "segments_after": list(self.segments_after),
            "voi": None if self.voi is None else {"split": self.voi[0], "merge": self.voi[1]},
            "change_voi": change,
            "erl_nm": self.erl_nm,
            "time": self.time,
            "user": self.user,
            "version": self.version,
        }
