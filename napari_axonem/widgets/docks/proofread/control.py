"""Knows the session and the dock Proofread."""

from __future__ import annotations

from napari_axonem.errors import EditError
from napari_axonem.widgets.docks.proofread.hints import hint
from napari_axonem.widgets.docks.proofread.tools_view import OTHERS
from napari_axonem.widgets.docks.proofread.view import ProofreadView
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.parts.frames import bring_forward
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
        view.tools.brush.resized.connect(session.editor.resize_brush)
        view.history.chosen.connect(session.past.choose)
        view.history.named.connect(lambda name: session.attempt(session.past.name, name))
        connections = Connections(view, soon=session.place.soon)
        connections.follow(self.show, session.edited)
        connections.follow(self.show_draft, session.editor.drafted, session.review.pointed)
        connections.connect(session.project_changed, self.show)
        connections.connect(session.past.chosen_changed, self.show_chosen)  # a menu asks for it
        connections.connect(session.place.said, self._tell)
        connections.connect(session.wanted, self._ask)
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
        self._view.history.table.show_project(project)
        self.show_chosen()

    def show_draft(self) -> None:
        """Show the tool and the edit in the making."""
        editor, tools = self._session.editor, self._view.tools
        in_hand = editor.in_hand
        opened = self._session.project is not None
        tools.set_tool(editor.tool)
        tools.set_draft(
            hint(self._session),
            ready=opened and in_hand.ready,
            begun=opened and in_hand.begun,
            busy=in_hand.busy,
        )
        handle, word = editor.handle, OTHERS.get(editor.tool, "")
        tools.brush.set_brush(handle.radius_nm, others=handle.others, word=word)
        self._view.set_repair(self._repair())

    def show_chosen(self) -> None:
        """Show which operation is chosen, and what can be done with it."""
        project, chosen = self._session.project, self._session.past.chosen
        writable = project is not None and project.writable
        self._view.history.table.choose(chosen)
        self._view.history.set_possible(back=writable and chosen is not None, name=writable)

    def _tell(self, notice: Notice) -> None:
        self._view.message.tell(notice.text, problem=notice.problem)

    def _ask(self, what: str) -> None:
        if what == "name":
            bring_forward(self._view.history.name)
            self._view.history.ask_name()

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
        return wording.edit(project.operations[target - 1])
