"""The views from the side, and the place that all views go through."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_axonem.errors import EditError
from napari_axonem.widgets.desk import SIDES, full_name
from napari_axonem.widgets.parts import recent
from napari_axonem.widgets.picture.crosshair import NAME
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.sideview import BESIDE, SideView
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.session import Session

from .conftest import SHAPE, VOXEL_SIZE, nm
from .hand import CONTROL, NONE, Hand

LEFT_OF_1, RIGHT_OF_1, IN_2, IN_3 = nm(6, 14, 20), nm(6, 14, 60), nm(6, 34, 20), nm(3, 50, 20)


@pytest.fixture
def seen(session: Session) -> Session:
    """A session whose views from the side are seen."""
    for view in session.sides.begin():
        view.model.canvas.size = (300, 300)
    session.sides.open()
    return session


def view(session: Session, plane: str) -> SideView:
    return next(one for one in session.sides.views if one.plane == plane)


def drawn(session: Session, plane: str, layer: str) -> np.ndarray:
    """What a view draws of a layer: rows and columns."""
    return np.asarray(view(session, plane).model.layers[layer]._slice.image.raw)


def lines(viewer: ViewerModel) -> list[np.ndarray]:
    """The lines of a crosshair in nm: a line for each axis displayed, from end to end."""
    layer = viewer.layers[NAME]
    return [np.asarray(line) * layer.scale + layer.translate for line in layer.data]


def crossing(viewer: ViewerModel) -> tuple[float, float]:
    """Where the lines cross: the place along the rows' and the columns' axis."""
    rows, columns = viewer.dims.displayed
    along_rows, along_columns = lines(viewer)
    assert np.ptp(along_rows[:, columns]) == 0
    assert np.ptp(along_columns[:, rows]) == 0
    return along_columns[0][rows], along_rows[0][columns]


def test_each_view_cuts_the_volume_along_its_plane(seen: Session) -> None:
    seen.sides.go(nm(6, 14, 20))
    volume = seen.project.sources.fragments.volume
    whole = seen.project.segment[volume.read(volume.box)]
    np.testing.assert_array_equal(drawn(seen, "xz", "segmentation"), whole[:, 14, :])
    np.testing.assert_array_equal(drawn(seen, "yz", "segmentation"), whole[:, :, 20].T)


def test_the_views_share_data_and_looks(seen: Session) -> None:
    viewer = seen.place.viewer
    for one in seen.sides.shown:
        assert [layer.name for layer in one.layers] == [
            layer.name for layer in viewer.layers if layer.name != NAME
        ]
        assert one.model.layers["image"].data is viewer.layers["image"].data
        assert one.model.layers["segmentation"].data is viewer.layers["segmentation"].data
    seen.place.sight.swap_truth()
    seen.place.sight.change_opacity(-1)
    viewer.layers["image"].contrast_limits = (10, 20)
    seen.shuffle_colours()
    for one in seen.sides.shown:
        assert one.model.layers["truth"].visible
        assert not one.model.layers["segmentation"].visible
        for name in ("truth", "segmentation"):
            assert one.model.layers[name].opacity == viewer.layers[name].opacity
            assert one.model.layers[name].colormap == viewer.layers[name].colormap
        assert one.model.layers["image"].contrast_limits == [10, 20]


def test_edits_are_seen_in_all_views(seen: Session) -> None:
    seen.sides.go(LEFT_OF_1)
    seen.project.merge([LEFT_OF_1, RIGHT_OF_1])
    name = seen.project.segment_at(LEFT_OF_1)
    assert set(np.unique(drawn(seen, "xz", "segmentation"))) == {name}
    seen.project.undo()
    assert len(np.unique(drawn(seen, "xz", "segmentation"))) == 2


def test_what_stands_out_and_the_mark_of_the_error_are_seen_too(seen: Session) -> None:
    seen.go_to(0)
    assert seen.sides.position == pytest.approx(seen.review.queue.current.mistake.position_nm)
    assert drawn(seen, "yz", "overlay").any()  # from the other side the objects fill the picture
    for plane in ("xz", "yz"):
        model = view(seen, plane).model
        np.testing.assert_array_equal(
            model.layers["here"].data, seen.place.viewer.layers["here"].data
        )
        assert len(model.layers["here"]._view_indices) == 1


def test_only_planes_are_read(seen: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    really = Planes.read

    def read(self, box, level):
        shapes.append(box.shape)
        return really(self, box, level)

    monkeypatch.setattr(Planes, "read", read)
    seen.sides.go(nm(3, 20, 30))
    assert shapes
    assert all(1 in shape for shape in shapes)


def test_a_step_of_the_picture_moves_the_crosshair(seen: Session) -> None:
    seen.sides.go(nm(6, 14, 20))
    seen.place.viewer.dims.set_point(0, nm(8, 0, 0)[0])
    assert seen.sides.position == pytest.approx(nm(8, 14, 20))
    assert crossing(view(seen, "xz").model) == pytest.approx((nm(8, 0, 0)[0], nm(0, 0, 20)[2]))
    assert crossing(view(seen, "yz").model) == pytest.approx((nm(0, 14, 0)[1], nm(8, 0, 0)[0]))
    assert crossing(seen.place.viewer) == pytest.approx(nm(0, 14, 20)[1:])


def test_a_step_of_a_view_moves_the_others(seen: Session) -> None:
    view(seen, "xz").model.dims.set_point(1, nm(0, 30, 0)[1])
    assert seen.sides.position[1] == pytest.approx(nm(0, 30, 0)[1])
    assert crossing(seen.place.viewer)[0] == pytest.approx(nm(0, 30, 0)[1])


def test_the_crosshair_does_not_change_the_steps_of_the_picture(seen: Session) -> None:
    assert [step for _, _, step in seen.place.viewer.dims.range] == list(VOXEL_SIZE)
    assert [step for _, _, step in view(seen, "xz").model.dims.range] == list(VOXEL_SIZE)


def test_a_place_beside_the_volume_becomes_the_nearest_in_it(seen: Session) -> None:
    seen.sides.go((-1e4, 1e6, 100.0))
    assert seen.sides.position == pytest.approx((*nm(0, SHAPE[1] - 1, 0)[:2], 100.0))


def test_the_crosshair_is_switched(seen: Session) -> None:
    seen.sides.toggle_crosshair()
    for model in (seen.place.viewer, *(one.model for one in seen.sides.shown)):
        assert NAME not in model.layers
    seen.sides.toggle_crosshair()
    assert NAME in seen.place.viewer.layers
    seen.sides.close()
    assert NAME not in seen.place.viewer.layers


def test_zoom_is_shared(seen: Session) -> None:
    one, other = (view.model.scene.camera for view in seen.sides.shown)
    seen.place.viewer.scene.camera.zoom = 0.5
    assert one.zoom == other.zoom == 0.5
    one.zoom = 0.25
    assert other.zoom == seen.place.viewer.scene.camera.zoom == 0.25


def test_the_views_follow_the_next_project(seen: Session, project_path: Path) -> None:
    seen.sides.go(nm(3, 20, 30))
    seen.open_project(project_path)
    for one in seen.sides.shown:
        assert "segmentation" in one.model.layers
        assert len(one.model.layers) == len(seen.place.viewer.layers)
    middle = [size * n / 2 for size, n in zip(VOXEL_SIZE, SHAPE, strict=True)]
    assert seen.sides.position == pytest.approx(middle, abs=max(VOXEL_SIZE))
    assert view(seen, "xz").model.dims.order == (1, 0, 2)
    seen.close_project()
    assert NAME not in seen.place.viewer.layers


def test_truth_and_segmentation_beside_each_other(seen: Session) -> None:
    seen.sides.go(nm(6, 14, 20))
    seen.sides.toggle_truth()
    beside, viewer = view(seen, BESIDE).model, seen.place.viewer
    assert beside.layers["truth"].visible
    assert not beside.layers["segmentation"].visible
    assert beside.layers["image"].visible
    volume = seen.project.sources.truth.volume
    whole = volume.read(volume.box)
    np.testing.assert_array_equal(drawn(seen, BESIDE, "truth"), whole[6])
    viewer.scene.camera.center = (0, 200, 300)
    viewer.dims.set_point(0, nm(3, 0, 0)[0])
    assert beside.scene.camera.center == viewer.scene.camera.center
    assert beside.dims.point[0] == viewer.dims.point[0]
    beside.scene.camera.center = (0, 250, 350)
    assert viewer.scene.camera.center == beside.scene.camera.center
    seen.place.sight.swap_truth()
    assert beside.layers["segmentation"].visible
    assert not beside.layers["truth"].visible
    seen.sides.toggle_truth()
    assert not view(seen, BESIDE).layers


def test_layers_of_other_dimensions_are_passed_over(seen: Session) -> None:
    seen.place.viewer.add_image(np.zeros((40, 50)), name="flat")
    assert "flat" not in view(seen, "xz").model.layers


def test_what_is_closed_follows_nothing(seen: Session) -> None:
    seen.sides.close()
    seen.place.viewer.dims.set_point(0, nm(2, 0, 0)[0])
    assert seen.sides.position != pytest.approx(nm(2, 0, 0)[0])
    seen.project.merge([LEFT_OF_1, RIGHT_OF_1])
    seen.place.sight.swap_truth()
    seen.sides.open()
    assert view(seen, "xz").model.layers["truth"].visible
    assert seen.sides.position[0] == pytest.approx(nm(2, 0, 0)[0])


@pytest.mark.filterwarnings("ignore:Contours are not displayed")
def test_the_views_stay_in_three_dimensions(seen: Session) -> None:
    seen.objects.pick(LEFT_OF_1)
    seen.space.toggle()
    assert not seen.place.viewer.layers["segmentation"].visible
    assert view(seen, "xz").model.layers["segmentation"].visible
    seen.sides.go(nm(9, 20, 30))
    seen.space.toggle()
    assert seen.place.viewer.dims.point[0] == pytest.approx(nm(9, 0, 0)[0])


def test_the_key_needs_a_cursor_in_a_view(seen: Session) -> None:
    with pytest.raises(EditError, match="not over a picture"):
        seen.mouse.jump()
    model = view(seen, "yz").model
    model.mouse_over_canvas = True
    model.cursor.position = nm(4, 10, 30)
    seen.mouse.jump()
    assert seen.sides.position == pytest.approx(nm(4, 10, 30))
    seen.sides.close()
    with pytest.raises(EditError, match="no view from the side"):
        seen.mouse.jump()


def test_the_status_bar_says_what_is_under_the_cursor_of_a_view(seen: Session) -> None:
    model = view(seen, "xz").model
    model.mouse_over_canvas = True
    model.cursor.position = LEFT_OF_1
    assert f"object {seen.project.segment_at(LEFT_OF_1)}" in seen.place.viewer.status


class SideHand:
    """Clicks in a view from the side of a real window."""

    def __init__(self, hand: Hand, plane: str) -> None:
        dock = hand.dock(SIDES)
        self.model = view(hand.session, plane).model
        canvas = next(one for one in dock.view.canvases if one.viewer is self.model)
        self.canvas = canvas.canvas.native

    def place(self, position_nm) -> QPoint:
        camera, size = self.model.scene.camera, np.array(self.model.canvas.size)
        offset = np.array(position_nm)[list(self.model.dims.displayed)] - camera.center[-2:]
        y, x = offset * camera.zoom + size / 2
        assert 0 < y < size[0], "the place is not in view"
        assert 0 < x < size[1], "the place is not in view"
        return QPoint(int(x), int(y))

    def click(self, position_nm, modifiers=NONE) -> None:
        left = Qt.MouseButton.LeftButton
        QTest.mouseClick(self.canvas, left, modifiers, self.place(position_nm))
        QApplication.processEvents()


@pytest.fixture
def shown(hand: Hand, project_path: Path) -> Callable[[str], SideHand]:
    """A window with the views from the side, opened by key."""
    hand.session.open_project(project_path)
    hand.press(Qt.Key.Key_4)
    hand.until(lambda: hand.session.sides.on)
    hand.viewer.scene.camera.zoom = 0.4  # so that the whole volume is in view from the side
    for _ in range(5):
        QApplication.processEvents()
    return lambda plane: SideHand(hand, plane)


@pytest.mark.window
def test_a_click_in_a_view_picks_and_jumps(hand: Hand, shown) -> None:
    session, xz = hand.session, shown("xz")
    session.sides.go(LEFT_OF_1)
    hand.show()
    xz.click(nm(9, 14, 60))
    half = np.array(VOXEL_SIZE) / 2
    assert np.all(np.abs(np.subtract(session.sides.position, nm(9, 14, 60))) <= half)
    assert session.objects.segment == session.project.segment_at(RIGHT_OF_1)
    assert abs(hand.viewer.dims.point[0] - nm(9, 0, 0)[0]) <= half[0]
    xz.click(nm(2, 14, 30), CONTROL)
    assert session.objects.segment == session.project.segment_at(RIGHT_OF_1), "Ctrl only points"
    assert abs(session.sides.position[2] - nm(0, 0, 30)[2]) <= half[2]


@pytest.mark.window
def test_clicks_of_a_tool_count_in_every_view(hand: Hand, shown) -> None:
    session = hand.session
    session.sides.go(LEFT_OF_1)
    hand.show()
    xz = shown("xz")
    session.editor.set_tool(Tool.MERGE)
    xz.click(nm(4, 14, 20))
    xz.click(nm(8, 14, 60))
    assert session.project.segment_at(LEFT_OF_1) == session.project.segment_at(RIGHT_OF_1)
    assert session.sides.position == pytest.approx(LEFT_OF_1, abs=1), "only Look jumps"


@pytest.mark.window
def test_our_keys_work_in_a_view(hand: Hand, shown) -> None:
    canvas = shown("yz").canvas
    hand.press(Qt.Key.Key_M, on=canvas)
    assert hand.session.editor.tool == Tool.MERGE
    hand.press(Qt.Key.Key_4, on=canvas)
    assert not hand.session.sides.on
    assert not hand.dock(SIDES).isVisible()
    hand.press(Qt.Key.Key_4)
    assert hand.session.sides.on


@pytest.mark.window
def test_the_dock_can_be_taken_away_and_comes_again(hand: Hand, shown) -> None:
    window, session = hand.viewer.window, hand.session
    window.remove_dock_widget(window._wrapped_dock_widgets[full_name(SIDES)])
    QApplication.processEvents()
    assert not session.sides.on
    session.go_to(0)
    hand.press(Qt.Key.Key_4)
    hand.until(lambda: session.sides.on)
    assert "segmentation" in view(session, "xz").model.layers


def test_whether_they_were_shown_is_kept(settings: None) -> None:
    assert not recent.sides_shown()
    assert recent.crosshair_shown()
    recent.keep_sides_shown(True)
    recent.keep_crosshair_shown(False)
    assert recent.sides_shown()
    assert not recent.crosshair_shown()
