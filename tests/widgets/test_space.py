"""Objects in three dimensions."""

from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.colormaps.standardize_color import transform_color
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_axonem.errors import EditError, VolumeError
from napari_axonem.widgets.parts import colours
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.session import space as space_module
from napari_axonem.widgets.session.session import Session

from .conftest import nm
from .hand import Hand
from .highlighted import marked

LEFT_OF_1, RIGHT_OF_1, IN_2 = nm(6, 14, 20), nm(6, 14, 60), nm(6, 34, 20)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many voxels each mesh was made of."""
    sizes: list[int] = []
    really = space_module.mesh_of

    def mesh_of(solid):
        sizes.append(solid.box.size)
        return really(solid)

    monkeypatch.setattr(space_module, "mesh_of", mesh_of)
    return sizes


@pytest.fixture
def planes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of what layers read."""
    shapes: list[tuple[int, ...]] = []
    really = Planes.read

    def read(self, box, level):
        shapes.append(box.shape)
        return really(self, box, level)

    monkeypatch.setattr(Planes, "read", read)
    return shapes


def names(session: Session) -> list[str]:
    return [layer.name for layer in session.place.viewer.layers if layer.visible]


def colours_of(session: Session) -> set[tuple[float, ...]]:
    rgba = session.place.viewer.layers["solids"].vertex_colors
    return {tuple(colour) for colour in np.unique(rgba.round(4), axis=0).tolist()}


def colour(session: Session, position) -> tuple[float, ...]:
    found = session.place.sight.colour_of(session.project.segment_at(position))
    return tuple(found.round(4).tolist())


def test_nothing_selected_says_what_to_do(session: Session) -> None:
    with pytest.raises(EditError, match="nothing to show"):
        session.space.toggle()
    assert session.place.viewer.dims.ndisplay == 2


def test_solids_have_the_colours_of_objects(session: Session) -> None:
    session.objects.pick(LEFT_OF_1)
    session.objects.pick(IN_2, more=True)
    session.space.toggle()
    assert colours_of(session) == {colour(session, LEFT_OF_1), colour(session, IN_2)}
    session.shuffle_colours()
    assert colours_of(session) == {colour(session, LEFT_OF_1), colour(session, IN_2)}
    session.objects.pick(IN_2, more=True)
    assert colours_of(session) == {colour(session, LEFT_OF_1)}
    session.objects.drop()
    assert "solids" not in names(session)


def test_no_layer_of_voxels_is_read_in_depth(session: Session, planes: list) -> None:
    viewer, sight = session.place.viewer, session.place.sight
    sight.layers.overlay.visible = False
    viewer.dims.set_point(0, nm(3, 0, 0)[0])
    viewer.scene.camera.center, viewer.scene.camera.zoom = nm(3, 20, 30), 0.7
    before = names(session)
    session.objects.pick(LEFT_OF_1)
    planes.clear()
    session.space.toggle()
    assert viewer.dims.ndisplay == 3
    assert names(session) == ["solids", "here"]
    session.objects.pick(IN_2, more=True)
    session.project.merge([LEFT_OF_1, RIGHT_OF_1])
    assert planes == []
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 0, 0), 3.0
    session.space.toggle()
    assert names(session) == before
    assert viewer.dims.point[0] == pytest.approx(nm(3, 0, 0)[0])
    assert viewer.scene.camera.center[1:] == pytest.approx(nm(3, 20, 30)[1:])
    assert viewer.scene.camera.zoom == pytest.approx(0.7)
    assert {shape[0] for shape in planes} == {1}, "single sections, of the image too"


def test_a_project_is_opened_flat(project_path: Path, planes: list) -> None:
    session = Session(ViewerModel(ndisplay=3))
    session.open_project(project_path)
    assert session.place.viewer.dims.ndisplay == 2
    assert {shape[0] for shape in planes} == {1}, "single sections"
    session.end()


def test_solids_are_made_once_and_again_after_an_edit(session: Session, made: list) -> None:
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    assert made == [9600]
    session.objects.pick(RIGHT_OF_1, more=True)
    session.space.toggle()
    session.space.toggle()
    assert made == [9600, 9600]
    session.merge_selected()
    assert made[2:] == [19200]
    assert len(colours_of(session)) == 1
    session.project.undo()
    assert len(colours_of(session)) == 2
    assert len(made) == 3, "what comes back was kept"


def test_large_objects_are_made_in_another_process(session: Session, monkeypatch) -> None:
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    here = session.place.viewer.layers["solids"].data
    session.space.toggle()
    session.space.start()
    monkeypatch.setattr(space_module, "BESIDE_VOXELS", 0)
    called = []
    really = space_module.elsewhere
    monkeypatch.setattr(
        space_module, "elsewhere", lambda *call: called.append(call) or really(*call)
    )
    session.space.toggle()
    assert len(called) == 1
    there = session.place.viewer.layers["solids"].data
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one, other)


