"""What napari is told of the plugin."""

import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from napari.layers import Layer
from npe2 import PluginManifest
from npe2.manifest.utils import import_python_name

import napari_axonem
from napari_axonem.errors import VoxelSizeUnknownError
from napari_axonem.volumes.phantom import PhantomSettings
from napari_axonem.widgets import samples
from napari_axonem.widgets.desk import DOCKS, full_name
from napari_axonem.widgets.reader import get_reader, read

from .conftest import SHAPE, VOXEL_SIZE, fragments

MANIFEST = Path(napari_axonem.__file__).with_name("napari.yaml")


@pytest.fixture
def manifest() -> PluginManifest:
    return PluginManifest.from_file(MANIFEST)


def test_the_manifest_is_valid() -> None:
    npe2 = shutil.which("npe2", path=str(Path(sys.executable).parent))
    assert npe2 is not None
    checked = subprocess.run(
        [npe2, "validate", str(MANIFEST)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    for command in manifest.contributions.commands:
        assert callable(import_python_name(command.python_name))


def test_the_menu_and_the_desk_mean_the_same_docks(manifest: PluginManifest) -> None:
    commands = {c.id: c.python_name for c in manifest.contributions.commands}
    named = {w.display_name: commands[w.command] for w in manifest.contributions.widgets}
    for name, dock in DOCKS.items():
        assert named[name] == f"{dock.__module__}:{dock.__name__}"
        assert full_name(name) == f"{name} ({manifest.name})"


def test_files_are_read_in_nm(volumes: Path) -> None:
    reader = get_reader(str(volumes))
    assert reader is not None
    layers = {meta["name"]: (data, meta, kind) for data, meta, kind in reader(str(volumes))}
    kinds = {name: kind for name, (_, _, kind) in layers.items()}
    assert kinds == {"raw": "image", "gt": "labels", "seg": "labels", "watershed": "labels"}
    data, meta, _ = layers["watershed"]
    np.testing.assert_array_equal(meta["scale"], VOXEL_SIZE)
    np.testing.assert_array_equal(np.asarray(data), fragments())
    made = Layer.create(*layers["raw"])
    assert made.data.shape == SHAPE


def test_a_project_is_read_as_its_labels(project_path: Path) -> None:
    assert [meta["name"] for _, meta, _ in read(str(project_path))] == [
        "fragments.zarr",
        "truth.zarr",
    ]


def test_what_is_not_ours_is_left_to_others(tmp_path: Path) -> None:
    text = tmp_path / "a.h5"
    text.write_text("no volume")
    assert get_reader(str(text)) is None
    assert get_reader([str(tmp_path / "none.tif")]) is None


def test_a_voxel_size_is_never_guessed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = np.zeros((2, 3, 4), np.uint8)
    with pytest.raises(VoxelSizeUnknownError):
        read(str(tmp_path / "a.h5"))


def test_the_sample_is_the_phantom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = PhantomSettings(shape=(8, 48, 48))
    monkeypatch.setattr(samples, "PhantomSettings", lambda: small)
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: str(tmp_path))
    layers = samples.phantom()
    assert [kind for *_, kind in layers] == ["image", "labels", "labels", "labels"]
    assert [meta["visible"] for _, meta, _ in layers] == [True, True, False, False]
