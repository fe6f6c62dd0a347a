"""Undo, redo, and going back to any point of the log."""

from __future__ import annotations

from napari_axonem.errors import EditError
from napari_axonem.proofreading.record.operation import EdgeStates, Kind, Operation
from napari_axonem.proofreading.tables.refinement import translated
from napari_axonem.proofreading.tables.state import State, latest


def undone(state: State) -> Operation:
    """Return the undo that is next.

    Raises
    ------
    EditError
        No edit is active.
    """
    return _turned(state, Kind.UNDO, state.history.undo_target())


def redone(state: State) -> Operation:
    """Return the redo that is next.

    Raises
    ------
    EditError
        No edit was undone here.
    """
    return _turned(state, Kind.REDO, state.history.redo_target())


def gone_to(state: State, number: int) -> Operation:
    """Return what makes the project what it was after an operation, in one step.

    The edits that were active then are active again: others are taken back, and those of a
    branch that was left are brought again.

    Parameters
    ----------
    number
        The operation, or 0 for what the project was at first.

    Raises
    ------
    EditError
        There is no such operation, or the project is what it was then.
    """
    head = state.history.head_after(state.operation(number)) if number else 0
    if head == state.history.head:
        raise EditError(
            f"since operation {number} nothing has changed" if number else "no edit is active",
            where=str(Kind.GO),
        )
    back, again = state.history.way_to(head)
    states = [_states(state, edit, undoing=True) for edit in back]
    states += [_states(state, edit, undoing=False) for edit in again]
    return Operation(Kind.GO, target=head, edges=latest(states))


def _turned(state: State, kind: Kind, target: int) -> Operation:
    edit = state.operation(target)
    return Operation(
        kind,
        target=target,
        points=edit.points,
        fragments=edit.fragments,
        edges=_states(state, target, undoing=kind == Kind.UNDO),
    )


def _states(state: State, edit: int, *, undoing: bool) -> EdgeStates:
    """Return what an edit set, or what it found, named as it is now."""
    states = state.operation(edit).edges.copy()
    for carried in state.carried:
        if carried.operation > edit:
            states = translated(states, carried)
    if undoing:
        states[:, 2] = 1 - states[:, 2]
    return states
