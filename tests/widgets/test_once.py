"""A move of the view and what changes with it: how often layers are read for that."""

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import Volume
from napari_axonem.widgets.picture.late import made_of
from napari_axonem.widgets.picture.once import drawn_once
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.tables import as_is
from napari_axonem.widgets.picture.volume_layers import labels_layer

GRID = Grid((40.0, 10.0, 10.0))


def pyramid() -> Volume:
    """Three levels, larger than the canvas: a view of a part reads a part."""
    fine = np.indices((4, 2048, 2048)).sum(0).astype(np.uint32)
    levels = (fine, fine[:, ::2, ::2], fine[:, ::4, ::4])
    return Volume(levels, ((1, 1, 1), (1, 2, 2), (1, 4, 4)), GRID, "memory", "array")


def test_a_jump_reads_each_layer_once_where_it_ends(hand, monkeypatch) -> None:
    viewer = hand.viewer
    for name in ("one", "other"):
        viewer.add_layer(labels_layer(as_is(Planes(pyramid())), name, GRID))
    viewer.reset_view()
    viewer.dims.set_point(0, 0.0)
    QApplication.processEvents()
    reads: list[tuple[object, Box, int]] = []
    plain = Planes.read

    def read(self: Planes, box: Box, level: int):
        reads.append((self, box, level))
        return plain(self, box, level)

    monkeypatch.setattr(Planes, "read", read)
    place = (GRID.to_nm((2, 900, 300))[0], 9005.0, 3005.0)
    with drawn_once(viewer, tuple(map(float, place))):
        viewer.dims.set_point(0, float(place[0]))
        viewer.scene.camera.center = place
        viewer.scene.camera.zoom = 4 * viewer.scene.camera.zoom
        assert not reads
    QApplication.processEvents()
    for layer in viewer.layers:
        mine = [(box, level) for planes, box, level in reads if planes in made_of(layer)]
        assert all(box.start[0] == 2 for box, _ in mine)
        assert len([level for _, level in mine if level < 2]) == 1, "the picture"
        assert len([level for _, level in mine if level == 2]) == 1, "the thumbnail"
        assert layer.visible
        assert layer.data_level < 2


@pytest.mark.parametrize("goes", [True, False])
def test_layers_that_show_something_else_are_drawn(hand, goes, monkeypatch) -> None:
    viewer = hand.viewer
    layer = viewer.add_layer(labels_layer(as_is(Planes(pyramid())), "labels", GRID))
    hidden = viewer.add_layer(labels_layer(as_is(Planes(pyramid())), "hidden", GRID))
    hidden.visible = False
    QApplication.processEvents()
    told = []
    layer.events.visible.connect(told.append)
    layer.events.set_data.connect(told.append)
    to = tuple(float(n) for n in GRID.to_nm((3, 5, 5))) if goes else None
    with drawn_once(viewer, to) as stale:
        stale.update((layer, hidden))
        assert not told
    assert len(told) == 1
    assert told[0].type == "set_data"
    assert (layer.visible, hidden.visible) == (True, False)
