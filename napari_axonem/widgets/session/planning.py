"""Cuts worked out beside the window: large objects take seconds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.scores import Voi
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.plans.splitting import SplitPlan
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.proposing import points_nm

Compute = Callable[[Callable[[], None], Callable[[], None]], None]
"""Does the first thing beside the window, then the second in the window's thread."""


@dataclass(frozen=True, slots=True, eq=False)
class Request(ABC):
    """What a cut is planned from."""

    project: Project

    @abstractmethod
    def propose(self) -> Proposal:
        """Work out the cut and what it would do to the score; nothing is changed.

        Raises
        ------
        AxonemError
            It is not possible.
        """

    def _scored(self, plan: SplitPlan) -> Proposal:
        return Proposal(plan, self.project.voi_after(plan))


@dataclass(frozen=True, slots=True, eq=False)
class SplitRequest(Request):
    """A split between points of several colours."""

    sides_nm: tuple[tuple[Nm, ...], ...]
    """Positions (z, y, x) in nm of each colour, in the order of `Colour`."""

    def propose(self) -> Proposal:
        """Work the split out."""
        return self._scored(self.project.plan_split(*self.sides_nm))


@dataclass(frozen=True, slots=True, eq=False)
class RepairRequest(Request):
    """The split that repairs a false merge, between points that have yet to be placed."""

    error: Mistake | Suggestion

    def propose(self) -> Proposal:
        """Place the points, which are kept also where the split between them is not possible."""
        red, blue = map(tuple, points_nm(self.project, self.error))
        sides = (red, blue)
        return replace(propose(SplitRequest(self.project, sides)), sides_nm=sides)


@dataclass(frozen=True, slots=True, eq=False)
class CutOffRequest(Request):
    """The branch that begins at a position (z, y, x) in nm."""

    position_nm: Nm

    def propose(self) -> Proposal:
        """Work out what hangs beyond the position."""
        return self._scored(self.project.plan_cut_off(self.position_nm))


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """What comes of a request."""

    plan: SplitPlan | None = None
    """The cut; None where it is not possible."""

    expected: Voi | None = None
    """The score that it would give, with truth."""

    problem: str = ""
    """Why it is not possible."""

    sides_nm: tuple[tuple[Nm, ...], ...] = ()
    """Positions (z, y, x) in nm of each colour, in the order of `Colour`, where points had to be
    placed."""


class Planner:
    """Works out one cut at a time; of several requests only the newest is answered.

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
        """Work a cut out; requests before this one are not answered any more."""
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
    """Plan a cut; nothing is changed by it."""
    try:
        return request.propose()
    except AxonemError as error:
        return Proposal(problem=str(error))