def test_errors_are_followed_with_their_place(session: Session) -> None:
    viewer, sight = session.place.viewer, session.place.sight
    session.go_to(0)
    first = session.review.queue.current
    session.space.toggle()
    assert len(colours_of(session)) == len(first.mistake.segments)
    assert viewer.scene.camera.center == pytest.approx(first.mistake.position_nm)
    place = sight.marks.here
    assert place.visible
    assert place.blending == "translucent_no_depth", "it is seen through the solids"
    session.step(1)
    second = session.review.queue.current
    assert viewer.dims.ndisplay == 3
    assert len(colours_of(session)) == len(second.mistake.segments)
    assert viewer.scene.camera.center == pytest.approx(second.mistake.position_nm)
    session.space.toggle()
    assert place.blending == "translucent"
    half = session.project.sources.grid.voxel_size[0] / 2
    assert viewer.dims.point[0] == pytest.approx(second.mistake.position_nm[0], abs=half)


def test_a_repaired_error_stays_in_sight(session: Session) -> None:
    split = next(r for r in session.review.queue.rows if r.mistake.kind == "false_split")
    session.go_to(split.key)
    session.space.toggle()
    assert len(colours_of(session)) == 2
    session.repair()
    assert colours_of(session) == {colour(session, LEFT_OF_1)}
    session.step(1)
    assert colours_of(session) == {colour(session, IN_2)}, "the next error takes its place"


def test_objects_of_the_error_have_its_colours(session: Session) -> None:
    split = next(r for r in session.review.queue.rows if r.mistake.kind == "false_split")
    first, second = split.mistake.segments
    session.go_to(split.key)
    session.space.toggle()
    sight = session.place.sight
    over = [sight.layers.colour_over(name) for name in (first, second)]
    assert sorted(over) == ["", colours.FALSE_SPLIT]
    off, main = (first, second) if over[0] else (second, first)
    orange = transform_color(colours.FALSE_SPLIT)[0]
    own = {name: tuple(sight.colour_of(name).round(4).tolist()) for name in (off, main)}
    assert colours_of(session) == {own[main], tuple(orange.astype(float).round(4).tolist())}
    session.view(sight.toggle_errors)
    assert colours_of(session) == {own[main], own[off]}, "without the overlay each has its own"
    session.view(sight.toggle_errors)
    assert len(colours_of(session) & set(own.values())) == 1
    session.objects.pick(IN_2)
    assert tuple(sight.colour_of(session.objects.segment).round(4)) in colours_of(session)


def test_layers_switched_in_depth_come_when_it_is_flat(session: Session, planes: list) -> None:
    sight = session.place.sight
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    planes.clear()
    session.view(sight.swap_truth)
    session.view(sight.toggle_errors)
    assert sight.shows_truth
    assert names(session) == ["solids", "here"]
    assert planes == [], "napari would read a whole level"
    session.space.toggle()
    assert "truth" in names(session)
    assert "segmentation" not in names(session)
    assert not marked(sight.layers).any()


def test_what_is_being_made_is_told(session: Session) -> None:
    told = []
    session.space.progressed.connect(told.append)
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    session.space.toggle_skeletons()
    about = f"of object {session.objects.segment}"
    assert [text for text in told if text] == [
        f"Making the surface {about}, 9,600 voxels",
        f"Making the centre line {about}, 9,600 voxels",
    ]


def test_centre_lines_are_made_when_they_are_wanted(session: Session) -> None:
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    assert "centre lines" not in names(session)
    session.space.toggle_skeletons()
    lines = session.place.viewer.layers["centre lines"].data
    low, high = np.array(nm(0, 4, 0)), np.array(nm(11, 23, 39))
    assert (lines[:, 0] >= low - 1).all()
    assert (lines[:, 0] <= high + 1).all()
    assert np.ptp(lines[:, 0, 2]) > 100, "it runs along the slab"
    session.space.toggle_skeletons()
    assert "centre lines" not in names(session)


def test_what_cannot_be_made_is_told_once(session: Session, monkeypatch) -> None:
    said = []
    session.place.said.connect(said.append)

    def refuse(_: object) -> None:
        raise VolumeError("the disk is gone")

    monkeypatch.setattr(space_module, "mesh_of", refuse)
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    session.space.toggle_skeletons()
    problems = [notice.text for notice in said if notice.problem]
    assert len(problems) == 1
    assert "the disk is gone" in problems[0]


