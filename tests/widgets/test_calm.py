"""Every action of the window, played by its key; what takes long is never done in its thread."""

from pathlib import Path

import pytest
from qtpy.QtGui import QKeySequence

from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.keys import ACTIONS, BY_ID

from .conftest import nm
from .hand import NONE, SHIFT, Hand
from .test_session import row
from .watchdog import Threads, Watchdog

pytestmark = pytest.mark.window

LEFT_OF_1, RIGHT_OF_1 = nm(6, 14, 20), nm(6, 14, 60)

HEAVY = (
    "napari_axonem.widgets.session.planning.points_nm",
    "napari_axonem.proofreading.project.plan_split",
    "napari_axonem.proofreading.project.plan_cut_off",
    "napari_axonem.widgets.docks.errors.sheet.portrait",
    "napari_axonem.widgets.session.space.mesh_of",
    "napari_axonem.widgets.session.space.skeletonize",
)
"""What takes long on large data, where it is called."""


class Player:
    """Plays actions by their keys, under the watchdog."""

    def __init__(self, hand: Hand) -> None:
        self.hand, self.dog = hand, Watchdog()

    def play(self, *names: str) -> None:
        """Press the keys of actions; each is waited for."""
        for name in names:
            key = QKeySequence(BY_ID[name].shown_key.replace("Enter", "Return"))[0]
            with self.dog.watching(name):
                self.hand.press(key.key(), key.keyboardModifiers())

    def click(self, position_nm, modifiers=NONE) -> None:
        """Click on a place in the plane shown."""
        self.hand.click(position_nm, modifiers)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    noted = Threads()
    for path in HEAVY:
        module, _, name = path.rpartition(".")
        plain = getattr(__import__(module, fromlist=[name]), name)
        monkeypatch.setattr(path, noted.noting(name, plain))
    return noted


def test_every_action_leaves_the_window_free(
    hand: Hand, project_path: Path, threads: Threads, monkeypatch
) -> None:
    session, player = hand.session, Player(hand)
    asked = []
    monkeypatch.setattr(
        "napari_axonem.widgets.docks.errors.control.ask_skeletons", lambda _: asked.append(1)
    )
    session.open_project(project_path)
    play, queue = player.play, session.review.queue

    # the list, and what is shown
    play("next", "previous", "next", "go", "done", "unmark", "skip", "unmark", "flag", "unmark")
    play("switch", "switch", "rank", "region", "region", "skeletons")
    play("truth", "truth", "errors", "errors", "isolate", "isolate", "colours", "fainter")
    play("stronger", "centre")
    assert asked

    # repairs
    session.go_to(row(session, "false_merge").key)
    play("repair")
    hand.until(lambda: session.editor.splitting.plan is not None)
    play("take", "undo", "redo")
    assert [op.kind for op in session.project.operations] == [Kind.SPLIT, Kind.UNDO, Kind.REDO]
    session.past.choose(0)
    play("back", "visit", "name", "threshold")

    # tools
    hand.viewer.dims.set_point(0, nm(6, 0, 0)[0])
    hand.viewer.reset_view()
    play(
        "merge",
        "split",
        "swap",
        "colour",
        "drop",
        "detach",
        "delete",
        "paint",
        "thicker",
        "thinner",
    )
    play("others", "erase", "cut_off")
    player.click(RIGHT_OF_1)
    hand.until(lambda: not session.editor.busy)
    play("drop", "split")
    player.click(LEFT_OF_1)
    play("unplace", "look")
    assert session.editor.tool == Tool.LOOK

    # objects
    player.click(LEFT_OF_1)
    play("object_done", "lock", "lock", "discuss", "object_done", "note", "hide", "hide")
    play("draw", "right", "unjudge", "wrong", "unjudge")
    player.click(LEFT_OF_1)
    play("neighbour", "neighbour_before", "neighbour_too", "neighbour_too", "join", "undo")
    player.click(LEFT_OF_1)
    player.click(RIGHT_OF_1, SHIFT)
    play("merge_selected", "undo")

    # views from the side
    play("sides")
    hand.until(lambda: bool(session.sides.shown))
    play("beside", "crosshair", "crosshair", "jump", "beside", "sides")

    # three dimensions
    player.click(LEFT_OF_1)
    play("space", "lines")
    hand.until(lambda: not session.space._busy)
    play("space")

    play("suggest")
    hand.until(lambda: not hand.dock("Errors").control.seeking.child.running)
    hand.until(lambda: hand.dock("Errors").control.sheet.is_complete)

    assert set(player.dog.blocked) == {action.id for action in ACTIONS}
    assert queue.rows
    assert threads.main == set()
    assert threads.beside == {path.rpartition(".")[2] for path in HEAVY}
