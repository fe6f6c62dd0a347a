"""How many of the finished objects are wrong, from a random sample that somebody checks.

Objects are drawn in the order of a hash of their id: as good as random, the same for everybody,
and unchanged when more objects become finished in between. Each is drawn once. A verdict stays
also when the object is repaired afterwards: it tells of the others, which nobody checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from napari_axonem.errors import EditError
from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.states.extent import mixed
from napari_axonem.proofreading.states.objects import ObjectStates
from napari_axonem.proofreading.states.store import StateStore
from napari_axonem.proofreading.tables.state import State

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sample says of the rest."""

    checked: int
    """Objects checked."""

    wrong: int
    """Those with an error."""

    unchecked: int
    """Finished objects that nobody checked."""

    low: float
    """Lower end of the confidence interval of the share of wrong ones, 0 to 1."""

    high: float
    """Upper end."""

    @property
    def rate(self) -> float:
        """Share of wrong ones in the sample."""
        return self.wrong / self.checked

    @classmethod
    def of(cls, checked: int, wrong: int, unchecked: int) -> Estimate:
        """Return the estimate, with an interval that holds the true share in 95 % of cases or more.

        The interval is that of Clopper and Pearson ("The use of confidence or fiducial limits",
        Biometrika, 1934). It takes the finished objects for many; where most of them were checked
        it is wider than it had to be.
        """
        tail, right = (1 - CONFIDENCE) / 2, checked - wrong
        low = float(betaincinv(wrong, right + 1, tail)) if wrong else 0.0
        high = float(betaincinv(wrong + 1, right, 1 - tail)) if right else 1.0
        return cls(checked, wrong, unchecked, low, high)


class ObjectSample:
    """Draws finished objects and keeps what was found.

    Parameters
    ----------
    log
        The project's database.
    state
        Returns the state of the project now.
    objects
        What is finished.
    """

    def __init__(self, log: Log, state: Callable[[], State], objects: ObjectStates) -> None:
        self._state, self._objects = state, objects
        self._store = StateStore(log)
        self._checks = self._store.checks()
        self._drawn: set[int] = set()

    def next(self) -> int:
        """Return the finished segment to check next.

        Raises
        ------
        EditError
            No object is finished, or all were checked.
        """
        finished = self._objects.finished()
        left = np.array(sorted(finished - self._checked()), dtype=np.int64)
        if not len(left):
            seen = "all finished objects were checked" if finished else "no object is finished yet"
            raise EditError(seen, where="sample", remedy="mark objects as done, then check some")
        drawn = int(left[np.argmin(mixed(left))])
        self._drawn.add(drawn)
        return drawn

    def judge(self, drawn: int, *, right: bool) -> None:
        """Store whether an object is right.

        Parameters
        ----------
        drawn
            The segment that `next` gave; it may have been edited since.

        Raises
        ------
        EditError
            It was checked already, or it is not finished.
        """
        segment = int(self._state().graph.segment[drawn])
        if segment in self._checked():
            raise EditError(f"object {segment} was checked already", where="sample")
        if drawn not in self._drawn and segment not in self._objects.finished():
            raise EditError(
                f"object {segment} is not finished", where="sample", remedy="draw one that is"
            )
        self._store.add_check(drawn, right=right)
        self._checks = self._store.checks()

    def take_back(self) -> int:
        """Forget the newest verdict; return the segment it was about.

        Raises
        ------
        EditError
            There is none.
        """
        if not self._checks:
            raise EditError("no object was checked", where="sample")
        id_, fragment, _ = self._checks[-1]
        self._store.remove_check(id_)
        self._checks = self._store.checks()
        return int(self._state().graph.segment[fragment])

    def estimate(self) -> Estimate | None:
        """Return what the verdicts so far say of the rest; None without one."""
        if not self._checks:
            return None
        wrong = sum(not right for _, _, right in self._checks)
        unchecked = len(self._objects.finished() - self._checked())
        return Estimate.of(len(self._checks), wrong, unchecked)

    def _checked(self) -> set[int]:
        segment = self._state().graph.segment
        return {int(segment[fragment]) for _, fragment, _ in self._checks}
