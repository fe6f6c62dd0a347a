"""What a press or the wheel is for, told without drawing."""

import numpy as np
import pytest
from napari.layers import Points
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from vispy.scene.visuals import Markers

from napari_axonem.widgets.picture.canvas import answer_at_once, canvas_of


@pytest.mark.parametrize("ndisplay", [2, 3])
def test_it_is_what_drawing_tells(hand, ndisplay: int) -> None:
    """Over layers and beside them, with the view fixed or not, and where a marker takes events."""
    viewer = hand.viewer
    viewer.add_image(np.zeros((4, 64, 64)))
    viewer.add_layer(Points([[0, 5, 5], [2, 30, 30]], size=9))
    viewer.dims.ndisplay = ndisplay
    hand.show()
    scene = canvas_of(viewer)._scene_canvas
    places = [(10, 10), tuple(n // 2 for n in reversed(viewer.canvas.size))]
    by_drawing = type(scene).visual_at
    end = answer_at_once(viewer)

    def same() -> list[object]:
        told = [scene.visual_at(place) for place in places]
        assert told == [by_drawing(scene, place) for place in places]
        return told

    assert same() == [canvas_of(viewer).view] * 2
    viewer.scene.camera.mouse_pan = viewer.scene.camera.mouse_zoom = False
    assert same() == [None, None]
    viewer.scene.camera.mouse_pan = viewer.scene.camera.mouse_zoom = True
    marker = Markers(parent=scene.central_widget)
    marker.set_data(np.array([[10, 10]]), size=20)
    marker.order, marker.interactive = 1000, True
    marker.set_gl_state("translucent", depth_test=False)
    assert same()[0] is marker
    marker.parent = None
    end()
    assert "visual_at" not in vars(scene)


def test_a_press_draws_nothing(hand, monkeypatch) -> None:
    """And the view is moved by a drag as ever."""
    viewer = hand.viewer
    viewer.add_image(np.zeros((4, 64, 64)))
    hand.show()
    end = answer_at_once(viewer)
    scene = canvas_of(viewer)._scene_canvas
    monkeypatch.setattr(type(scene), "_render_picking", None)
    before = viewer.scene.camera.center
    centre = hand.canvas.rect().center()
    QTest.mousePress(hand.canvas, Qt.MouseButton.LeftButton, pos=centre)
    hand._move(centre + QPoint(40, 30), Qt.KeyboardModifier.NoModifier)
    QTest.mouseRelease(hand.canvas, Qt.MouseButton.LeftButton, pos=centre + QPoint(40, 30))
    hand.show()
    assert viewer.scene.camera.center != before
    end()
