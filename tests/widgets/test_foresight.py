"""What is fetched ahead is what is drawn when it is gone there."""

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import Volume
from napari_axonem.widgets.picture.foresight import foresee
from napari_axonem.widgets.picture.framing import look_at
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.tables import as_is
from napari_axonem.widgets.picture.volume_layers import labels_layer

GRID = Grid((40.0, 32.0, 32.0))
SHAPE = (9, 900, 700)


def pyramid(finer: int) -> Volume:
    """A volume in the place of one of `SHAPE` on `GRID`, with voxels so many times as small."""
    shape = (SHAPE[0], finer * SHAPE[1], finer * SHAPE[2])
    fine = np.zeros(shape, np.uint8)
    levels = tuple(fine[:, ::n, ::n] for n in (1, 2, 4, 8))
    grid = Grid((40.0, 32.0 / finer, 32.0 / finer))
    return Volume(levels, tuple((1, n, n) for n in (1, 2, 4, 8)), grid, "memory", "array")


def pieces(planes: Planes, level: int, box: Box) -> list[tuple[int, int]]:
    """Return the first and the last piece that a box lies in, along each axis."""
    ends = zip(box.start, box.stop, planes.chunk(level), strict=True)
    return [(start // cell, (stop - 1) // cell) for start, stop, cell in ends]


@pytest.mark.parametrize("extent", [30, 400, 2000])
def test_what_is_drawn_was_foreseen_in_all_layers(hand, monkeypatch, extent) -> None:
    viewer = hand.viewer
    for finer in (1, 4):  # as with an image of its own beside a project
        layer = labels_layer(as_is(Planes(pyramid(finer))), f"by {finer}", GRID)
        viewer.add_layer(layer)
        layer.scale = pyramid(finer).grid.voxel_size
    viewer.reset_view()
    QApplication.processEvents()
    foreseen: dict[Planes, tuple[Box, int]] = {}
    read: list[tuple[Planes, Box, int]] = []
    plain = Planes.read

    def note(self: Planes, box: Box, level: int):
        read.append((self, box, level))
        return plain(self, box, level)

    monkeypatch.setattr(Planes, "foresee", lambda s, box, level: foreseen.update({s: (box, level)}))
    monkeypatch.setattr(Planes, "read", note)
    there = (float(GRID.to_nm((7, 0, 0))[0]), 20_000.0, 9_000.0)
    box = Box.of_shape((1, extent, extent)).shift((7, 500, 200))
    given = viewer, there, GRID, box, Box.of_shape(SHAPE)
    foresee(*given)
    assert not read
    look_at(*given)
    read.clear()
    QApplication.processEvents()
    for layer in viewer.layers:
        layer.refresh()
    pictures = [(planes, box, level) for planes, box, level in read if level < 3]
    assert len({planes for planes, _, _ in pictures}) == 2
    for planes, drawn, level in pictures:
        ahead, at = foreseen[planes]
        assert level == at
        assert pieces(planes, level, drawn) == pieces(planes, level, ahead)
