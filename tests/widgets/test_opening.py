"""What is read without a window, what is sample data, and what the dock opens."""

import gc
import sys
from pathlib import Path

import h5py
import napari
import numpy as np
import pytest
import tifffile
from napari.layers import Layer
from qtpy.QtWidgets import QApplication

from napari_axonem.cli import main, showing
from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import write_volume
from napari_axonem.volumes.axonem import HUMAN
from napari_axonem.volumes.axonem.release import LAYOUT
from napari_axonem.volumes.phantom import PhantomSettings
from napari_axonem.widgets import desk
from napari_axonem.widgets.opening import samples
from napari_axonem.widgets.opening.asking import ANSWERS
from napari_axonem.widgets.opening.locations import brief, is_ours, is_remote, volumes_at
from napari_axonem.widgets.opening.notices import line
from napari_axonem.widgets.opening.reading import all_layers
from napari_axonem.widgets.opening.volume_layer import volume_layer
from napari_axonem.widgets.opening.voxel_size_form import Given, Question
from napari_axonem.widgets.reader import get_reader, read
from tests.volumes.axonem_files import write_block

from .conftest import SHAPE, VOXEL_SIZE, fragments
from .dropping import later
from .hand import Hand


def zarr(path: Path, voxels: np.ndarray, kind: str) -> Path:
    write_volume(path, lambda b: voxels[b.slices], SHAPE, voxels.dtype, Grid(VOXEL_SIZE), kind)
    return path


def test_files_are_read_in_nm(volumes: Path) -> None:
    reader = get_reader(str(volumes))
    assert reader is read
    layers = {meta["name"]: (data, meta, kind) for data, meta, kind in reader(str(volumes))}
    kinds = {name: kind for name, (_, _, kind) in layers.items()}
    assert kinds == {"raw": "image", "gt": "labels", "seg": "labels", "watershed": "labels"}
    data, meta, _ = layers["watershed"]
    np.testing.assert_array_equal(meta["scale"], VOXEL_SIZE)
    np.testing.assert_array_equal(np.asarray(data), fragments())
    made = Layer.create(*layers["raw"])
    assert made.data.shape == SHAPE


def test_one_array_of_a_file(volumes: Path) -> None:
    assert volumes_at(f"{volumes}:gt") == [f"{volumes}:gt"]
    assert [meta["name"] for _, meta, _ in read(f"{volumes}:gt")] == ["gt"]


def test_a_project_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="no project"):
        read(str(tmp_path / "none.axonem"))


@pytest.mark.parametrize("asked", ["", "im_475-1792-1792_pad.h5", "seg_475-1792-1792_pad.h5"])
def test_a_block_of_the_release_is_cropped_with_its_context(tmp_path: Path, asked: str) -> None:
    write_block(tmp_path / "blocks", HUMAN.centre, LAYOUT)
    path = str(tmp_path / "blocks" / asked)
    assert get_reader(path) is read
    image, labels = (Layer.create(*data) for data in read(path))
    assert (image.name, labels.name) == ("human 475-1792-1792 image", "human 475-1792-1792 labels")
    assert image.scale.tolist() == [30, 8, 8]
    assert tuple(image.world_to_data(labels.data_to_world((0, 0, 0)))) == (20, 512, 512)


def test_the_command_shows_a_folder_of_blocks_as_the_window_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, _ = write_block(tmp_path / "blocks", HUMAN.centre, LAYOUT)
    assert [a.name for a in all_layers(str(image.parent))] == [
        "human 475-1792-1792 image",
        "human 475-1792-1792 labels",
    ]
    [one] = all_layers(str(image), (40.0, 8.0, 8.0))
    assert one.scale.tolist() == [40, 8, 8]
    monkeypatch.setattr(desk.napari, "Viewer", lambda **_: sys.exit("the window"))
    with pytest.raises(SystemExit, match="the window"):  # all that is to be shown was opened
        desk.run_desk([str(image.parent)])


def test_a_block_of_either_volume_is_not_guessed(tmp_path: Path) -> None:
    write_block(tmp_path / "blocks", (0, 0, 0), LAYOUT)
    path = str(tmp_path / "blocks")
    assert get_reader(path) is read
    with pytest.raises(VoxelSizeUnknownError, match="human or of the mouse"):
        read(path)
    with pytest.raises(VoxelSizeUnknownError, match="--voxel-size"):
        read(f"{path}/im_0-0-0_pad.h5")


