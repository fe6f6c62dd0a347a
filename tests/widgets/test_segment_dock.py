"""The dock Segment, and the list of jobs: a real segmentation, by mouse and keys."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit

pytest.importorskip("torch")
pytest.importorskip("waterz")

from napari_axonem.jobs import State
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.segmentation.planning import USUAL_THRESHOLD
from napari_axonem.widgets.docks.factories import SegmentDock
from napari_axonem.widgets.opening.locations import destination_for
from napari_axonem.widgets.opening.volume_layer import volume_layer
from napari_axonem.widgets.picture.growing import GrowingLayer, Growth

from .conftest import SHAPE
from .hand import Hand

pytestmark = pytest.mark.window


def type_into(editor: QLineEdit, text: str) -> None:
    editor.setFocus()
    editor.selectAll()
    QTest.keyClicks(editor, text)


@pytest.fixture
def image(tmp_path: Path) -> str:
    """Bright slabs with dark membranes, of the size of the phantom's voxels."""
    voxels = np.full((16, 64, 64), 180, np.uint8)
    voxels[:, ::16] = voxels[:, 1::16] = 60
    voxels += np.random.default_rng(0).integers(0, 20, voxels.shape, dtype=np.uint8)
    with h5py.File(tmp_path / "slabs.h5", "w") as file:
        file["raw"] = voxels
        file["raw"].attrs["voxel_size_nm"] = (30.0, 8.0, 8.0)
    return f"{tmp_path / 'slabs.h5'}:raw"


def test_a_project_is_offered_beside_the_image(tmp_path: Path) -> None:
    assert destination_for(f"{tmp_path}/a.b.h5:raw") == tmp_path / "a.axonem"
    assert destination_for(f"{tmp_path}/a.zarr/raw/0") == tmp_path / "a.axonem"
    remote = destination_for("https://host:80/data/a.zarr/raw")
    assert remote == Path.cwd() / "a.axonem", "it cannot be put there"


def test_mistakes_are_told_at_the_field(hand: Hand, image: str) -> None:
    view = hand.dock("Segment").view
    hand.push("Segment", view.start)
    assert "Image" in view.message.text()
    type_into(view.image.lineEdit(), image)
    view.imaged.emit(image)
    assert "made for" in view.fit.text()
    type_into(view.usual.editors["threshold"], "3")
    hand.push("Segment", view.start)
    problem = view.usual._problems["threshold"]
    assert "at most 1" in problem.text()
    assert hand.dock("Segment").control.follower.job is None


def test_a_segmentation_from_image_to_project(hand: Hand, image: str, tmp_path: Path) -> None:
    dock = hand.dock("Segment")
    view, follower = dock.view, dock.control.follower
    raw = hand.viewer.add_layer(volume_layer(image))
    assert view.chosen_image() == image
    assert view.destination.text() == str(tmp_path / "slabs.axonem")
    type_into(view.usual.editors["device"], "cpu")
    hand.push("Segment", view.start)
    assert not view.start.isEnabled()
    assert follower.job.state.is_alive
    second = SegmentDock(hand.viewer)  # as a window that is opened later
    assert second.control.follower.job.id == follower.job.id
    second.control.follower.follow(None)
    hand.until(lambda: not follower.job.state.is_alive)
    assert follower.job.state is State.DONE, follower.job.text
    hand.until(lambda: hand.session.project is not None)
    assert hand.session.project.folder.root == tmp_path / "slabs.axonem"
    assert not raw.visible, "the project shows the image"
    assert view.start.isEnabled()
    jobs = hand.dock("Jobs")
    jobs.control.look()
    item = jobs.view.table.topLevelItem(0)
    assert (item.text(0), item.text(1)) == (follower.job.specification.title, "done")
    jobs.view.table.setCurrentItem(item)
    assert "made for" in jobs.view.log.toPlainText()
    assert jobs.view.open.isVisibleTo(jobs.view)
    hand.session.close_project()
    hand.push("Jobs", jobs.view.open)
    hand.until(lambda: hand.session.project is not None)


def test_a_layer_grows_without_holding_up_the_window(hand: Hand) -> None:
    from napari_axonem.geometry import Grid

    array = np.zeros((3, 6, 40, 50), np.uint8)
    grown = GrowingLayer(
        hand.viewer, "so far", lambda: Growth(array, Grid((30.0, 8.0, 8.0), (0.0, 0.0, 0.0)))
    )
    grown.renew()
    hand.until(lambda: grown.layer is not None)
    assert grown.layer.data.shape == (6, 40, 50)
    array[:, :, 10:20] = 90
    grown.renew()
    section = int(hand.viewer.dims.current_step[0])

    def shown() -> bool:
        view = grown.layer._data_view
        return view.shape == (40, 50) and view[15, 5] == 90 and view[5, 5] == 0

    hand.until(shown)
    hand.viewer.dims.set_current_step(0, (section + 1) % 6)
    hand.until(shown)
    grown.remove()
    assert not hand.viewer.layers


def test_the_slider_agglomerates_when_the_hand_rests(
    hand: Hand, volumes: Path, project_path: Path, tmp_path: Path
) -> None:
    view, session = hand.dock("Segment").view, hand.session
    session.open_project(project_path)
    assert not view.threshold.isVisibleTo(view), "without affinities nothing has a score"
    affinities = np.random.default_rng(0).random((3, *SHAPE), dtype=np.float32)
    with h5py.File(tmp_path / "affinities.h5", "w") as file:
        file["affinities"] = affinities
    roles = {"image": "raw", "fragments": "watershed", "segmentation": "seg"}
    given = {role: f"{volumes}:{name}" for role, name in roles.items()}
    given["affinities"] = f"{tmp_path / 'affinities.h5'}:affinities"
    create_project(tmp_path / "scored.axonem", CreateSettings(**given))
    session.open_project(tmp_path / "scored.axonem")
    assert view.threshold.isVisibleTo(view)
    for value in (0.9, 0.95, 0.99):  # a hand that moves
        view.threshold.slider.setValue(value)
    hand.until(lambda: len(session.project.operations) == 1)
    (operation,) = session.project.operations
    assert operation.threshold == pytest.approx(0.99)
    assert len(set(session.project.segment[1:].tolist())) == 6
    shown = []
    for turn in (session.editor.undo, session.editor.redo):
        turn()
        hand.show()
        shown.append(view.threshold.slider.value())
    assert shown == pytest.approx([USUAL_THRESHOLD, 0.99]), "it says what is in force"


def test_every_editor_has_a_tip(hand: Hand) -> None:
    view = hand.dock("Segment").view
    for form in (view.usual, view.more):
        assert all(editor.toolTip() for editor in form.editors.values())
    assert Qt.FocusPolicy.NoFocus == view.start.focusPolicy()
