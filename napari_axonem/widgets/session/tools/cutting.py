"""Tools that show a cut before it is taken: split, and cut off a branch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.plans.splitting import SplitPlan
from napari_axonem.proofreading.record.operation import Colour, Kind, Point
from napari_axonem.widgets.session.drafts import Shown
from napari_axonem.widgets.session.planning import (
    CutOffRequest,
    Proposal,
    RepairRequest,
    Request,
    SplitRequest,
)
from napari_axonem.widgets.session.tools.bench import Bench
from napari_axonem.widgets.session.tools.handtool import HandTool


class Cutting(HandTool):
    """Has a cut worked out beside the window, and does it when it is taken."""

    kind: Kind
    """What the operation is."""

    remedy: str
    """What to do where there is nothing to take."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.proposal = Proposal()
        """What came of the clicks, once that is worked out."""
        self._planner = bench.planner(self._answer)

    @property
    def plan(self) -> SplitPlan | None:
        """The cut that can be taken."""
        return self.proposal.plan

    @property
    def ready(self) -> bool:
        """Whether there is a cut to take."""
        return self.plan is not None

    @property
    def busy(self) -> bool:
        """Whether the cut is being worked out."""
        return self._planner.busy

    def take(self) -> None:
        """Do the cut that is shown."""
        project = self._bench.opened
        if self.busy:
            raise EditError("the split is still being worked out", remedy="wait a moment")
        if self.plan is None:
            raise EditError(
                self.proposal.problem or "there is no split to take", remedy=self.remedy
            )
        project.split(self.plan, self.kind)

    def drop(self) -> None:
        """Forget the clicks; a cut that is being worked out is not shown any more."""
        self.proposal = Proposal()
        self._planner.cancel()

    def _work_out(self) -> None:
        """Plan the cut anew."""
        self.proposal = Proposal()
        request = self._request()
        if request is None:
            self._planner.cancel()
        else:
            self._planner.ask(request)
        self._bench.tell()

    @abstractmethod
    def _request(self) -> Request | None:
        """Return what the cut is planned from; None while that is not enough."""

    def _answer(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self._bench.tell()


class Splitting(Cutting):
    """Splits an object between points of two colours or more."""

    kind = Kind.SPLIT
    remedy = "place red and blue points with the tool Split"

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.points: list[Point] = []
        """The points, in the order they were placed."""
        self.colour = Colour.RED
        """What a click without Shift places."""
        self._error: Mistake | Suggestion | None = None  # points for it are being placed
        self._refused: Callable[[str], None] = lambda _: None

    @property
    def sides(self) -> dict[Colour, tuple[Nm, ...]]:
        """Positions (z, y, x) in nm of each colour in use: red, blue and those begun."""
        placed = {point.colour for point in self.points} | {self.colour, Colour.RED, Colour.BLUE}
        return {
            colour: tuple(p.position_nm for p in self.points if p.colour == colour)
            for colour in Colour
            if colour in placed
        }

    @property
    def following(self) -> Colour:
        """The colour in use that comes after the one at hand."""
        used = list(self.sides)
        return used[(used.index(self.colour) + 1) % len(used)]

    @property
    def begun(self) -> bool:
        """Whether a point is placed, or being placed."""
        return bool(self.points) or self._error is not None

    @property
    def shown(self) -> Shown:
        """The points, and the sides."""
        return Shown(plan=self.plan, points=tuple(self.points))

    def click(self, position_nm: Nm, more: bool) -> None:
        """Place a point; Shift places the next colour."""
        self._bench.hit(position_nm, str(self.kind))  # refuses what could not be split
        self._error = None
        self.points.append(Point(position_nm, self.following if more else self.colour))
        self._work_out()

    def repair(self, error: Mistake | Suggestion, refused: Callable[[str], None]) -> None:
        """Begin with the points that repair an error, placed beside the window too.

        Parameters
        ----------
        refused
            Called with the reason where no points can be placed.
        """
        self.points, self._error, self._refused = [], error, refused
        self._work_out()

    def take_back(self) -> None:
        """Remove the newest point."""
        if not self.points:
            raise EditError("no point is placed", where="split")
        self.points.pop()
        self._work_out()

    def swap_colour(self) -> None:
        """Let clicks place points of the next colour in use."""
        self.colour = self.following
        self._bench.tell()

    def add_colour(self) -> None:
        """Let clicks place points of a colour that has none yet, beside red and blue.

        Raises
        ------
        EditError
            Every colour has points.
        """
        free = [colour for colour in Colour if not self.sides.get(colour)]
        begun = [colour for colour in free if colour not in (Colour.RED, Colour.BLUE)]
        if not begun:
            raise EditError(
                f"all {len(Colour)} colours have points",
                where="split",
                remedy="take this split first",
            )
        self.colour = begun[0]
        self._bench.tell()

    def drop(self) -> None:
        """Forget the points."""
        self.points, self.colour, self._error = [], Colour.RED, None
        super().drop()

    def _request(self) -> Request | None:
        if self._error is not None:
            return RepairRequest(self._bench.opened, self._error)
        sides = self.sides
        if sum(map(bool, sides.values())) < 2:
            return None
        return SplitRequest(self._bench.opened, tuple(sides.get(c, ()) for c in Colour))

    def _answer(self, proposal: Proposal) -> None:
        if self._error is not None:
            self._error = None
            sides = zip(Colour, proposal.sides_nm, strict=False)
            self.points = [Point(position, colour) for colour, side in sides for position in side]
            if not self.points:
                self._refused(proposal.problem)
                return
        super()._answer(proposal)


class CuttingOff(Cutting):
    """Cuts off the branch that begins at a click."""

    kind = Kind.CUT_OFF
    remedy = "click where the branch begins with the tool Cut off"

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.position_nm: Nm | None = None
        """Where the branch begins (z, y, x) in nm."""

    @property
    def begun(self) -> bool:
        """Whether a place was clicked."""
        return self.position_nm is not None

    @property
    def shown(self) -> Shown:
        """The place clicked, and the branch in red."""
        at = () if self.position_nm is None else (Point(self.position_nm, Colour.RED),)
        return Shown(plan=self.plan, points=at)

    def click(self, position_nm: Nm, more: bool) -> None:
        """Show the branch beyond a place, in the place of the one before."""
        self._bench.hit(position_nm, str(self.kind))
        self.position_nm = position_nm
        self._work_out()

    def take_back(self) -> None:
        """Forget the place."""
        if self.position_nm is None:
            raise EditError("no place was clicked", where=str(self.kind))
        self.position_nm = None
        self._work_out()

    def drop(self) -> None:
        """Forget the place."""
        self.position_nm = None
        super().drop()

    def _request(self) -> Request | None:
        if self.position_nm is None:
            return None
        return CutOffRequest(self._bench.opened, self.position_nm)
