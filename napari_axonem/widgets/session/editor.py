"""Edits by hand: the tool, what was begun with it, and what comes of it."""

from __future__ import annotations

from enum import StrEnum

from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.proposing import points_nm
from napari_axonem.widgets.session.drafts import MergeDraft, SplitDraft
from napari_axonem.widgets.session.planning import Planner, Proposal, Request
from napari_axonem.widgets.session.workplace import Workplace


class Tool(StrEnum):
    """What a click does."""

    LOOK = "look"
    MERGE = "merge"
    SPLIT = "split"


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
        self.tool = Tool.LOOK
        """What a click does."""
        self._tool_before: Tool | None = None  # to be taken up again after a repair
        self.merging: MergeDraft | None = None
        """The first object of a merge."""
        self.splitting = SplitDraft()
        """The points of a split."""
        self._planner = Planner(lambda work, done: place.compute(work, done), self._show_proposal)
        self.blue_next = False
        """Whether a click without Shift places a blue point."""

    @property
    def busy(self) -> bool:
        """Whether a split is being worked out."""
        return self._planner.busy

    def set_tool(self, tool: Tool) -> None:
        """Take a tool in hand; what was begun with another is dropped."""
        if tool != Tool.LOOK:
            _ = self._place.opened
        self._tool_before = None
        self.tool = tool
        self.drop()

    def click(self, position_nm: Nm, other: bool = False) -> None:
        """Use the tool at a position (z, y, x) in nm; `other` is the other colour of points."""
        if self._place.project is None or self.tool == Tool.LOOK:
            return
        if self.tool == Tool.MERGE:
            self._click_merge(position_nm)
        else:
            self.add_point(position_nm, blue=other != self.blue_next)

    def add_point(self, position_nm: Nm, *, blue: bool) -> None:
        """Place a point of a split and work the split out."""
        self._pick(position_nm)  # refuses a place without an object, or in a locked one
        self.splitting.points.append((position_nm, blue))
        self._work_out()

    def remove_point(self) -> None:
        """Take the newest point of a split away."""
        _ = self._place.opened
        if not self.splitting.points:
            raise EditError("no point is placed", where="split")
        self.splitting.points.pop()
        self._work_out()

    def swap_colour(self) -> None:
        """Let clicks place points of the other colour."""
        self.blue_next = not self.blue_next
        self.drafted.emit()

    def take(self) -> None:
        """Do the split that is shown."""
        project, draft = self._place.opened, self.splitting
        if self.busy:
            raise EditError("the split is still being worked out", remedy="wait a moment")
        if draft.plan is None:
            problem = draft.proposal.problem or "there is no split to take"
            raise EditError(problem, remedy="place red and blue points with the tool Split")
        project.split(draft.plan)

    def drop(self) -> None:
        """Drop what was begun: the first object of a merge, the points of a split."""
        self.merging, self.splitting, self.blue_next = None, SplitDraft(), False
        if self._tool_before is not None:
            self.tool, self._tool_before = self._tool_before, None
        self._planner.cancel()
        self._draft()

    def abandon(self) -> None:
        """Expect no answer any more: there is nobody left to see it."""
        self._planner.cancel()

    def repair(self, mistake: Mistake | Suggestion) -> None:
        """Repair an error with its own points: a merge at once, a split as a preview."""
        project = self._place.opened
        red, blue = points_nm(project, mistake)
        if mistake.kind == "false_split":
            self.settled().merge([red[0], blue[0]])
            return
        before = self._tool_before or self.tool
        self.set_tool(Tool.SPLIT)
        self._tool_before = before
        self.splitting.points = [(p, False) for p in red] + [(p, True) for p in blue]
        self._work_out()

    def undo(self) -> None:
        """Take the newest edit back."""
        self.settled().undo()

    def redo(self) -> None:
        """Do the edit again that was undone last."""
        self.settled().redo()

    def _pick(self, position_nm: Nm) -> int:
        """Return the object at a position; it must be one that takes edits."""
        project = self._place.opened
        fragment = project.pick(position_nm).fragment
        project.objects.refuse_locked([fragment], where=str(self.tool))
        return int(project.segment[fragment])

    def settled(self) -> Project:
        """Return the open project; an edit must not change it under a split being planned."""
        project = self._place.opened
        if self._planner.reads(project):
            raise EditError("a split is being worked out", remedy="wait a moment")
        return project

    def _click_merge(self, position_nm: Nm) -> None:
        segment = self._pick(position_nm)
        if self.merging is None:
            self.merging = MergeDraft(position_nm, segment)
            self._draft()
            return
        if segment == self.merging.segment:
            raise EditError(
                f"this is object {segment} again", where="merge", remedy="click another object"
            )
        self.settled().merge([self.merging.position_nm, position_nm])

    def _work_out(self) -> None:
        """Plan the split anew from its points."""
        draft = self.splitting
        draft.proposal = Proposal()
        if draft.red and draft.blue:
            self._planner.ask(Request(self._place.opened, draft.red, draft.blue))
        else:
            self._planner.cancel()
        self._draft()

    def _show_proposal(self, proposal: Proposal) -> None:
        self.splitting.proposal = proposal
        self._draft()

    def _draft(self) -> None:
        self._place.sight.seed(self.splitting.red, self.splitting.blue)
        self.drafted.emit()
