"""Which edits are active: the log read as a tree in which nothing is ever overwritten.

Every edit hangs below the edit that was active before it. Undo steps to the parent, redo to
the child that was left last; a new edit after an undo opens a branch beside the old one. ::

    log      merge 1   split 2   undo 3(2)   merge 4
    tree     0 ── 1 ──┬── 2
                      └── 4   ← head
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.proofreading.record.operation import Kind, Operation


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
        if operation.is_edit:
            self._parent[operation.id] = self.head
            self._last_child[self.head] = operation.id
        elif operation.kind == Kind.UNDO:
            self._last_child[self._parent[operation.target]] = operation.target
        elif operation.kind == Kind.GO:
            for left in (self.head, operation.target):  # the way there comes last
                for edit in self.active(left):
                    self._last_child[self._parent[edit]] = edit
        self.head = self.head_after(operation)

    def active(self, head: int | None = None) -> list[int]:
        """Return the ids of the active edits, oldest first.

        Parameters
        ----------
        head
            The newest of them; the newest active one now where it is None.
        """
        path = []
        edit = self.head if head is None else head
        while edit:
            path.append(edit)
            edit = self._parent[edit]
        return path[::-1]

    def before(self, edit: int) -> int:
        """Return the edit that was active before an edit was made; 0 when none was."""
        return self._parent[edit]

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

    def head_after(self, operation: Operation) -> int:
        """Return which edit was the newest active one after an operation of the log."""
        match operation.kind:
            case Kind.UNDO:
                return self._parent[operation.target]
            case Kind.REDO | Kind.GO:
                return operation.target
            case Kind.MARK:
                return operation.parent
            case _:
                return operation.id

    def way_to(self, head: int) -> tuple[list[int], list[int]]:
        """Return the edits to take back, and those to bring again, to come to `head`, in order."""
        now, then = self.active(), self.active(head)
        common = 0
        while common < min(len(now), len(then)) and now[common] == then[common]:
            common += 1
        return now[common:][::-1], then[common:]

    def columns(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return the tree as arrays, from which `of_columns` makes it again."""
        edits, parents = list(self._parent), list(self._parent.values())
        last = self._last_child
        return {
            "edits": np.array([edits, parents], np.int64),
            "last_child": np.array([list(last), list(last.values())], np.int64),
            "head": np.array([self.head], np.int64),
        }

    @classmethod
    def of_columns(cls, columns: Mapping[str, npt.NDArray[np.int64]]) -> History:
        """Return the tree that `columns` gave."""
        history = cls()
        history._parent = dict(zip(*columns["edits"].tolist(), strict=True))
        history._last_child = dict(zip(*columns["last_child"].tolist(), strict=True))
        (history.head,) = columns["head"].tolist()
        return history

    @property
    def can_undo(self) -> bool:
        """Whether an edit is active."""
        return self.head != 0

    @property
    def can_redo(self) -> bool:
        """Whether an edit was undone here."""
        return self.head in self._last_child
