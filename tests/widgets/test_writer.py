"""Layers saved and opened again."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from napari.components import ViewerModel
from napari.layers import Image, Labels
from npe2 import PluginManifest

import napari_axonem
from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.volumes import open_volume
from napari_axonem.widgets.opening import writer
from napari_axonem.widgets.opening.volume_layer import volume_layer
from napari_axonem.widgets.reader import read

from .conftest import SHAPE, VOXEL_SIZE, fragments

MANIFEST = Path(napari_axonem.__file__).with_name("napari.yaml")

NM = ("nm", "nm", "nm")


@pytest.fixture
def ours(npe2pm):
    """This plugin, as napari finds it."""
    with npe2pm.tmp_plugin(manifest=PluginManifest.from_file(MANIFEST)):
        yield


def save(layer, path: Path) -> list[str]:
    return writer.write(str(path), [layer.as_layer_data_tuple()])


def image(**looks) -> Image:
    voxels = np.random.default_rng(0).integers(0, 2**16, (5, 20, 30), dtype=np.uint16)
    return Image(voxels, name="em", **looks)


@pytest.mark.parametrize("suffix", [".zarr", ".h5", ".tif", ".precomputed"])
@pytest.mark.parametrize("units", ["nm", "um"])
def test_what_was_saved_opens_alike(ours, tmp_path: Path, suffix: str, units: str) -> None:
    nm = {"nm": 1, "um": 1000}[units]
    placed = {"scale": (30, 8, 8), "translate": (15, 4, 804), "units": (units,) * 3}
    labels = Labels(fragments()[:5], name="gt", **placed)
    viewer = ViewerModel()
    for layer in (image(**placed), labels):
        viewer.add_layer(layer)
        path = tmp_path / f"{layer.name}{suffix}"
        assert layer.save(str(path), plugin="napari-axonem") == [str(path)]
        (again,) = viewer.open(path, plugin="napari-axonem")
        assert type(again) is type(layer)
        np.testing.assert_array_equal(np.asarray(_finest(again)), layer.data)
        assert _finest(again).dtype == layer.data.dtype
        np.testing.assert_allclose(again.scale, np.multiply(placed["scale"], nm))
        np.testing.assert_allclose(again.translate, np.multiply(placed["translate"], nm))


def test_napari_s_own_writers_come_first_for_what_they_write(npe2pm, ours) -> None:
    with npe2pm.tmp_plugin(package="napari"):
        for kind, path, plugin in (
            ("image", "a.tif", "napari"),
            ("labels", "a.tif", "napari"),
            ("image", "a", "napari"),
            ("image", "a.zarr", "napari-axonem"),
            ("labels", "a.h5", "napari-axonem"),
        ):
            chosen, _ = npe2pm.get_writer(path, [kind])
            assert chosen.plugin_name == plugin, path


def test_image_and_labels_are_saved_together(ours, tmp_path: Path) -> None:
    placed = {"scale": VOXEL_SIZE, "units": NM}
    em, gt = image(**placed), Labels(fragments()[:5], name="the truth / v2", **placed)
    viewer = ViewerModel()
    viewer.layers.extend([gt, em])
    path = tmp_path / "both.zarr"
    assert viewer.layers.save(str(path), plugin="napari-axonem") == [str(path)]
    again = ViewerModel().open(path, plugin="napari-axonem")
    assert [(type(one), one.name) for one in again] == [
        (Image, "both.zarr"),
        (Labels, "the_truth_v2"),
    ]
    for one, voxels in zip(again, (em.data, gt.data), strict=True):
        np.testing.assert_array_equal(np.asarray(_finest(one)), voxels)
    with pytest.raises(VolumeError, match="one by one"):
        viewer.layers.save(str(tmp_path / "both.h5"), plugin="napari-axonem")


def _finest(layer):
    return layer.data[0] if layer.multiscale else layer.data


def test_a_lazy_pyramid_is_written_block_by_block(tmp_path: Path, volumes: Path) -> None:
    stored = tmp_path / "a.zarr"
    save(volume_layer(f"{volumes}:watershed"), stored)
    layer = volume_layer(str(stored))
    asked = []

    class Watched:
        shape, dtype = SHAPE, np.dtype(np.uint32)

        def __getitem__(self, key):
            asked.append(key)
            return _finest(layer)[key]

    meta = layer.as_layer_data_tuple()[1] | {"multiscale": True}
    writer.write(str(tmp_path / "b.h5"), [([Watched(), None], meta, "labels")])
    np.testing.assert_array_equal(volume(tmp_path / "b.h5"), fragments())
    assert all(isinstance(part, slice) for key in asked for part in key)


def volume(path: Path) -> np.ndarray:
    opened = open_volume(path)
    return opened.read(opened.box)


def test_without_a_suffix_it_is_a_store(tmp_path: Path) -> None:
    layer = image(scale=VOXEL_SIZE, units=NM)
    assert save(layer, tmp_path / "new") == [str(tmp_path / "new.zarr")]
    np.testing.assert_array_equal(volume(tmp_path / "new.zarr"), layer.data)


def test_a_file_is_replaced_and_a_folder_is_not(tmp_path: Path) -> None:
    layer = image(scale=VOXEL_SIZE, units=NM)
    for name in ("a.h5", "a.zarr"):
        save(layer, tmp_path / name)
    changed = Image(layer.data + 1, scale=VOXEL_SIZE, units=NM)
    save(changed, tmp_path / "a.h5")
    np.testing.assert_array_equal(volume(tmp_path / "a.h5"), changed.data)
    with pytest.raises(VolumeError, match="exists"):
        save(changed, tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume(tmp_path / "a.zarr"), layer.data)


def test_pixels_are_no_voxel_size(tmp_path: Path) -> None:
    with pytest.raises(VoxelSizeUnknownError, match=r"layer\.units"):
        save(image(scale=(30, 8, 8)), tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())


QUARTER = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Image(np.zeros((40, 40, 3), np.uint8), rgb=True), "colours"),
        (lambda: Image(np.zeros((2, 3, 4, 5), np.uint8)), "4 axes"),
        (lambda: Image(np.zeros((40, 40), np.uint8)), "2 axes"),
        (lambda: image(scale=VOXEL_SIZE, units=NM, rotate=QUARTER), "rotated"),
        (lambda: image(scale=VOXEL_SIZE, units=NM, affine=np.diag([1, 2, 1, 1])), "affine"),
    ],
)
def test_what_is_no_volume_is_refused(tmp_path: Path, make, said: str) -> None:
    with pytest.raises(VolumeError, match=said):
        save(make(), tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())


def test_what_would_take_long_is_left_to_the_command(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(writer, "MOST_BYTES", 5000)
    with pytest.raises(VolumeError, match="napari-axonem convert"):
        save(image(scale=VOXEL_SIZE, units=NM), tmp_path / "a.zarr")


def test_what_cannot_be_read_is_not_written_as_background(tmp_path: Path) -> None:
    save(Labels(fragments(), scale=VOXEL_SIZE, units=NM), tmp_path / "a.zarr")
    finest = zarr.open_group(tmp_path / "a.zarr", mode="r")["0"]
    chunks = (tmp_path / "a.zarr" / finest.path / "c").rglob("*")
    damaged = next(path for path in chunks if path.is_file())
    damaged.write_bytes(b"damaged")
    layers = read(str(tmp_path / "a.zarr"))
    with pytest.raises(VolumeError, match="cannot be read"):
        writer.write(str(tmp_path / "b.h5"), layers)
    assert not (tmp_path / "b.h5").exists()


def test_an_open_project_is_saved_as_it_is_shown(session, tmp_path: Path) -> None:
    session.project.merge([(195, 116, 164), (195, 116, 484)])
    layer = session.place.sight.layers.segmentation
    save(layer, tmp_path / "now.h5")
    with h5py.File(tmp_path / "now.h5") as file:
        written = file["labels"][:]
    table = session.project.segment
    shown = np.asarray(_finest(layer))
    np.testing.assert_array_equal(written, shown)
    assert set(np.unique(written)) <= set(table.tolist())
    assert len(np.unique(written)) == 3, "background, the merged slab, and the other two in one"
