"""A project small enough to be known voxel by voxel."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.settings import NapariSettings, get_settings
from npe2 import PluginManifest
from qtpy.QtCore import QSettings
from qtpy.QtWidgets import QApplication

import napari_axonem
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.widgets.desk import open_desk
from napari_axonem.widgets.opening.asking import ANSWERS
from napari_axonem.widgets.session.keyboard import Keyboard
from napari_axonem.widgets.session.session import Session

from .hand import Hand

MANIFEST = Path(napari_axonem.__file__).with_name("napari.yaml")

SHAPE = (12, 60, 80)
VOXEL_SIZE = (30.0, 8.0, 8.0)


def truth() -> np.ndarray:
    """Three slabs along x, 1 to 3, with background at both edges."""
    labels = np.zeros(SHAPE, np.uint32)
    for label, (start, stop) in enumerate(((4, 24), (24, 44), (44, 56)), start=1):
        labels[:, start:stop] = label
    return labels


def fragments() -> np.ndarray:
    """Each slab cut in two at x = 40: 11 and 12, 21 and 22, 31 and 32."""
    right = (np.arange(SHAPE[2]) >= 40).astype(np.uint32)
    return np.where(truth() > 0, truth() * 10 + 1 + right, 0).astype(np.uint32)


def segmentation() -> np.ndarray:
    """Slab 1 is falsely split, slabs 2 and 3 are falsely merged."""
    table = np.zeros(33, np.uint32)
    table[[11, 12, 21, 22, 31, 32]] = 1, 2, 3, 3, 3, 3
    return table[fragments()]


@pytest.fixture(scope="session")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An HDF5 file that holds image, labels and truth and states the voxel size."""
    path = tmp_path_factory.mktemp("volumes") / "block.h5"
    image = np.random.default_rng(0).integers(80, 180, SHAPE, dtype=np.uint8)
    arrays = {"raw": image, "gt": truth(), "watershed": fragments(), "seg": segmentation()}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
            file[name].attrs["voxel_size_nm"] = VOXEL_SIZE
    return path


@pytest.fixture
def project_path(volumes: Path, tmp_path: Path) -> Path:
    """A fresh project of these volumes."""
    path = tmp_path / "block.axonem"
    parts = {"image": "raw", "fragments": "watershed", "segmentation": "seg", "truth": "gt"}
    create_project(path, CreateSettings(**{r: f"{volumes}:{n}" for r, n in parts.items()}))
    return path


@pytest.fixture
def session(project_path: Path) -> Iterator[Session]:
    """A session without a window, with the project open."""
    viewer = ViewerModel()
    session = Session(viewer)
    session.open_project(project_path)
    yield session
    session.end()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the user's own settings and jobs out of the tests."""
    monkeypatch.setenv("NAPARI_AXONEM_JOBS", str(tmp_path / "jobs"))
    scope = QSettings.Scope.UserScope
    QSettings.setPath(QSettings.Format.IniFormat, scope, str(tmp_path / "settings"))


@pytest.fixture
def spared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keeps what is set in napari's preferences out of the user's file and of other tests."""
    monkeypatch.setattr(NapariSettings, "_maybe_save", lambda _: None)
    yield
    get_settings().plugins.extension2reader = {}


@pytest.fixture
def hand(make_napari_viewer, qtbot, settings: None) -> Hand:
    """A window with the whole desk, and a hand in it."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1500, 950)
    open_desk(viewer)
    QApplication.processEvents()
    return Hand(viewer, qtbot)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every picture wait for its voxels, however busy the machine is."""
    monkeypatch.setattr("napari_axonem.widgets.picture.planes.PATIENCE_S", 60.0)


def nm(z: int, y: int, x: int) -> tuple[float, float, float]:
    """Return the centre of a voxel in nm."""
    return tuple((i + 0.5) * size for i, size in zip((z, y, x), VOXEL_SIZE, strict=True))


@pytest.fixture
def plugins(npe2pm, settings, spared, monkeypatch):
    """napari with its own readers and this plugin, as after an installation."""
    for name, empty in (("_of", {}), ("_last", None), ("_event", None)):
        monkeypatch.setattr(ANSWERS, name, empty)
    with (
        npe2pm.tmp_plugin(package="napari"),
        npe2pm.tmp_plugin(manifest=PluginManifest.from_file(MANIFEST)),
    ):
        yield npe2pm


@pytest.fixture(autouse=True)
def usual_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every action have its own key, whatever the user of this machine has set."""
    monkeypatch.setattr("napari_axonem.widgets.session.keyboard._keyboards", [Keyboard()])
