"""One thing that somebody said of an object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ObjectState(StrEnum):
    """What can be said of an object."""

    NONE = "none"
    """Nothing: it is still to be looked at."""

    DONE = "done"
    """Somebody looked it through. It holds as long as the object stays what it was: an edit that
    adds or takes anything ends it, and the undo of that edit brings it back."""

    LOCKED = "locked"
    """Done, and no edit may touch it until it is unlocked."""

    DISCUSS = "discuss"
    """Somebody else should look at it. It stays with the place that was pointed at."""


FINISHED = (ObjectState.DONE, ObjectState.LOCKED)
"""States that count as finished."""

ORDER = (ObjectState.LOCKED, ObjectState.DISCUSS, ObjectState.DONE, ObjectState.NONE)
"""Where several things hold for one object, after a merge, the first of these is its state."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One row of the database."""

    fragment: int
    """The fragment that was pointed at: the object is the one that holds it."""

    state: ObjectState
    """What was said."""

    note: str = ""
    """A note, or nothing."""

    extent: int = 0
    """What the object consisted of (`napari_axonem.proofreading.states.extent`)."""

    time: str = ""
    """When it was said, ISO 8601 in UTC."""

    user: str = ""
    """Who said it."""

    id: int = 0
    """Its row, from 1; 0 while it is not on disk."""


@dataclass(frozen=True, slots=True)
class Said:
    """What holds for one object now."""

    state: ObjectState = ObjectState.NONE
    """Its state."""

    note: str = ""
    """Its notes, those of joined objects one after the other."""

    time: str = ""
    """When the state was given, ISO 8601 in UTC; empty without one."""

    user: str = ""
    """Who gave it."""

    @property
    def finished(self) -> bool:
        """Whether it counts as finished."""
        return self.state in FINISHED
