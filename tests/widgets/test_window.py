"""The real window, driven by mouse and keys."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.widgets.session.editor import Tool

from .conftest import fragments, nm, segmentation
from .hand import CONTROL, SHIFT, Hand

pytestmark = pytest.mark.window


def test_the_main_job_by_mouse_and_keys(hand: Hand, project_path: Path, tmp_path: Path) -> None:
    # open the project
    volume = hand.dock("Volume")
    volume.opening.path.setEditText(str(project_path))
    hand.push("Volume", volume.opening.open)
    session = volume.session
    hand.until(lambda: len(session.review.queue.rows) == 2)
    project = session.project
    assert project is not None
    start = project.segment.copy()

    # go to the first error
    hand.press(Qt.Key.Key_N)
    current = session.review.queue.current
    assert current is not None
    assert current.number == 1

    # merge the two halves of slab 1 by clicking them
    session.review.queue.current = None
    hand.viewer.dims.set_point(0, nm(6, 0, 0)[0])
    hand.press(Qt.Key.Key_I)
    hand.viewer.reset_view()
    hand.press(Qt.Key.Key_M)
    hand.click(nm(6, 14, 20))
    assert session.editor.merging.hits
    hand.click(nm(6, 14, 60))
    merge = project.operations[-1]
    assert merge.kind == Kind.MERGE
    assert project.segment_at(nm(6, 14, 20)) == project.segment_at(nm(6, 14, 60))

    # split slab 2 from slab 3 with points of two colours, seen before it is taken
    hand.press(Qt.Key.Key_S)
    for x in (20, 60):
        hand.click(nm(6, 34, x))
        hand.click(nm(6, 50, x), SHIFT)
    hand.until(lambda: session.editor.splitting.plan is not None and not session.editor.busy)
    assert project.operations[-1] == merge, "nothing may be changed by the preview"
    hand.press(Qt.Key.Key_Return)
    assert project.operations[-1].kind == Kind.SPLIT
    assert project.segment_at(nm(6, 34, 20)) != project.segment_at(nm(6, 50, 20))
    assert session.track.now.total == pytest.approx(0)
    repaired = project.segment.copy()

    # take both back and bring them again
    hand.press(Qt.Key.Key_Z, CONTROL)
    hand.press(Qt.Key.Key_Z, CONTROL)
    np.testing.assert_array_equal(project.segment, start)
    hand.press(Qt.Key.Key_Z, CONTROL | SHIFT)
    hand.press(Qt.Key.Key_Z, CONTROL | SHIFT)
    np.testing.assert_array_equal(project.segment, repaired)

    # export, and read it without this program
    destination = tmp_path / "corrected.h5"
    export = hand.dock("Export")
    export.view.set_destination(str(destination))
    hand.push("Export", export.view.export)
    hand.until(lambda: not export.control.child.running)
    with h5py.File(destination) as file:
        labels = file["labels"][:]
    pairs = np.unique(np.stack([labels.ravel(), (fragments() // 10).ravel()]), axis=1)
    assert len(pairs[0]) == 4, "each slab is one object, and so is the background"
    assert len(np.unique(segmentation())) == 4


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_a_click_hits_the_voxel_under_the_cursor(hand: Hand, project_path: Path, order) -> None:
    session = hand.session
    session.open_project(project_path)
    hand.viewer.dims.order = order
    session.editor.set_tool(Tool.SPLIT)
    size = np.array(session.project.sources.grid.voxel_size)
    # voxels on both sides of the places where slabs and halves meet
    for voxel in ((6, 23, 39), (6, 24, 39), (6, 23, 40), (6, 24, 40), (0, 4, 0), (11, 55, 79)):
        centre = np.array(nm(*voxel))
        hand.viewer.dims.set_point(order[0], centre[order[0]])
        hand.viewer.scene.camera.center = centre[list(order)]
        hand.viewer.scene.camera.zoom = 4
        for corner in (-0.4, 0.4):
            session.editor.drop()
            aimed = centre + corner * size * (np.arange(3) != order[0])
            hand.click(aimed)
            hit, *others = session.editor.splitting.points
            assert others == []
            assert tuple(session.project.sources.grid.to_voxel(hit.position_nm)) == voxel


def test_what_is_drawn_is_what_is_there(hand: Hand, project_path: Path) -> None:
    session = hand.session
    session.open_project(project_path)
    layers = session.place.sight.layers
    for layer in session.place.viewer.layers:
        layer.visible = layer is layers.segmentation
    layers.segmentation.opacity = 1
    hand.viewer.dims.set_point(0, nm(6, 0, 0)[0])
    hand.viewer.scene.camera.zoom = 3
    for voxel in ((6, 4, 10), (6, 23, 39), (6, 24, 40), (6, 55, 79), (6, 3, 10), (6, 56, 10)):
        hand.viewer.scene.camera.center = nm(*voxel)
        picture = hand.viewer.screenshot(canvas_only=True, flash=False)
        scale = picture.shape[0] / hand.viewer.canvas.size[0]
        for corner in (-0.35, 0.35):
            place = np.array(nm(*voxel)) + corner * np.array([0, 8, 8])
            y, x = (int(value * scale) for value in hand.on_screen(place))
            segment = session.project.segment_at(tuple(place))
            colour = layers.segmentation.get_color(segment)
            expected = np.zeros(3) if colour is None else np.array(colour[:3]) * 255
            np.testing.assert_allclose(picture[y, x, :3], expected, atol=2)
