"""How the work goes: errors settled so far, and repairs an hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.glance import times_of_edits

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


class Stopwatch:
    """Tells the pace of a project; no edit goes through the whole log.

    Parameters
    ----------
    project
        The project; its operations are read from the log as they come.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._read = 0
        self._times: dict[int, datetime] = {}
        self._settled = {0: 0}
        """Repairs in force where an edit is the newest, by its id."""

    def pace(self, errors: int, done: int) -> Pace:
        """Return the pace with so many errors listed, of which some are marked as done."""
        self._times.update(times_of_edits(self._project.log, self._read))
        self._read = len(self._project.operations)
        settled = self._repairs() + done
        return Pace(settled, errors - done, repairs_an_hour(self._backwards()))

    def _repairs(self) -> int:
        """Return how many repairs are in force."""
        history, path = self._project.history, []
        edit = history.head
        while edit not in self._settled:
            path.append(edit)
            edit = history.before(edit)
        for edit in reversed(path):
            before = self._settled[history.before(edit)]
            self._settled[edit] = before + (edit in self._times)
        return self._settled[history.head]

    def _backwards(self) -> Iterator[datetime]:
        """Yield when the repairs in force were made, the newest first."""
        edit = self._project.history.head
        while edit:
            if edit in self._times:
                yield self._times[edit]
            edit = self._project.history.before(edit)


def repairs_an_hour(times: Iterable[datetime]) -> float | None:
    """Return how many repairs an hour were made in the newest sitting; None in its first minute.

    Parameters
    ----------
    times
        When they were made, the newest first; no more are taken than are of the sitting.
    """
    sitting: list[datetime] = []
    for time in times:
        if sitting and (sitting[-1] - time).total_seconds() > PAUSE_S:
            break
        sitting.append(time)
    seconds = (sitting[0] - sitting[-1]).total_seconds() if sitting else 0.0
    return 3600 * (len(sitting) - 1) / seconds if seconds >= LEAST_S else None
