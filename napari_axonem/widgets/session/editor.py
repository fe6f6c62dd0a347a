"""Edits by hand: the tool, what was begun with it, and what comes of it."""

from __future__ import annotations

from enum import StrEnum

from psygnal import Signal

from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.proposing import points_nm
from napari_axonem.widgets.session.drafts import Shown
from napari_axonem.widgets.session.tools.bench import Bench
from napari_axonem.widgets.session.tools.brushing import Brushing, Erasing, Handle, Painting
from napari_axonem.widgets.session.tools.collecting import Deleting, Detaching, Merging
from napari_axonem.widgets.session.tools.cutting import CuttingOff, Splitting
from napari_axonem.widgets.session.tools.handtool import HandTool, Looking
from napari_axonem.widgets.session.workplace import Notice, Workplace


class Tool(StrEnum):
    """What a click does."""

    LOOK = "look"
    MERGE = "merge"
    SPLIT = "split"
    CUT_OFF = "cut_off"
    DETACH = "detach"
    DELETE = "delete"
    PAINT = "paint"
    ERASE = "erase"


class Editor:
    """The tool in hand and the edit in the making.

    Parameters
    ----------
    place
        Viewer and project.
    """

    drafted = Signal()
    """The tool, or the edit in the making, changed."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._bench = bench = Bench(place, self._draft)
        self.tool = Tool.LOOK
        """What a click does."""
        self._tool_before: Tool | None = None  # to be taken up again after a repair
        self.handle = Handle()
        """The brush."""
        self.merging, self.splitting = Merging(bench), Splitting(bench)
        self.cutting_off = CuttingOff(bench)
        self.detaching, self.deleting = Detaching(bench), Deleting(bench)
        self.painting, self.erasing = Painting(bench, self.handle), Erasing(bench, self.handle)
        self._tools: dict[Tool, HandTool] = {
            Tool.LOOK: Looking(bench),
            Tool.MERGE: self.merging,
            Tool.SPLIT: self.splitting,
            Tool.CUT_OFF: self.cutting_off,
            Tool.DETACH: self.detaching,
            Tool.DELETE: self.deleting,
            Tool.PAINT: self.painting,
            Tool.ERASE: self.erasing,
        }

    @property
    def in_hand(self) -> HandTool:
        """The tool that clicks use."""
        return self._tools[self.tool]

    @property
    def busy(self) -> bool:
        """Whether a cut is being worked out."""
        return self.in_hand.busy

    @property
    def shown(self) -> Shown:
        """What the edit in the making lets stand out."""
        return Shown() if self._place.project is None else self.in_hand.shown

    @property
    def draws(self) -> bool:
        """Whether a drag draws, and does not move the picture."""
        return self._place.project is not None and isinstance(self.in_hand, Brushing)

    def set_tool(self, tool: Tool) -> None:
        """Take a tool in hand; what was begun with another is dropped."""
        if tool != Tool.LOOK:
            _ = self._place.opened
        self._tool_before = None
        self.in_hand.drop()
        self.tool = tool
        self.drop()

    def click(self, position_nm: Nm, other: bool = False) -> None:
        """Use the tool at a position (z, y, x) in nm; `other` is a click with Shift."""
        if self._place.project is not None:
            self.in_hand.click(position_nm, other)

    def begin_stroke(self, position_nm: Nm, other: bool) -> None:
        """Press the brush down at a position (z, y, x) in nm; `other` is with Shift."""
        if isinstance(self.in_hand, Brushing):
            self.in_hand.begin(position_nm, other)

    def extend_stroke(self, position_nm: Nm) -> None:
        """Draw the stroke on to a position (z, y, x) in nm."""
        if isinstance(self.in_hand, Brushing):
            self.in_hand.extend(position_nm)

    def end_stroke(self) -> None:
        """Lift the brush: the stroke becomes an operation."""
        if isinstance(self.in_hand, Brushing):
            self.in_hand.end()

    def resize_brush(self, radius_nm: float) -> None:
        """Give the brush another radius."""
        self.handle.resize(radius_nm)
        self._draft()

    def step_brush(self, steps: int) -> None:
        """Make the brush larger, or smaller by a negative number."""
        self.handle.step(steps)
        self._draft()

    def brush_others(self, others: bool | None = None) -> None:
        """Use the brush on other objects too, or not; None changes that."""
        self.handle.others = not self.handle.others if others is None else others
        self._draft()

    def take_back(self) -> None:
        """Take the newest click back: a point of a split, or what was collected last."""
        _ = self._place.opened
        self.in_hand.take_back()

    def swap_colour(self) -> None:
        """Let clicks place points of the next colour."""
        self.splitting.swap_colour()

    def add_colour(self) -> None:
        """Let clicks place points of one more colour."""
        _ = self._place.opened
        self.splitting.add_colour()

    def take(self) -> None:
        """Do the edit that is shown."""
        _ = self._place.opened
        self.in_hand.take()

    def drop(self) -> None:
        """Drop what was begun."""
        self.in_hand.drop()
        self._take_up_again()
        self._draft()

    def settle(self) -> None:
        """Follow an operation: what was begun is out of date, but for the object that grows."""
        self.in_hand.settle()
        self._take_up_again()
        self._draft()

    def abandon(self) -> None:
        """Expect no answer any more: there is nobody left to see it."""
        self.in_hand.drop()

    def repair(self, mistake: Mistake | Suggestion) -> None:
        """Repair an error with its own points: a merge at once, a split as a preview."""
        project = self._place.opened
        if mistake.kind == "false_split":
            red, blue = points_nm(project, mistake)
            self.settled().merge([red[0], blue[0]])
            return
        before = self._tool_before or self.tool
        self.set_tool(Tool.SPLIT)
        self._tool_before = before
        self.splitting.repair(mistake, self._refuse)

    def undo(self) -> None:
        """Take the newest edit back."""
        self.settled().undo()

    def redo(self) -> None:
        """Do the edit again that was undone last."""
        self.settled().redo()

    def settled(self) -> Project:
        """Return the open project; `EditError` while a cut of it is being worked out."""
        return self._bench.settled()

    def _refuse(self, problem: str) -> None:
        """Tell that an error cannot be repaired with points of its own."""
        self.drop()
        self._place.said.emit(Notice(problem, problem=True))

    def _take_up_again(self) -> None:
        """Take the tool in hand again that a repair put down."""
        if self._tool_before is not None:
            self.tool, self._tool_before = self._tool_before, None

    def _draft(self) -> None:
        if self.shown.points:
            self._seed()
        else:
            self._place.soon(self._seed)  # they are gone from the picture once that is drawn
        self.drafted.emit()

    def _seed(self) -> None:
        self._place.sight.seed(self.shown.points)
