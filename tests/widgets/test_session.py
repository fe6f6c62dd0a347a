"""A session on a viewer without a window: all that a user can do, as calls."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels, Points

from napari_axonem.errors import EditError, ProjectError, ProjectLockedError
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Colour, Kind
from napari_axonem.widgets.picture.overlay import BLUE_SIDE, OUTLINE, RED_SIDE
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.queue import DONE, FLAGGED, OPEN, SKIPPED, Filter
from napari_axonem.widgets.session.session import Session, session_of
from tests.widgets.highlighted import highlighted, marked

from .conftest import VOXEL_SIZE, fragments, nm, segmentation, truth

LEFT_OF_1, RIGHT_OF_1 = nm(6, 14, 20), nm(6, 14, 60)
IN_2, IN_3 = nm(6, 34, 20), nm(6, 50, 20)


def voxels(layer) -> np.ndarray:
    """Return what a layer shows at its finest scale."""
    return np.asarray(layer.data[0] if layer.multiscale else layer.data)


def same_objects(shown: np.ndarray, expected: np.ndarray) -> bool:
    """Tell whether two arrays of labels cut the voxels in the same way."""
    pairs = np.unique(np.stack([shown.ravel(), expected.ravel()]), axis=1)
    return all(len(np.unique(ids)) == pairs.shape[1] for ids in pairs)


def row(session: Session, kind: str):
    return next(r for r in session.review.queue.rows if r.mistake.kind == kind)


def test_a_viewer_has_one_session() -> None:
    viewer = ViewerModel()
    assert session_of(viewer) is session_of(viewer)
    assert session_of(ViewerModel()) is not session_of(viewer)


def test_opening_shows_the_project_in_nm(session: Session) -> None:
    layers = session.place.sight.layers
    assert layers is not None
    names = [layer.name for layer in session.place.viewer.layers]
    assert names == ["image", "segmentation", "truth", "overlay", "places", "here", "points"]
    for layer in session.place.viewer.layers:
        assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
        np.testing.assert_array_equal(layer.scale, VOXEL_SIZE)
        np.testing.assert_array_equal(layer.translate, np.divide(VOXEL_SIZE, 2))
        assert not (isinstance(layer, Labels) and layer.editable)
    assert not layers.truth.visible
    assert same_objects(voxels(layers.segmentation), segmentation())
    assert same_objects(voxels(layers.truth), truth())
    assert session.place.viewer.dims.range[0].step == VOXEL_SIZE[0]


def test_the_overlay_marks_both_errors(session: Session) -> None:
    shown = marked(session.place.sight.layers)
    split_off = np.unique(fragments()[shown == 1])
    assert split_off.tolist() in ([11], [12]), "one half of slab 1 is cut off from the other"
    assert np.unique(truth()[shown == 2]).tolist() == [3], "slab 3 is foreign to slab 2"


def test_going_to_an_error_isolates_and_frames_it(session: Session) -> None:
    viewer, layers = session.place.viewer, session.place.sight.layers
    error = row(session, "false_split")
    session.go_to(error.key)
    position = error.mistake.position_nm
    assert viewer.dims.point[0] == pytest.approx(position[0])
    shown = voxels(layers.segmentation)
    assert same_objects(shown, np.where(truth() == 1, segmentation(), 0))
    assert np.unique(highlighted(layers)[truth() == 1]).tolist() == [OUTLINE]
    assert not highlighted(layers)[truth() != 1].any()
    here = session.place.sight.marks.here
    np.testing.assert_allclose(here.data_to_world(here.data[0]), position)
    session.place.sight.toggle_isolation()
    assert same_objects(voxels(layers.segmentation), segmentation())


def test_merging_by_two_clicks(session: Session) -> None:
    session.editor.set_tool(Tool.MERGE)
    session.editor.click(LEFT_OF_1)
    outlined = highlighted(session.place.sight.layers) == OUTLINE
    np.testing.assert_array_equal(outlined, fragments() == 11)
    with pytest.raises(EditError, match="again"):
        session.editor.click(nm(2, 10, 5))
    session.editor.click(RIGHT_OF_1)
    expected = np.where(truth() == 1, 1, segmentation())
    assert same_objects(voxels(session.place.sight.layers.segmentation), expected)
    assert session.track.now.total < session.track.start.total
    assert [r.mistake.kind for r in session.review.queue.rows] == ["false_merge"]
    assert not session.editor.merging.hits


def test_a_click_beside_everything_changes_nothing(session: Session) -> None:
    said = []
    session.place.said.connect(said.append)
    session.editor.set_tool(Tool.MERGE)
    for place in ((-500.0, 0.0, 0.0), (195.0, 1e6, 0.0)):
        assert not session.attempt(session.editor.click, place)
    assert [notice.problem for notice in said] == [True, True]
    assert len(session.project.operations) == 0
    session.editor.set_tool(Tool.LOOK)
    session.editor.click(LEFT_OF_1)
    assert not session.editor.merging.hits


def test_splitting_shows_both_sides_before_anything_is_changed(session: Session) -> None:
    editor, layers = session.editor, session.place.sight.layers
    editor.set_tool(Tool.SPLIT)
    editor.click(IN_2)
    with pytest.raises(EditError, match="no split"):
        editor.take()
    editor.click(nm(6, 34, 60))
    for place in (IN_3, nm(6, 50, 60)):
        editor.click(place, True)
    shown = highlighted(layers)
    assert np.unique(shown[truth() == 2]).tolist() == [RED_SIDE]
    assert np.unique(shown[truth() == 3]).tolist() == [BLUE_SIDE]
    assert not voxels(layers.segmentation)[truth() >= 2].any(), "sides alone give the colour"
    assert len(session.place.sight.marks.seeds.data) == 4
    assert editor.splitting.proposal.expected.merge == pytest.approx(0)
    assert len(session.project.operations) == 0
    editor.take()
    assert same_objects(
        voxels(layers.segmentation), np.where(truth() == 1, segmentation(), truth() + 9)
    )
    assert len(session.place.sight.marks.seeds.data) == 0


def test_a_split_of_more_than_two_colours(session: Session) -> None:
    """The halves of slab 2, and slab 3: three sides, shown and taken at once."""
    editor, layers = session.editor, session.place.sight.layers
    editor.set_tool(Tool.SPLIT)
    places = (nm(6, 34, 15), nm(6, 34, 65), IN_3)
    editor.click(places[0])
    editor.click(places[1], True)
    editor.add_colour()
    assert editor.splitting.colour == Colour.YELLOW
    assert editor.splitting.following == Colour.RED
    editor.click(places[2])
    shown = highlighted(layers)
    codes = [int(shown[tuple(session.project.sources.grid.to_voxel(p))]) for p in places]
    assert codes == [RED_SIDE, BLUE_SIDE, BLUE_SIDE + 1]
    faces = np.unique(session.place.sight.marks.seeds.face_color, axis=0)
    assert len(faces) == 3, "each point has the colour of its side"
    for colour in (Colour.RED, Colour.BLUE, Colour.YELLOW):
        editor.swap_colour()
        assert editor.splitting.colour == colour
    editor.take()
    assert len({session.project.segment_at(place) for place in places}) == 3
    assert session.project.operations[0].points[2].colour == Colour.YELLOW
    assert list(editor.splitting.sides) == [Colour.RED, Colour.BLUE]


def test_there_are_nine_colours(session: Session) -> None:
    editor = session.editor
    editor.set_tool(Tool.SPLIT)
    for number, colour in enumerate(Colour):
        if number > 1:
            editor.add_colour()
        assert editor.splitting.colour == colour
        editor.click(nm(6, 34, 4 + 8 * number))
        editor.swap_colour()
        if number > 1:
            assert editor.splitting.colour == Colour.RED
    with pytest.raises(EditError, match="all 9 colours"):
        editor.add_colour()
    assert len(editor.splitting.plan.sides) == 9


def test_an_impossible_split_says_why_and_points_can_be_removed(session: Session) -> None:
    editor = session.editor
    editor.set_tool(Tool.SPLIT)
    editor.click(IN_2)
    editor.click(LEFT_OF_1, True)
    assert "segment" in editor.splitting.proposal.problem
    with pytest.raises(EditError, match="segment"):
        editor.take()
    editor.take_back()
    assert editor.splitting.proposal.problem == ""
    editor.swap_colour()
    editor.click(IN_3)
    assert editor.splitting.sides[Colour.BLUE] == (IN_3,)
    assert editor.splitting.plan is not None
    editor.drop()
    assert editor.splitting.points == []
    assert editor.splitting.colour == Colour.RED
    with pytest.raises(EditError, match="no point"):
        editor.take_back()


def test_repairing_everything_from_the_list(session: Session) -> None:
    start = session.project.segment.copy()
    session.go_to(row(session, "false_split").key)
    session.repair()
    with pytest.raises(EditError, match="repaired already"):
        session.repair()
    session.step(1)
    session.repair()
    assert session.editor.tool == Tool.SPLIT
    assert [op.kind for op in session.project.operations] == [Kind.MERGE], "only a preview so far"
    session.editor.take()
    assert session.editor.tool == Tool.LOOK, "the tool before is in hand again"
    assert session.review.queue.rows == ()
    assert session.track.now.total == pytest.approx(0)
    assert len(session.track.totals) == 3
    session.editor.undo()
    session.editor.undo()
    np.testing.assert_array_equal(session.project.segment, start)
    assert len(session.review.queue.rows) == 2
    with pytest.raises(EditError, match="nothing to undo"):
        session.editor.undo()
    session.editor.redo()
    assert len(session.review.queue.rows) == 1


def test_done_and_skipped_stay_and_can_be_taken_back(session: Session, project_path: Path) -> None:
    review = session.review
    first, second = (r.key for r in review.queue.rows)
    with pytest.raises(EditError, match="no error is looked at"):
        review.mark(DONE)
    session.step(1)
    review.mark(DONE)
    assert review.queue.current.key == second, "it goes on to the next"
    review.mark(SKIPPED)
    assert review.queue.listed == []
    with pytest.raises(EditError, match="2 are filtered out"):
        session.step(1)
    session.open_project(project_path)
    assert review.queue.counts() == {OPEN: 0, DONE: 1, SKIPPED: 1, FLAGGED: 0}
    with pytest.raises(EditError, match="no error was marked"):
        review.take_back_mark()
    review.set_filter(Filter(hide_done=False))
    session.go_to(0)
    review.mark(DONE)
    assert review.queue.counts()[OPEN] == 1, "a second time takes it back"
    session.go_to(1)
    review.mark(DONE)
    review.take_back_mark()
    assert session.project.log.error_states() == {second: SKIPPED}
    assert review.queue.current.key == second
    assert first != second


def test_marks_survive_edits_and_undo(session: Session) -> None:
    error = row(session, "false_merge")
    session.go_to(error.key)
    session.review.mark(DONE)
    session.go_to(row(session, "false_split").key)
    session.repair()
    assert row(session, "false_merge").state == DONE
    session.editor.undo()
    assert row(session, "false_merge").state == DONE


def test_the_truth_takes_the_place_of_the_segmentation(session: Session) -> None:
    sight = session.place.sight
    session.view(sight.swap_truth)
    assert (sight.layers.truth.visible, sight.layers.segmentation.visible) == (True, False)
    session.view(sight.swap_truth)
    assert (sight.layers.truth.visible, sight.layers.segmentation.visible) == (False, True)


def test_looks_can_be_changed(session: Session) -> None:
    sight = session.place.sight
    layers = sight.layers
    before = np.array(layers.segmentation.colormap.colors)
    session.view(sight.shuffle_colours)
    assert not np.array_equal(before, layers.segmentation.colormap.colors)
    opacity = layers.segmentation.opacity
    sight.change_opacity(-1)
    assert layers.segmentation.opacity < opacity
    for _ in range(20):
        sight.change_opacity(1)
    assert layers.segmentation.opacity == 1
    assert marked(layers).any()
    session.view(sight.toggle_errors)
    assert not marked(layers).any()


def test_without_a_project_everything_says_so() -> None:
    session = Session(ViewerModel())
    editor, review = session.editor, session.review
    editor.click(LEFT_OF_1)
    editor.drop()
    actions = (
        editor.take,
        editor.undo,
        editor.redo,
        editor.take_back,
        session.repair,
        review.go,
        lambda: session.step(1),
        lambda: review.mark(DONE),
        lambda: editor.set_tool(Tool.SPLIT),
        lambda: session.view(session.place.sight.swap_truth),
        review.take_back_mark,
    )
    for action in actions:
        with pytest.raises(EditError):
            action()
    session.close_project()
    session.end()


def test_a_project_open_elsewhere_can_be_looked_at(session: Session, project_path: Path) -> None:
    other = Session(ViewerModel())
    with pytest.raises(ProjectLockedError):
        other.open_project(project_path)
    assert other.project is None
    other.open_project(project_path, writable=False)
    other.step(1)
    for action in (other.repair, other.editor.take, lambda: other.review.mark(DONE)):
        if other.review.queue.current.mistake.kind == "false_merge":
            other.step(1)
        with pytest.raises(EditError):
            action()
    other.end()
    assert len(session.project.operations) == 0


def test_a_project_that_cannot_be_opened_leaves_the_open_one(session: Session, tmp_path) -> None:
    with pytest.raises(ProjectError):
        session.open_project(tmp_path / "none.axonem")
    session.step(1)
    assert session.project is not None


def test_another_project_takes_the_place_of_the_first(session: Session, volumes, tmp_path) -> None:
    points = [layer for layer in session.place.viewer.layers if isinstance(layer, Points)]
    bare = tmp_path / "bare.axonem"
    create_project(bare, CreateSettings(fragments=f"{volumes}:watershed"))
    session.step(1)
    session.open_project(bare)
    names = [layer.name for layer in session.place.viewer.layers]
    assert names == ["segmentation", "overlay", "places", "here", "points"]
    still = [layer for layer in session.place.viewer.layers if isinstance(layer, Points)]
    assert still == points, "Points layers are kept: removing and adding them crashes"
    assert session.track is None
    with pytest.raises(EditError, match="no ground truth"):
        session.step(1)
    session.editor.set_tool(Tool.MERGE)
    session.editor.click(LEFT_OF_1)
    session.editor.click(RIGHT_OF_1)
    assert session.project.segment_at(LEFT_OF_1) == session.project.segment_at(RIGHT_OF_1)


def test_a_layer_deleted_by_hand_is_no_reason_to_fail(session: Session) -> None:
    layers = session.place.viewer.layers
    for name in ("segmentation", "overlay", "places"):
        layers.remove(layers[name])
    session.go_to(row(session, "false_split").key)
    session.repair()
    session.close_project()
    assert [layer.name for layer in layers] == ["here", "points"]


def test_closing_lets_others_write(project_path: Path) -> None:
    session = Session(ViewerModel())
    session.open_project(project_path)
    session.release()
    with Project(project_path) as project:
        assert project.writable


def test_a_failure_to_show_is_told_and_the_edit_is_kept(session: Session, monkeypatch) -> None:
    said = []
    session.place.said.connect(said.append)

    def fail(*_: object) -> None:
        raise EditError("the disk is gone")

    monkeypatch.setattr(session.place.sight, "follow", fail)
    session.go_to(row(session, "false_split").key)
    assert not session.attempt(session.repair)
    assert said[-1].problem
    assert "the disk is gone" in said[-1].text
    assert len(session.project.operations) == 1


def test_voxels_of_an_inner_cut_are_shown(session: Session) -> None:
    """Points of both colours in one fragment: the preview and the result cut it."""
    editor, layers = session.editor, session.place.sight.layers
    editor.set_tool(Tool.SPLIT)
    editor.click(nm(6, 14, 2))
    editor.click(nm(6, 14, 37), True)
    shown = highlighted(layers)[fragments() == 11]
    assert set(np.unique(shown)) == {RED_SIDE, BLUE_SIDE}
    editor.take()
    assert len(np.unique(voxels(layers.segmentation)[fragments() == 11])) == 2
    with h5py.File(session.project.log.settings()["image"].split(":")[0]) as file:
        assert file["raw"].shape == voxels(layers.image).shape