def test_a_project_is_read_as_its_labels(project_path: Path) -> None:
    assert [meta["name"] for _, meta, _ in read(str(project_path))] == [
        "fragments.zarr",
        "truth.zarr",
    ]


def test_what_the_file_says_counts_more_than_its_type(tmp_path: Path) -> None:
    small = zarr(tmp_path / "a.zarr", fragments().astype(np.uint8), "labels")
    assert [kind for *_, kind in read(str(small))] == ["labels"]


def test_labels_have_to_be_integers(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["gt"] = np.full((2, 3, 4), -1, np.int32)
        file["gt"].attrs["voxel_size_nm"] = VOXEL_SIZE
    layer = volume_layer(str(tmp_path / "a.h5"))
    assert layer.data.dtype == np.uint32
    small = zarr(tmp_path / "a.zarr", fragments(), "image")
    document = small / "zarr.json"
    document.write_text(
        document.read_text().replace('"multiscales"', '"image-label":{},"multiscales"')
    )
    for level in small.glob("*/zarr.json"):
        level.write_text(level.read_text().replace('"uint32"', '"float32"'))
    with pytest.raises(VolumeError, match="float32 are no labels"):
        volume_layer(str(small))


@pytest.mark.parametrize(
    "path",
    [
        *("a.zarr", "a b.ZARR/", "x:y.zarr", "a.n5", "a.H5", "a.hdf5", "a.axonem", "b.precomputed"),
        *("https://host/a.zarr", "gs://bucket/a", "precomputed://https://host/seg"),
    ],
)
def test_names_that_are_ours(path: str) -> None:
    assert is_ours(path)
    assert get_reader(path) is read, "without a look at the disk or the network"


@pytest.mark.parametrize("path", ["a.tif", "photo.png", "folder", "https://host/a.tif", "a.txt"])
def test_names_that_need_a_look(path: str) -> None:
    assert not is_ours(path)


def test_addresses() -> None:
    assert is_remote("s3://bucket/key")
    assert not is_remote("file:///somewhere/a.zarr")
    assert not is_remote("C://a.zarr".replace("//", "/"))


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("/far/away/a.h5:volumes/raw", "a.h5:volumes/raw"),
        ("/far/a.zarr/labels/gt", "a.zarr/labels/gt"),
        ("/far/sections", "sections"),
        ("https://host/a.zarr/", "a.zarr"),
        ("a.tif", "a.tif"),
    ],
)
def test_a_notice_begins_with_the_name(location: str, name: str) -> None:
    assert brief(location) == name
    told = line(VolumeError("is damaged", where=location, remedy="mend it"))
    assert told.startswith(f"{name}: is damaged; mend it")
    assert location in told


def test_what_does_not_exist_is_left_to_napari(tmp_path: Path) -> None:
    assert get_reader(str(tmp_path / "none.tif")) is None
    assert get_reader([str(tmp_path / "none.tif")]) is None


def test_a_script_gets_errors(tmp_path: Path) -> None:
    text = tmp_path / "a.h5"
    text.write_text("no volume")
    with pytest.raises(VolumeError, match="not a file of any known format"):
        read(str(text))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["raw"] = np.zeros((2, 3, 4), np.uint8)
    with pytest.raises(VoxelSizeUnknownError, match="--voxel-size"):
        read(str(tmp_path / "b.h5"))


def test_a_stack_in_tiff_is_ours_and_a_picture_is_not(tmp_path: Path, npe2pm) -> None:
    with npe2pm.tmp_plugin(package="napari"):
        for name, shape in (("stack.tif", (5, 64, 64)), ("picture.tif", (64, 64))):
            tifffile.imwrite(tmp_path / name, np.zeros(shape, np.uint8))
        assert get_reader(str(tmp_path / "stack.tif")) is read
        picture = get_reader(str(tmp_path / "picture.tif"))
        assert picture is not read
        ((data, *_),) = picture(str(tmp_path / "picture.tif"))
        assert data.shape == (64, 64)


