"""The dock Train: a real training, started, followed, stopped and resumed by the mouse."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("waterz")

from napari_axonem.jobs import State
from napari_axonem.widgets.docks.factories import TrainDock
from napari_axonem.widgets.docks.train.view import TrainView
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
    type_into(view.usual.editors["steps"], "3000")
    small = {
        "devices": "cpu",
        "widths": "2,3",
        "patch": "8,8,8",
        "precision": "float32",
        "checkpoint_every": "5",
    }
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


def test_the_preset_is_filled_in_and_taken_out(hand: Hand) -> None:
    dock = hand.dock("Train")
    view = dock.view
    assert "ten minutes" in view.preset.text()
    hand.push("Train", view.preset)
    given = {name: value for form in view.forms for name, value in form.given().items()}
    assert given["minutes"] == "10"
    assert given["volumes"] == ("phantom:101", "phantom:102", "phantom:103", "phantom:104")
    assert given["widths"] == "16,32,64,96"
    assert dock.control._preset() == ["--preset=phantom"]
    hand.push("Train", view.preset)
    assert not any(form.given() for form in view.forms)
    assert dock.control._preset() == []


def test_models_of_the_network_are_offered_to_begin_with(hand: Hand) -> None:
    usual = hand.dock("Train").view.usual
    begin = usual.editors["pretrained"]
    assert {begin.itemText(n) for n in range(begin.count())} >= {"phantom", "fib25"}
    assert "pretrained" not in usual.given()
    begin.setCurrentText("phantom")
    assert usual.given()["pretrained"] == "phantom"
    usual.editors["model"].setCurrentText("resnet20")
    assert begin.count() == 0


def test_how_devices_share_the_work_is_asked_where_there_are_several(qtbot) -> None:
    for several in (False, True):
        view = TrainView(many_devices=several)
        qtbot.addWidget(view)
        assert ("strategy" in view.usual.editors) == several
        assert ("strategy" in view.more.editors) != several


def test_long_curves_are_thinned_to_means() -> None:
    steps = list(range(5000))
    xs, ys = thinned(steps, [float(step % 2) for step in steps])
    assert len(xs) == len(ys) <= MOST + 1
    assert (xs[0], xs[-1], ys[-1]) == (0, 4999, 1.0)
    assert all(0.3 < y < 0.7 for y in ys[:-1])
