"""Small projects to edit."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.record import backups
from napari_axonem.volumes import disk

VOXEL_SIZE = (30.0, 8.0, 8.0)


@pytest.fixture(autouse=True)
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing wait for the disk of a busy machine: no test here cuts its power."""
    monkeypatch.setattr(disk, "settle", lambda: None)
    monkeypatch.setattr(os, "sync", lambda: None, raising=False)


Maker = Callable[..., Path]


def write_project(folder: Path, **arrays: npt.NDArray[np.generic]) -> Path:
    """Write arrays to HDF5 and make a project of them; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "data.h5"
    with h5py.File(file, "w") as h5:
        for name, array in arrays.items():
            h5[name] = array
    settings = CreateSettings(**{name: f"{file}:{name}" for name in arrays}, voxel_size=VOXEL_SIZE)
    path = folder / "test.axonem"
    create_project(path, settings)
    return path


@pytest.fixture
def make_project(tmp_path: Path) -> Maker:
    """Return a function that makes a project of arrays given by role."""

    def make(**arrays: npt.NDArray[np.generic]) -> Path:
        return write_project(tmp_path, **arrays)

    return make


@pytest.fixture
def bars() -> npt.NDArray[np.uint32]:
    """Two bars of three fragments each, side by side: 1 2 3 above 4 5 6, on 4×16×24 voxels."""
    labels = np.zeros((4, 16, 24), dtype=np.uint32)
    for row in range(2):
        for column in range(3):
            labels[:, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = row * 3 + column + 1
    return labels


def centre(labels: npt.NDArray[np.uint32], fragment: int) -> tuple[float, float, float]:
    """Return a position in nm in the middle of a convex fragment."""
    middle = np.argwhere(labels == fragment).mean(axis=0).round()
    z, y, x = (middle + 0.5) * VOXEL_SIZE
    return float(z), float(y), float(x)


@pytest.fixture
def only_the_first_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let copies be none that a cut, time, or the end of work makes: the echo must do."""
    monkeypatch.setattr(backups, "SMALL_BYTES", 0)
    first = backups.Backups.__init__

    def begun(self: backups.Backups, *given: Any) -> None:
        first(self, *given)
        if self._thread is not None:
            self._thread.join()

    def close(self: backups.Backups, _: int) -> None:
        if self._thread is not None:
            self._thread.join()

    monkeypatch.setattr(backups.Backups, "__init__", begun)
    monkeypatch.setattr(backups.Backups, "close", close)