@pytest.fixture
def small_phantom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Lets the phantom be small, and lie in a folder of the test."""
    small = PhantomSettings(shape=(8, 48, 48))
    folder = tmp_path / "temporary"

    def make(**_: object) -> str:
        folder.mkdir()
        return str(folder)

    monkeypatch.setattr(samples, "PhantomSettings", lambda: small)
    monkeypatch.setattr(samples, "COMMAND", ("phantom", "--shape", "8,48,48"))
    monkeypatch.setattr("tempfile.mkdtemp", make)
    return folder


def test_a_script_waits_for_the_sample(small_phantom: Path) -> None:
    layers = samples.phantom()
    assert [kind for *_, kind in layers] == ["image", "labels", "labels", "labels"]
    assert [meta["visible"] for _, meta, _ in layers] == [True, True, False, False]
    assert small_phantom.is_dir()
    del layers
    gc.collect()
    assert not small_phantom.exists(), "the folder goes with the layers"


def test_view_without_a_voxel_size_says_the_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = np.zeros((2, 3, 4), np.uint8)
    shown = []
    monkeypatch.setattr(showing, "has_screen", lambda: True)
    monkeypatch.setattr("napari.Viewer", lambda **_: shown.append("window"))
    assert main(["view", str(tmp_path / "a.h5")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "a.h5" in said
    assert "--voxel-size" in said
    assert shown == []


@pytest.mark.window
def test_view_shows_several_volumes(
    make_napari_viewer, settings, spared, volumes: Path, tmp_path: Path, monkeypatch
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["other"] = np.zeros((2, 3, 4), np.uint8)
    monkeypatch.setattr(showing, "has_screen", lambda: True)
    monkeypatch.setattr("napari.Viewer", lambda **_: make_napari_viewer(show=False))
    monkeypatch.setattr("napari.run", lambda: None)
    command = ["view", str(tmp_path / "a.h5"), f"{volumes}:gt", "--voxel-size", "30,8,8"]
    assert main(command) == 0
    layers = napari.current_viewer().layers
    assert [layer.name for layer in layers] == ["other", "gt"]
    assert all(tuple(layer.scale) == (30, 8, 8) for layer in layers)


@pytest.mark.window
def test_the_sample_comes_beside_the_window(hand: Hand, small_phantom: Path) -> None:
    viewer = hand.viewer

    def ask() -> None:
        for layer in samples.phantom():
            viewer._add_layer_from_data(*layer)

    later(ask)
    hand.until(lambda: len(viewer.layers) == 1)
    assert "awaited" in viewer.layers[0].name
    hand.until(lambda: len(viewer.layers) == 4)
    assert [layer.name for layer in viewer.layers] == [p.split("/")[-1] for p in samples.PARTS]


@pytest.mark.window
def test_a_sample_that_is_stopped_leaves_nothing(hand: Hand, small_phantom: Path) -> None:
    viewer = hand.viewer

    def ask() -> None:
        for layer in samples.phantom():
            viewer._add_layer_from_data(*layer)

    later(ask)
    hand.until(lambda: len(viewer.layers) == 1)
    assert small_phantom.is_dir()
    viewer.window.dock_widgets["synthetic axons"].stop.click()
    hand.until(lambda: len(viewer.layers) == 0)
    assert not small_phantom.exists()
    assert "synthetic axons" not in viewer.window.dock_widgets


@pytest.mark.window
def test_the_dock_opens_volumes(hand: Hand, volumes: Path, tmp_path: Path) -> None:
    volume = hand.dock("Volume")
    volume.opening.path.setEditText(f"{volumes}:raw")
    hand.push("Volume", volume.opening.open)
    assert [layer.name for layer in hand.viewer.layers] == ["raw"]
    assert not volume.work.message.isVisible()
    volume.opening.path.setEditText(str(tmp_path / "none.zarr"))
    hand.push("Volume", volume.opening.open)
    assert "none.zarr" in volume.work.message.text()
    QApplication.processEvents()


@pytest.mark.window
def test_a_project_of_files_without_a_voxel_size(hand: Hand, tmp_path: Path, monkeypatch) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["watershed"] = fragments()
    volume, asked = hand.dock("Volume"), []
    answers = iter([None, Given((30.0, 8.0, 8.5))])

    def ask(question: Question) -> Given | None:
        asked.append(question.name)
        return next(answers)

    commands = []
    monkeypatch.setattr(ANSWERS, "ask", ask)
    monkeypatch.setattr(volume.control.child, "start", commands.append)
    volume.form.added.emit([str(tmp_path / "a.h5")])
    volume.form.create.click()
    assert "Voxel size" in volume.work.message.text()
    assert commands == []
    volume.form.create.click()
    assert asked == ["a.h5:watershed"] * 2
    assert commands[0][-2:] == ["--voxel-size", "30,8,8.5"]
