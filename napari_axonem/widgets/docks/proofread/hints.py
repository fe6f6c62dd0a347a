"""What to do next with the tool in hand, in words."""

from __future__ import annotations

from napari_axonem.proofreading.record.operation import Colour
from napari_axonem.widgets.docks.proofread.score_view import better_or_worse
from napari_axonem.widgets.parts import colours, wording
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.keyboard import keyboard
from napari_axonem.widgets.session.session import Session

MOVE = "drag with Ctrl to move the picture"


def hint(session: Session) -> str:
    """Return what to do next, as rich text."""
    if session.project is None:
        return "Open a project in the dock <b>Volume</b>."
    return HINTS[session.editor.tool](session)


def _look(_: Session) -> str:
    return "A click picks an object, for the dock <b>Objects</b>."


def _merge(session: Session) -> str:
    hits = session.editor.merging.hits
    if not hits:
        return "Click two objects that belong together; <b>Shift+click</b> collects more."
    if len(hits) == 1:
        return f"Object <b>{hits[0].segment}</b>: now click the one to join to it."
    names = wording.names([hit.segment for hit in hits])
    return f"<b>{names}</b>: {taking()} merges all {len(hits)}."


def _split(session: Session) -> str:
    editor = session.editor
    draft = editor.splitting
    counts = {c: str(len(side)) for c, side in draft.sides.items()}
    counts[draft.colour] = f"<u>{counts[draft.colour]}</u>"  # what a click places
    points = " ".join(_points(colours.OF_SIDE[c], count) for c, count in counts.items())
    if draft.busy:
        return f"{points} working the split out\N{HORIZONTAL ELLIPSIS}"
    if draft.proposal.problem:
        return f"{points} \N{WARNING SIGN} {draft.proposal.problem}"
    if draft.plan is not None:
        return f"{points} {_expected(session)}"
    return (
        f"{points} Click to place <b>{draft.colour}</b> points, Shift+click for "
        f"<b>{draft.following}</b>."
    )


def _cut_off(session: Session) -> str:
    draft = session.editor.cutting_off
    if draft.busy:
        return "Working the branch out\N{HORIZONTAL ELLIPSIS}"
    if draft.proposal.problem:
        return f"\N{WARNING SIGN} {draft.proposal.problem}"
    if draft.plan is not None:
        pieces = wording.count(len(draft.plan.sides[Colour.RED]), "fragment")
        return f"{_points(colours.RED, '')} {pieces} would go. {_expected(session)}"
    return "Click where the branch begins: what hangs beyond it turns red."


def _detach(session: Session) -> str:
    hits = session.editor.detaching.hits
    if not hits:
        return (
            "Click a fragment to cut it off from all others; <b>Shift+click</b> collects "
            "fragments for a new object."
        )
    pieces = wording.count(len(hits), "fragment")
    return f"{pieces} collected: {taking()} makes <b>one new object</b> of them."


def _delete(session: Session) -> str:
    hits = session.editor.deleting.hits
    if not hits:
        return "Click the object to delete; it becomes background."
    names = wording.names([hit.segment for hit in hits], ", ")
    return f"<b>{names}</b>: click again to delete, or {taking()}."


def _paint(session: Session) -> str:
    segment = session.editor.painting.segment
    if not segment:
        return "Press on the object that shall grow, and drag."
    return f"Object <b>{segment}</b> grows where you drag; press with Shift on another one; {MOVE}."


def _erase(session: Session) -> str:
    if session.editor.handle.others:
        return f"Drag: all objects lose what is under the brush; {MOVE}."
    return f"Drag from inside an object: it alone loses what is under the brush; {MOVE}."


HINTS = {
    Tool.LOOK: _look,
    Tool.MERGE: _merge,
    Tool.SPLIT: _split,
    Tool.CUT_OFF: _cut_off,
    Tool.DETACH: _detach,
    Tool.DELETE: _delete,
    Tool.PAINT: _paint,
    Tool.ERASE: _erase,
}


def taking() -> str:
    """Return what takes what is shown: the key, or the button where there is no key."""
    return keyboard().shown("take") or "<b>Take it</b>"


def _expected(session: Session) -> str:
    """Return what the cut that is shown would do to the score."""
    tool, scores = session.editor.tool, session.track
    draft = session.editor.splitting if tool == Tool.SPLIT else session.editor.cutting_off
    expected = draft.proposal.expected
    if expected is None or scores is None:
        return f"{taking()} takes it."
    change = better_or_worse(expected.total - scores.now.total)
    return f"VOI {wording.bits(expected.total)} ({change})"


def _points(colour: str, count: str) -> str:
    return f'<span style="color:{colour}">\N{BLACK CIRCLE}</span>{count}'
