"""What comes late is drawn, and what cannot be read is told, in a real window."""

from threading import Event

import numpy as np
import pytest
from napari.layers import Labels

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import Volume
from napari_axonem.widgets.picture.late import Post, made_of, notice
from napari_axonem.widgets.picture.planes import MOMENT_S, Planes, Waiting, pending
from napari_axonem.widgets.picture.tables import as_is
from napari_axonem.widgets.picture.volume_layers import image_layer, labels_layer

GRID = Grid((30.0, 8.0, 8.0))


class Slow:
    """An array that waits, and of which the middle section is damaged."""

    shape, dtype, chunks = (5, 64, 64), np.dtype(np.uint32), (1, 64, 64)

    def __init__(self) -> None:
        self.ready = Event()

    def __getitem__(self, key) -> np.ndarray:
        self.ready.wait()
        if key[0].start == 2:
            raise OSError("a bad sector")
        return np.full([k.stop - k.start for k in key], key[0].start + 1, self.dtype)


def shown(layer: Labels) -> set[int]:
    return set(np.unique(layer._slice.image.raw).tolist())


def test_voxels_that_come_late_are_drawn(make_napari_viewer, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("napari_axonem.widgets.picture.planes.PATIENCE_S", 0.01)
    viewer, array = make_napari_viewer(), Slow()
    planes = Planes(Volume((array,), ((1, 1, 1),), GRID, "memory", "array"))
    layer = viewer.add_layer(labels_layer(as_is(planes), "slow", GRID))
    viewer.dims.set_current_step(0, 3)
    assert shown(layer) == {0}, "the window does not wait"
    assert pending()
    array.ready.set()
    qtbot.waitUntil(lambda: not pending(), timeout=30_000)
    assert shown(layer) == {4}
    assert made_of(layer) == (planes,)


def test_a_damaged_section_is_background_with_a_notice(make_napari_viewer, qtbot) -> None:
    viewer, array = make_napari_viewer(), Slow()
    array.ready.set()
    told: list[str] = []
    post = Post(told.append)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr("napari_axonem.widgets.picture.planes.post", lambda: post)
    planes = Planes(Volume((array,), ((1, 1, 1),), GRID, "volume.h5", "HDF5"))
    layer = viewer.add_layer(labels_layer(as_is(planes), "damaged", GRID))
    for z in (1, 2, 3, 2):
        viewer.dims.set_current_step(0, z)
        assert shown(layer) == {0 if z == 2 else z + 1}
    qtbot.waitUntil(lambda: bool(told), timeout=30_000)
    (text,) = told
    assert "volume.h5" in text
    assert "a bad sector" in text
    assert "shown as background" in text
    monkeypatch.undo()


def test_many_problems_make_one_notice() -> None:
    problems = [VolumeError(f"voxels {i} cannot be read", where="a.zarr") for i in range(1200)]
    assert notice(problems[:1]).startswith("a.zarr: voxels 0 cannot be read. ")
    assert "(and 1 more such place)" in notice(problems[:2])
    assert "(and 1,199 more such places)" in notice(problems)


def test_an_image_with_a_damaged_middle_opens() -> None:
    class Damaged(Slow):
        dtype = np.dtype(np.uint8)

        def __getitem__(self, key) -> np.ndarray:
            if key[0].start == 2:
                raise OSError("a bad sector")
            size = [k.stop - k.start for k in key]
            return np.random.default_rng(0).integers(100, 200, size, dtype=np.uint8)

    layer = image_layer(Volume((Damaged(),), ((1, 1, 1),), GRID, "memory", "array"), "image")
    low, high = layer.contrast_limits
    assert 100 <= low < 105
    assert 195 < high < 200


def test_all_layers_of_a_picture_wait_together(monkeypatch) -> None:
    monkeypatch.setattr("napari_axonem.widgets.picture.planes.PATIENCE_S", 0.15)
    now = [10.0]
    waiting = Waiting(lambda: now[0])

    def wait(seconds: float) -> float:
        with waiting.allowance() as left:
            now[0] += seconds
        return round(left, 6)

    assert [wait(s) for s in (0.1, 0.03, 0.05)] == [0.15, 0.05, 0.02]
    assert wait(0) == 0
    now[0] += MOMENT_S
    assert wait(0) == 0.15, "the next picture waits again"