def test_only_so_much_is_kept(session: Session, made: list, monkeypatch) -> None:
    monkeypatch.setattr(space_module, "KEPT_BYTES", 1)
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    session.objects.pick(RIGHT_OF_1)
    session.objects.pick(LEFT_OF_1)
    assert len(made) == 3, "made anew, as it was let go"
    session.objects.pick(RIGHT_OF_1, more=True)
    assert len(colours_of(session)) == 2, "what is seen is kept at any size"


def test_the_end_of_a_project_is_flat(session: Session, project_path: Path) -> None:
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    session.open_project(project_path)
    assert session.place.viewer.dims.ndisplay == 2
    assert "solids" not in names(session)
    assert "image" in names(session)


def test_a_layer_deleted_by_hand_comes_again(session: Session) -> None:
    session.objects.pick(LEFT_OF_1)
    session.space.toggle()
    session.place.viewer.layers.remove("solids")
    session.objects.pick(RIGHT_OF_1, more=True)
    assert len(colours_of(session)) == 2


@pytest.mark.filterwarnings("ignore:Contours are not displayed")
def test_the_button_of_napari_hides_layers_too(session: Session) -> None:
    session.objects.pick(LEFT_OF_1)
    session.place.viewer.dims.ndisplay = 3
    assert session.space.on
    assert names(session) == ["solids", "here"]
    session.place.viewer.dims.ndisplay = 2
    assert not session.space.on
    assert "image" in names(session)


def test_a_line_of_sight_meets_the_first_object(session: Session) -> None:
    session.objects.pick(LEFT_OF_1)
    session.objects.pick(IN_2, more=True)
    above, below = (-500.0, *nm(0, 14, 20)[1:]), (2000.0, *nm(0, 14, 20)[1:])
    assert session.space.on_ray(above, (1.0, 0.0, 0.0)) is None, "not in a flat view"
    session.space.toggle()
    assert session.space.on_ray(above, (1.0, 0.0, 0.0)) == pytest.approx(nm(0, 14, 20))
    assert session.space.on_ray(below, (-1.0, 0.0, 0.0)) == pytest.approx(nm(11, 14, 20))
    from_2 = session.space.on_ray(nm(6, 300, 20), (0.0, -1.0, 0.0))
    assert session.project.segment_at(from_2) == session.project.segment_at(IN_2)
    assert session.space.on_ray((-500.0, 0.0, 5000.0), (1.0, 0.0, 0.0)) is None


@pytest.mark.window
@pytest.mark.filterwarnings("ignore:Contours are not displayed")
def test_a_click_on_a_solid_picks_it_and_goes_there(hand: Hand, project_path: Path) -> None:
    session, viewer = hand.session, hand.viewer
    session.open_project(project_path)
    split = next(r for r in session.review.queue.rows if r.mistake.kind == "false_split")
    session.go_to(split.key)
    hand.press(Qt.Key.Key_3)
    hand.until(lambda: "solids" in names(session) and len(colours_of(session)) == 2)
    height, width = viewer.canvas.size
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(hand.canvas, left, none, QPoint(width // 2, height // 2))
    QApplication.processEvents()
    assert session.objects.segment in split.mistake.segments
    assert len(colours_of(session)) == 2, "the other piece of the error stays in sight"
    QTest.mouseClick(hand.canvas, left, none, QPoint(3, 3))
    assert session.objects.segment in split.mistake.segments, "beside all objects nothing is meant"
    hand.press(Qt.Key.Key_3)
    place = (viewer.dims.point[0], *viewer.scene.camera.center[-2:])
    assert session.project.segment_at(place) == session.objects.segment
    hand.press(Qt.Key.Key_3)
    viewer.mouse_over_canvas = True
    viewer.cursor.position = viewer.scene.camera.center
    hand.press(Qt.Key.Key_Z)
    assert viewer.dims.ndisplay == 2
    place = (viewer.dims.point[0], *viewer.scene.camera.center[-2:])
    assert session.project.segment_at(place) in split.mistake.segments


@pytest.mark.window
@pytest.mark.filterwarnings("ignore:Contours are not displayed")
def test_marks_of_errors_that_are_gone_go_in_depth(hand: Hand, project_path: Path) -> None:
    session = hand.session
    session.open_project(project_path)
    places = session.place.sight.marks.places
    session.go_to(next(r for r in session.review.queue.rows if r.mistake.kind == "false_split").key)
    hand.press(Qt.Key.Key_3)
    assert not places.visible
    assert len(places.data) == 2
    hand.press(Qt.Key.Key_R)
    hand.until(lambda: len(places.data) == 1)
    hand.press(Qt.Key.Key_3)
    hand.until(lambda: places.visible)
    assert len(places.face_color) == 1
