"""Which edits are active: the log read as a tree in which nothing is ever overwritten.

Every edit hangs below the edit that was active before it. Undo steps to the parent, redo to
the child that was left last; a new edit after an undo opens a branch beside the old one. ::

    log      merge 1   split 2   undo 3(2)   merge 4
    tree     0 ── 1 ──┬── 2
                      └── 4   ← head
"""

from __future__ import annotations

from collections.abc import Iterable

from napari_axonem.errors import EditError
from napari_axonem.proofreading.operation import Kind, Operation


class History:
    """The tree of edits and the place in it.

    Parameters
    ----------
    operations
        The log so far, oldest first.
    """

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self.head = 0
        """The newest active edit; 0 when none is active."""
        self._parent: dict[int, int] = {}
        self._last_child: dict[int, int] = {}
        for operation in operations:
            self.record(operation)

    def record(self, operation: Operation) -> None:
        """Follow one more operation of the log."""
        match operation.kind:
            case Kind.UNDO:
                self.head = self._parent[operation.target]
            case Kind.REDO:
                self.head = operation.target
            case _:
                self._parent[operation.id] = self.head
                self._last_child[self.head] = operation.id
                self.head = operation.id

    def active(self) -> list[int]:
        """Return the ids of the active edits, oldest first."""
        path = []
        edit = self.head
        while edit:
            path.append(edit)
            edit = self._parent[edit]
        return path[::-1]

    def undo_target(self) -> int:
        """Return the edit that undo takes back.

        Raises
        ------
        EditError
            No edit is active.
        """
        if not self.head:
            raise EditError("there is nothing to undo", where="undo")
        return self.head

    def redo_target(self) -> int:
        """Return the edit that redo brings again.

        Raises
        ------
        EditError
            No edit was undone here.
        """
        child = self._last_child.get(self.head, 0)
        if not child:
            raise EditError("there is nothing to redo", where="redo")
        return child

    @property
    def can_undo(self) -> bool:
        """Whether an edit is active."""
        return self.head != 0

    @property
    def can_redo(self) -> bool:
        """Whether an edit was undone here."""
        return self.head in self._last_child
