"""What docks make of the volumes that a window shows."""

import gc
from pathlib import Path
from threading import Event, current_thread, main_thread

import h5py
import numpy as np
import pytest

from napari_axonem.volumes import describe
from napari_axonem.volumes.axonem import HUMAN
from napari_axonem.volumes.axonem.release import LAYOUT
from napari_axonem.widgets.docks.segment import control
from napari_axonem.widgets.opening import samples
from napari_axonem.widgets.opening.locations import destination_for
from napari_axonem.widgets.opening.reading import all_layers
from napari_axonem.widgets.opening.shown import shown_volumes
from napari_axonem.widgets.opening.volume_layer import volume_layer
from tests.volumes.axonem_files import write_block

from .conftest import SHAPE, VOXEL_SIZE, fragments
from .hand import Hand

pytestmark = pytest.mark.window


def show(hand: Hand, *locations: str) -> None:
    for location in locations:
        hand.viewer.add_layer(volume_layer(location))


def test_layers_of_files_and_none_of_a_project(hand: Hand, volumes: Path, project_path: Path):
    show(hand, f"{volumes}:raw", f"{volumes}:gt")
    hand.viewer.add_labels(fragments(), name="drawn")
    image, truth = shown_volumes(hand.viewer.layers)
    assert (image.name, image.location, image.is_labels) == ("raw", f"{volumes}:raw", False)
    assert (truth.voxel_size, truth.is_labels) == (VOXEL_SIZE, True)
    hand.viewer.layers.clear()
    hand.session.open_project(project_path)
    assert [shown.location for shown in shown_volumes(hand.viewer.layers)] == [f"{volumes}:raw"]


def test_what_is_only_a_part_of_its_file_is_left_out(tmp_path: Path):
    write_block(tmp_path / "blocks", HUMAN.centre, LAYOUT)
    image, labels = all_layers(str(tmp_path / "blocks"))
    assert [shown.name for shown in shown_volumes([image, labels])] == [image.name]


def test_a_project_of_what_is_open(hand: Hand, volumes: Path, tmp_path: Path):
    form = hand.dock("Volume").form
    hand.push("Volume", form.shown)
    assert "no layer is a volume" in hand.dock("Volume").work.message.text()
    show(hand, f"{volumes}:gt", f"{volumes}:raw", f"{volumes}:watershed")
    hand.push("Volume", form.shown)
    wish = form.wish()
    assert wish.roles == {
        "image": f"{volumes}:raw",
        "fragments": f"{volumes}:watershed",
        "truth": f"{volumes}:gt",
    }
    assert wish.voxel_size == "30, 8, 8"
    assert wish.destination == str(volumes.with_suffix(".axonem"))
    assert not hand.dock("Volume").work.message.text()
    form.destination.setText(str(tmp_path / "made.axonem"))
    hand.push("Volume", form.create)
    hand.until(lambda: hand.session.project is not None)
    hand.until(lambda: "segmentation" in hand.viewer.layers)
    assert [hand.viewer.layers[name].visible for name in ("raw", "gt", "watershed")] == [False] * 3
    assert hand.viewer.layers["image"].visible


def test_the_only_labels_are_the_objects_and_answers_hold(hand: Hand, tmp_path: Path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["main"] = fragments()
    hand.viewer.add_layer(volume_layer(f"{tmp_path / 'a.h5'}:main", (30.0, 8.0, 8.5)))
    volume, commands = hand.dock("Volume"), []
    monkeypatch.setattr(volume.control.child, "start", commands.append)
    hand.push("Volume", volume.form.shown)
    assert volume.form.wish().roles == {"segmentation": f"{tmp_path / 'a.h5'}:main"}
    volume.form.voxel_size.clear()
    hand.push("Volume", volume.form.create)
    assert commands[0][-2:] == ["--voxel-size", "30,8,8.5"]


def test_the_image_to_segment_stays_whatever_it_is_called(
    hand: Hand, volumes: Path, project_path: Path
):
    view = hand.dock("Segment").view
    show(hand, f"{volumes}:raw")
    assert (view.image.currentText(), view.chosen_image()) == ("raw", f"{volumes}:raw")
    hand.session.open_project(project_path)
    named = view.image.currentText(), view.chosen_image()
    assert named == (f"image of {project_path.stem}", f"{volumes}:raw")
    assert "made for" in view.fit.text()
    hand.session.close_project()
    hand.viewer.layers.clear()
    assert view.chosen_image() == ""
    view.image.setCurrentText("typed.h5:raw")
    show(hand, f"{volumes}:raw")
    assert view.chosen_image() == "typed.h5:raw"


def test_a_server_is_asked_beside_the_window(hand: Hand, volumes: Path, monkeypatch):
    address, go_on, threads = "https://host/a.zarr", Event(), []

    def ask(location: str):
        assert location == address
        threads.append(current_thread())
        assert go_on.wait(60)
        return describe(f"{volumes}:raw")

    monkeypatch.setattr(control, "describe", ask)
    view = hand.dock("Segment").view
    view.image.setCurrentText(address)
    view.imaged.emit(address)
    view.imaged.emit(address)
    assert not view.fit.text(), "the window did not wait for it"
    go_on.set()
    hand.until(lambda: "made for" in view.fit.text())
    assert len(threads) == 1, "it is asked once"
    assert threads[0] is not main_thread()


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The image of a sample whose layers are there, in a temporary folder of this test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = samples.Folder()
    with h5py.File(folder.path / "phantom.h5", "w") as file:
        file["image"] = np.zeros(SHAPE, np.uint8)
        file["image"].attrs["voxel_size_nm"] = VOXEL_SIZE
    layer = volume_layer(f"{folder.path / 'phantom.h5'}:image")
    layer.metadata[samples.FOLDER] = folder
    return layer


@pytest.mark.parametrize("used", [True, False])
def test_a_sample_lasts_as_long_as_it_is_needed(sample, tmp_path: Path, used: bool):
    [shown] = shown_volumes([sample])
    assert destination_for(shown.location) == Path.cwd() / "phantom.axonem"
    folder = sample.metadata[samples.FOLDER].path
    samples.keep_sample([sample], shown.location if used else str(tmp_path / "other.h5"))
    sample.metadata.clear()
    gc.collect()
    assert folder.exists() == used


def test_a_project_keeps_the_sample_that_it_is_made_of(hand: Hand, sample, monkeypatch):
    hand.viewer.add_layer(sample)
    volume, kept = hand.dock("Volume"), sample.metadata[samples.FOLDER]
    monkeypatch.setattr(volume.control.child, "start", lambda *_: None)
    hand.push("Volume", volume.form.shown)
    hand.push("Volume", volume.form.create)
    assert kept.remove.alive, "an image alone makes no project"
    volume.form.offer([("labels", "labels.h5")])
    volume.form.choose({"segmentation": "labels.h5"})
    hand.push("Volume", volume.form.create)
    assert not kept.remove.alive
