"""Files dropped on a real window: who reads them, what is asked, what is told."""

from pathlib import Path

import h5py
import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_axonem.errors import AxonemError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import open_volume, write_volume
from napari_axonem.widgets.desk import full_name
from napari_axonem.widgets.opening import precedence, writer
from napari_axonem.widgets.opening.voxel_size_form import VoxelSizeForm
from tests.volumes.web import serving, silent

from .conftest import SHAPE, VOXEL_SIZE
from .dropping import Person, drop, later
from .hand import PATIENCE_MS, Hand

pytestmark = pytest.mark.window


@pytest.fixture
def bare(plugins, make_napari_viewer, qtbot):
    """A window of napari without our docks, in which the plugin was used before."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1000, 700)
    precedence.come_first()
    QApplication.processEvents()
    return Hand(viewer, qtbot)


@pytest.fixture
def said(monkeypatch):
    """All notices."""
    from napari.utils.notifications import notification_manager

    notices = []
    monkeypatch.setattr(notification_manager, "dispatch", lambda n: notices.append(n.message))
    return notices


def zarr(path: Path) -> Path:
    image = np.random.default_rng(0).integers(80, 180, SHAPE, dtype=np.uint8)
    write_volume(path, lambda b: image[b.slices], SHAPE, image.dtype, Grid(VOXEL_SIZE), "image")
    return path


def bare_h5(path: Path, *names: str) -> Path:
    """A file that states no voxel size."""
    with h5py.File(path, "w") as file:
        for name in names:
            file[name] = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    return path


def fill_in(*texts: str):
    """Type numbers into the form one after the other, going on with Tab, and press Enter."""

    def answer(form: VoxelSizeForm) -> None:
        for text in texts:
            QTest.keyClicks(form.focusWidget(), text)
            QTest.keyClick(form.focusWidget(), Qt.Key.Key_Tab)
        QTest.keyClick(form, Qt.Key.Key_Return)

    return answer


def escape(form: VoxelSizeForm) -> None:
    QTest.keyClick(form, Qt.Key.Key_Escape)


def test_volumes_open_in_nm_without_a_question(bare: Hand, tmp_path: Path, volumes: Path) -> None:
    person = Person()
    store = zarr(tmp_path / "with space: and colon.zarr")
    drop(bare.canvas, store, volumes)
    bare.until(lambda: len(bare.viewer.layers) == 5)
    assert person.titles == []
    for layer in bare.viewer.layers:
        np.testing.assert_array_equal(layer.scale, VOXEL_SIZE)
        assert [str(unit) for unit in layer.units] == ["nanometer"] * 3


def test_napari_asks_once_while_the_plugin_was_never_used(
    plugins, make_napari_viewer, qtbot, tmp_path: Path, said
) -> None:
    hand = Hand(make_napari_viewer(show=True), qtbot)

    def choose_ours(dialog) -> None:
        ours = next(b for b in dialog.reader_btn_group.buttons() if b.text() == "napari-axonem")
        ours.setChecked(True)
        dialog.accept()

    person = Person([choose_ours])
    store = zarr(tmp_path / "a.zarr")
    drop(hand.canvas, store)
    hand.until(lambda: len(hand.viewer.layers) == 1)
    assert person.titles == ["Choose reader"]
    assert any("Preferences" in text for text in said)
    drop(hand.canvas, store)
    hand.until(lambda: len(hand.viewer.layers) == 2)
    assert person.titles == ["Choose reader"]


def test_a_voxel_size_is_asked_for(bare: Hand, tmp_path: Path, said) -> None:
    first = bare_h5(tmp_path / "first.h5", "raw", "gt")
    second = bare_h5(tmp_path / "second.h5", "raw")
    person = Person([fill_in("30", "8", "8.5"), escape])
    drop(bare.canvas, first, second)
    bare.until(lambda: len(bare.viewer.layers) == 3)
    assert len(person.titles) == 1, "one answer is enough for all that was dropped together"
    for layer in bare.viewer.layers:
        np.testing.assert_array_equal(layer.scale, (30, 8, 8.5))
    third = bare_h5(tmp_path / "third.h5", "raw", "gt")
    drop(bare.canvas, third)
    bare.until(lambda: len(person.titles) == 2)
    bare.until(lambda: sum("third.h5" in text for text in said) == 2)
    assert len(bare.viewer.layers) == 3
    assert all("no voxel size was given" in text for text in said)


def test_folders(bare: Hand, tmp_path: Path, said) -> None:
    rng = np.random.default_rng(0)
    sections, photos = tmp_path / "sections", tmp_path / "photos"
    for folder, shape in ((sections, (64, 64)), (photos, (64, 64, 3))):
        folder.mkdir()
        for number in range(3):
            picture = rng.integers(0, 255, shape, dtype=np.uint8)
            imageio.imwrite(folder / f"{number:03}.png", picture)
    person = Person([fill_in("40", "4", "4")])
    drop(bare.canvas, sections)
    bare.until(lambda: len(bare.viewer.layers) == 1)
    np.testing.assert_array_equal(bare.viewer.layers[0].scale, (40, 4, 4))
    drop(bare.canvas, photos)
    bare.until(lambda: len(bare.viewer.layers) == 2)
    assert bare.viewer.layers[1].rgb
    assert len(person.titles) == 1
    assert "photos is shown in pixels" in said[0]


def test_what_is_no_volume_is_napari_s(bare: Hand, tmp_path: Path, said) -> None:
    person = Person()
    rng = np.random.default_rng(0)
    photo, grey, four = tmp_path / "photo.tif", tmp_path / "grey.tif", tmp_path / "four.tif"
    tifffile.imwrite(photo, rng.integers(0, 255, (64, 64, 3), dtype=np.uint8), photometric="rgb")
    tifffile.imwrite(grey, rng.integers(0, 255, (64, 64), dtype=np.uint8))
    tifffile.imwrite(four, rng.integers(0, 255, (2, 3, 20, 30), dtype=np.uint8), imagej=True)
    drop(bare.canvas, photo, grey)
    bare.until(lambda: len(bare.viewer.layers) == 2)
    assert [layer.rgb for layer in bare.viewer.layers] == [True, False]
    assert said == []
    drop(bare.canvas, four)
    bare.until(lambda: len(bare.viewer.layers) == 3)
    assert len(said) == 1
    assert "four.tif" in said[0]
    assert "in pixels" in said[0]
    assert person.titles == []


def test_what_cannot_be_opened_is_told_in_a_line(bare: Hand, tmp_path: Path, said) -> None:
    person = Person()
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(zarr(tmp_path / "a.zarr").joinpath("zarr.json").read_bytes())
    (tmp_path / "empty.zarr").mkdir()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "cut.tif").write_bytes(b"II*\0\x08\0\0\0")
    names = ["damaged.h5", "empty.zarr", "nothing", "cut.tif"]
    drop(bare.canvas, *(tmp_path / name for name in names))
    bare.until(lambda: len(said) == len(names))
    for name, text in zip(names, said, strict=True):
        assert name in text
        assert "\n" not in text
    assert person.titles == []
    assert len(bare.viewer.layers) == 0
    drop(bare.canvas, tmp_path / "a.zarr")
    bare.until(lambda: len(bare.viewer.layers) == 1)


def test_a_project_is_opened_for_proofreading(bare: Hand, project_path: Path) -> None:
    person = Person()
    drop(bare.canvas, project_path)
    docks = bare.viewer.window.dock_widgets
    bare.until(lambda: full_name("Errors") in docks and bare.session.project is not None)
    assert "segmentation" in bare.viewer.layers
    assert bare.session.project.folder.root == project_path
    assert bare.session.project.writable
    assert person.titles == []


def test_what_is_far_away_comes_beside_the_window(bare: Hand, tmp_path: Path, said) -> None:
    person = Person()
    store = zarr(tmp_path / "far.zarr")
    with serving(tmp_path) as server:
        drop(bare.canvas, f"{server.address}/far.zarr", f"{server.address}/none.zarr")
        bare.until(lambda: len(bare.viewer.layers) == 1 and len(said) == 3)
        np.testing.assert_array_equal(bare.viewer.layers[0].scale, VOXEL_SIZE)
        assert "none.zarr" in said[2]
        address = f"{server.address}/far.zarr"
    drop(bare.canvas, address)
    bare.until(lambda: len(said) == 5)
    assert "far.zarr" in said[4]
    assert len(bare.viewer.layers) == 1
    with silent() as nobody:
        drop(bare.canvas, f"{nobody}/a.zarr", store)
        bare.until(lambda: len(bare.viewer.layers) == 2)
    assert person.titles == []


def test_saving_asks_for_a_voxel_size_and_can_be_stopped(
    bare: Hand, tmp_path: Path, monkeypatch
) -> None:
    layer = bare.viewer.add_image(np.random.default_rng(0).random((40, 64, 64)), name="em")
    ended: list[str] = []

    def save(name: str) -> None:
        try:
            ended.extend(layer.save(str(tmp_path / name), plugin="napari-axonem"))
        except AxonemError as error:
            ended.append(str(error))

    def save_as(name: str, *answers) -> str:
        person = Person(answers)
        later(lambda: save(name))
        bare.until(lambda: bool(ended))
        person.leave()
        return ended.pop()

    monkeypatch.setattr(writer, "PATIENCE_MS", PATIENCE_MS)
    assert "layer.units" in save_as("a.zarr", escape)
    assert save_as("a.zarr", fill_in("30", "8", "8")) == str(tmp_path / "a.zarr")
    assert open_volume(tmp_path / "a.zarr").grid == Grid((30, 8, 8))
    monkeypatch.setattr(writer, "PATIENCE_MS", 0)
    asked_again = fill_in()  # what was said before is still there
    stopped = save_as("b.zarr", asked_again, lambda progress: progress.cancel())
    assert "stopped; nothing was written" in stopped
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr", "settings"]
