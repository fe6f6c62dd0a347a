"""Splits worked out beside the window: large fragments take seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation.scores import Voi
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.splitting import SplitPlan

Compute = Callable[[Callable[[], None], Callable[[], None]], None]
"""Does the first thing beside the window, then the second in the window's thread."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What a split is planned from."""

    project: Project
    red: tuple[Nm, ...]
    blue: tuple[Nm, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """What comes of the points of a split."""

    plan: SplitPlan | None = None
    """The split; None where it is not possible."""

    expected: Voi | None = None
    """The score that it would give, with truth."""

    problem: str = ""
    """Why it is not possible."""


class Planner:
    """Works out one split at a time; of several requests only the newest is answered.

    Parameters
    ----------
    compute
        How to work beside the window.
    answer
        Called with what came of the newest request.
    """

    def __init__(self, compute: Compute, answer: Callable[[Proposal], None]) -> None:
        self._compute = compute
        self._answer = answer
        self._wanted: Request | None = None
        self._at_work: Request | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is to come."""
        return self._wanted is not None

    def reads(self, project: Project) -> bool:
        """Tell whether the tables of a project are being read, so that no edit may change them."""
        return self._at_work is not None and self._at_work.project is project

    def ask(self, request: Request) -> None:
        """Work a split out; requests before this one are not answered any more."""
        self._wanted = request
        if self._at_work is None:
            self._begin(request)

    def cancel(self) -> None:
        """Answer no request made so far."""
        self._wanted = None

    def _begin(self, request: Request) -> None:
        self._at_work = request
        found: list[Proposal] = []
        self._compute(lambda: found.append(propose(request)), lambda: self._end(request, found))

    def _end(self, request: Request, found: list[Proposal]) -> None:
        self._at_work = None
        if self._wanted is request:
            self._wanted = None
            self._answer(found[0] if found else Proposal(problem="working it out failed"))
        elif self._wanted is not None:
            self._begin(self._wanted)


def propose(request: Request) -> Proposal:
    """Plan a split from its points; nothing is changed by it."""
    try:
        plan = request.project.plan_split(request.red, request.blue)
        return Proposal(plan, request.project.voi_after(plan))
    except AxonemError as error:
        return Proposal(problem=str(error))
