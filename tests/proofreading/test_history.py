"""The log read as a tree."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.errors import EditError
from napari_axonem.proofreading.record.history import History
from napari_axonem.proofreading.record.operation import Kind, Operation


def test_a_new_edit_after_undo_opens_a_branch() -> None:
    history = History(
        [
            Operation(Kind.MERGE, id=1),
            Operation(Kind.SPLIT, id=2),
            Operation(Kind.UNDO, id=3, target=2),
            Operation(Kind.MERGE, id=4),
        ]
    )
    assert history.active() == [1, 4]
    assert history.undo_target() == 4
    assert not history.can_redo


def test_redo_follows_the_branch_that_was_left_last() -> None:
    history = History(
        [
            Operation(Kind.MERGE, id=1),
            Operation(Kind.UNDO, id=2, target=1),
            Operation(Kind.MERGE, id=3),
            Operation(Kind.UNDO, id=4, target=3),
        ]
    )
    assert history.redo_target() == 3


def test_nothing_to_undo_or_redo() -> None:
    with pytest.raises(EditError, match="undo"):
        History().undo_target()
    with pytest.raises(EditError, match="redo"):
        History().redo_target()


@given(st.lists(st.sampled_from(["edit", "undo", "redo"]), max_size=40))
def test_it_behaves_like_two_stacks(steps: list[str]) -> None:
    history, ids = History(), count(1)
    done: list[int] = []
    undone: list[int] = []
    for step in steps:
        if step == "edit":
            operation = Operation(Kind.MERGE, id=next(ids))
            done.append(operation.id)
            undone.clear()
        elif step == "undo" and done:
            operation = Operation(Kind.UNDO, id=next(ids), target=history.undo_target())
            undone.append(done.pop())
        elif step == "redo" and undone:
            operation = Operation(Kind.REDO, id=next(ids), target=history.redo_target())
            done.append(undone.pop())
        else:
            continue
        history.record(operation)
        assert history.active() == done
        assert history.can_undo == bool(done)
        assert not undone or history.redo_target() == undone[-1]
