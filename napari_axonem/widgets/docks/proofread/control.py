"""Knows the session and the dock Proofread."""

from __future__ import annotations

from datetime import datetime

from napari_axonem.errors import EditError
from napari_axonem.proofreading.operation import Operation
from napari_axonem.widgets.docks.proofread.history_view import HistoryRow
from napari_axonem.widgets.docks.proofread.score_view import better_or_worse
from napari_axonem.widgets.docks.proofread.view import ProofreadView
from napari_axonem.widgets.parts import colours, wording
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.editor import Editor, Tool
from napari_axonem.widgets.session.keys import BY_ID
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.workplace import Notice


class ProofreadControl:
    """Keeps the view like the session, and does what the user asks for.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: ProofreadView) -> None:
        self._session = session
        self._view = view
        view.asked.connect(lambda action: session.attempt(BY_ID[action].run, session))
        view.asked.connect(self.show_draft)  # a refused tool must not look chosen
        view.visited.connect(lambda number: session.attempt(self._visit, number))
        connect = Connections(view).connect
        connect(session.project_changed, self.show)
        connect(session.edited, self.show)
        connect(session.editor.drafted, self.show_draft)
        connect(session.review.pointed, self.show_draft)
        connect(session.place.said, self._tell)
        self.show()

    def show(self) -> None:
        """Show everything as it is now."""
        self.show_draft()
        project, scores = self._session.project, self._session.track
        if scores is None:
            self._view.score.clear()
        else:
            self._view.score.set_score(scores.start, scores.now, scores.totals)
        self._view.score.set_runs(self._session.runs.track())
        self._view.score.setVisible(project is None or project.has_truth)
        self._view.set_turns(self._target("undo_target"), self._target("redo_target"))
        self._view.history.set_rows(self._history())

    def show_draft(self) -> None:
        """Show the tool and the edit in the making."""
        editor = self._session.editor
        begun = editor.merging is not None or bool(editor.splitting.points)
        self._view.set_tool(editor.tool)
        self._view.set_draft(
            self._hint(), ready=editor.splitting.plan is not None, begun=begun, busy=editor.busy
        )
        self._view.set_repair(self._repair())

    def _tell(self, notice: Notice) -> None:
        self._view.message.tell(notice.text, problem=notice.problem)

    def _hint(self) -> str:
        editor = self._session.editor
        if self._session.project is None:
            return "Open a project in the dock <b>Volume</b>."
        if editor.tool == Tool.LOOK:
            return "A click picks an object, for the dock <b>Objects</b>."
        if editor.tool == Tool.MERGE:
            if editor.merging is None:
                return "Click the first of two objects that belong together."
            return f"Object <b>{editor.merging.segment}</b>: now click the one to join to it."
        return self._hint_of_split(editor)

    def _hint_of_split(self, editor: Editor) -> str:
        draft = editor.splitting
        points = f"{_points(colours.RED, len(draft.red))} {_points(colours.BLUE, len(draft.blue))}"
        if editor.busy:
            return f"{points} working the split out\N{HORIZONTAL ELLIPSIS}"
        if draft.proposal.problem:
            return f"{points} \N{WARNING SIGN} {draft.proposal.problem}"
        if draft.plan is not None:
            return f"{points} {self._expected()}"
        first, second = ("blue", "red") if editor.blue_next else ("red", "blue")
        return f"{points} Click to place <b>{first}</b> points, Shift+click for <b>{second}</b>."

    def _expected(self) -> str:
        expected, scores = self._session.editor.splitting.proposal.expected, self._session.track
        if expected is None or scores is None:
            return "Enter takes the split shown."
        change = better_or_worse(expected.total - scores.now.total)
        return f"VOI {wording.bits(expected.total)} ({change})"

    def _repair(self) -> str:
        queue = self._session.review.queue
        if queue.current is None or not queue.current_is_listed:
            return ""
        mistake = queue.current.mistake
        if mistake.kind == "false_split":
            return f"Repair: merge {wording.names(mistake.segments)}"
        return f"Repair: split {mistake.segments[0]}\N{HORIZONTAL ELLIPSIS}"

    def _target(self, which: str) -> str:
        project = self._session.project
        if project is None or not project.writable:
            return ""
        try:
            target = getattr(project.history, which)()
        except EditError:
            return ""
        return next(wording.edit(op) for op in project.operations if op.id == target)

    def _history(self) -> list[HistoryRow]:
        project, scores = self._session.project, self._session.track
        if project is None:
            return []
        active = set(project.history.active())
        totals = [] if scores is None else scores.totals
        changes = {
            op: after - before
            for (op, _), before, after in zip(
                scores.after if scores else (), totals, totals[1:], strict=False
            )
        }
        return [
            HistoryRow(
                operation.id,
                _clock(operation),
                wording.operation(operation, project.operations),
                wording.change(changes[operation.id]) if operation.id in changes else "",
                active=not operation.is_edit or operation.id in active,
            )
            for operation in reversed(project.operations)
        ]

    def _visit(self, number: int) -> None:
        operations = self._session.place.opened.operations
        points = next((op.points for op in operations if op.id == number), ())
        if points:
            self._session.place.sight.look_at_place(points[0].position_nm)


def _points(colour: str, count: int) -> str:
    return f'<span style="color:{colour}">\N{BLACK CIRCLE}</span>{count}'


def _clock(operation: Operation) -> str:
    """Return when an operation was done, in the time of this place."""
    return datetime.fromisoformat(operation.time).astimezone().strftime("%H:%M:%S")
