"""How the work goes: errors settled so far, and repairs an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from napari_axonem.proofreading.operation import Kind
from napari_axonem.proofreading.project import Project

PAUSE_S = 600.0
"""Who makes no edit for so long was away: the next one begins another sitting."""

LEAST_S = 60.0
"""Of a sitting, before it says how fast somebody is."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How far the list of errors is worked through."""

    settled: int
    """Edits in force, and errors marked as done."""

    left: int
    """Errors that are not settled."""

    an_hour: float | None
    """Repairs an hour in the newest sitting; None in its first minute."""

    @property
    def share(self) -> float:
        """Settled errors as a share of all, 0 to 1; 1 where there are none."""
        return self.settled / (self.settled + self.left) if self.settled + self.left else 1.0


def pace_of(project: Project, errors: int, done: int) -> Pace:
    """Return the pace of a project with so many errors listed, of which some are marked as done."""
    active = set(project.history.active())
    times = [
        datetime.fromisoformat(operation.time)
        for operation in project.operations
        if operation.id in active and operation.kind != Kind.THRESHOLD
    ]
    return Pace(len(times) + done, errors - done, repairs_an_hour(times))


def repairs_an_hour(times: Sequence[datetime]) -> float | None:
    """Return how many repairs an hour were made in the newest sitting; None in its first minute.

    Parameters
    ----------
    times
        When they were made, in ascending order.
    """
    sitting = list(times[-1:])
    for time in reversed(times[:-1]):
        if (sitting[-1] - time).total_seconds() > PAUSE_S:
            break
        sitting.append(time)
    seconds = (sitting[0] - sitting[-1]).total_seconds() if sitting else 0.0
    return 3600 * (len(sitting) - 1) / seconds if seconds >= LEAST_S else None
