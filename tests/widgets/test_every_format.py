"""The same voxels in every format, opened by napari as a user opens a file."""

import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_axonem.widgets.opening.asking import ANSWERS
from napari_axonem.widgets.opening.voxel_size_form import Given
from tests.volumes.reference import ORIGIN, REFERENCES, SIZE, voxels


def opened(viewer, qtbot, path):
    """Open a path from the event loop, as a menu or a drop does, and return its only layer."""
    finished = []

    def open_it():
        viewer.open(str(path), plugin="napari-axonem")
        finished.append(True)

    QTimer.singleShot(0, open_it)
    qtbot.waitUntil(lambda: bool(finished), timeout=20_000)
    (layer,) = viewer.layers
    return layer


@pytest.mark.parametrize("dtype", ["u1", "u4"])
def test_opened_by_napari(tmp_path, plugins, make_napari_viewer, qtbot, monkeypatch, dtype):
    """One window for all formats, which takes seconds to come up."""
    viewer = make_napari_viewer()
    asked = []

    def answer(question):
        asked.append(question.location)
        return Given(SIZE, ORIGIN)

    monkeypatch.setattr(ANSWERS, "ask", answer)
    for known in (known for known in REFERENCES if dtype in known.dtypes):
        known.make(tmp_path, voxels(dtype))
        layer = opened(viewer, qtbot, tmp_path / known.name)
        assert len(asked) == (not known.states_size), known.name
        finest = layer.data[0] if layer.multiscale else layer.data
        np.testing.assert_array_equal(finest, voxels(dtype), err_msg=known.name)
        np.testing.assert_allclose(layer.scale, SIZE, rtol=1e-6, err_msg=known.name)
        corner = ORIGIN if known.states_origin or asked else (0, 0, 0)
        np.testing.assert_allclose(
            layer.translate, np.add(corner, np.divide(SIZE, 2)), rtol=1e-6, err_msg=known.name
        )
        assert {str(unit) for unit in layer.units} == {"nanometer"}
        asked.clear()
        viewer.layers.clear()
