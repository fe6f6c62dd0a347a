"""The dock Train: a real training, started, followed, stopped and resumed by the mouse."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("waterz")

from napari_axonem.jobs import State
from napari_axonem.widgets.docks.factories import TrainDock
from napari_axonem.widgets.parts.plot import MOST, thinned
from tests.training.fields import write_field

from .hand import Hand
from .test_segment_dock import type_into

pytestmark = pytest.mark.window


def test_a_training_is_followed_stopped_found_again_and_resumed(hand: Hand, tmp_path: Path) -> None:
    dock = hand.dock("Train")
    view, follower = dock.view, dock.control.follower
    hand.push("Train", view.start)
    assert "nothing is named" in view.data._problems["volumes"].text()
    type_into(view.data.editors["volumes"], write_field(tmp_path / "field.h5") + "[:16]")
    for name, text in (("steps", "3000"), ("devices", "cpu")):
        type_into(view.usual.editors[name], text)
    small = {"widths": "2,3", "patch": "8,8,8", "precision": "float32", "checkpoint_every": "5"}
    view.more.set_values(small)
    type_into(view.out, str(tmp_path / "run"))
    hand.push("Train", view.start)
    hand.until(lambda: follower.job.progress[0] >= 20)
    assert follower.job.state is State.RUNNING
    assert view.loss._series["loss/train"][0][0] == 1
    assert "of 3,000" in view.panel.message.text()
    hand.push("Train", view.panel.stop)
    hand.until(lambda: not follower.job.state.is_alive)
    assert follower.job.state is State.STOPPED, follower.job.text
    reached = follower.job.progress[0]

    later = TrainDock(hand.viewer)  # as in a window that is opened later
    hand.until(lambda: later.control.follower.job.state is State.STOPPED)
    later.view.panel.resume.click()
    hand.until(lambda: later.control.follower.job.progress[0] > reached)
    assert any("going on from mini-batch" in line for line in later.control.follower.job.lines)
    later.view.panel.stop.click()
    hand.until(lambda: not later.control.follower.job.state.is_alive)


def test_long_curves_are_thinned_to_means() -> None:
    steps = list(range(5000))
    xs, ys = thinned(steps, [float(step % 2) for step in steps])
    assert len(xs) == len(ys) <= MOST + 1
    assert (xs[0], xs[-1], ys[-1]) == (0, 4999, 1.0)
    assert all(0.3 < y < 0.7 for y in ys[:-1])
