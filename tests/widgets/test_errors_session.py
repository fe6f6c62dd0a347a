"""Errors, suggestions, filters, ranks and states of objects, as calls on a session."""

from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_axonem.errors import EditError
from napari_axonem.evaluation.skeletons.files import write_skeletons
from napari_axonem.evaluation.skeletons.skeletons import Tree, from_trees
from napari_axonem.evaluation.standing import RunSettings
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Box
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.states import ObjectState
from napari_axonem.proofreading.suggested import Suggested
from napari_axonem.widgets.session.queue import DONE, FLAGGED, Filter, Rank
from napari_axonem.widgets.session.session import Session
from tests.widgets.highlighted import highlighted

from .conftest import VOXEL_SIZE, nm

LEFT_OF_1, RIGHT_OF_1, IN_2 = nm(6, 14, 20), nm(6, 14, 60), nm(6, 34, 20)


def suggestions() -> list[Suggestion]:
    """The false split of slab 1, and the false merge of slabs 2 and 3."""
    box = Box((5, 4, 30), (8, 24, 50))
    voxels = [((6, 14, 39), (6, 14, 40)), ((6, 34, 20), (6, 50, 20))]
    join, cut = (
        Suggestion(kind, names, nm(*red), score, reason, size, box, (red,), (blue,))
        for kind, names, (red, blue), score, reason, size in (
            ("false_split", (1, 2), voxels[0], 0.9, "no membrane between them", 9600),
            ("false_merge", (4,), voxels[1], 0.6, "two tubes <side> by side", 19200),
        )
    )
    return [join, cut]


def keep_suggestions(path: Path) -> None:
    with Project(path, writable=False) as project:
        Suggested.of(project, suggestions()).write(path)


@pytest.fixture
def skeletons(tmp_path: Path) -> Path:
    """A line through each slab; the third is the shortest."""
    lines = []
    for label, (y, stop) in enumerate(((14, 80), (34, 80), (50, 30)), start=1):
        x = np.arange(0, stop, 4)
        voxels = np.stack([np.full_like(x, 6), np.full_like(x, y), x], axis=1)
        edges = np.stack([np.arange(len(x) - 1), np.arange(1, len(x))], axis=1)
        lines.append(Tree(label, (voxels + 0.5) * VOXEL_SIZE, edges))
    path = tmp_path / "skeletons.npz"
    write_skeletons(path, from_trees(lines))
    return path


@pytest.fixture
def bare(volumes: Path, tmp_path: Path):
    """A session on a project without truth that has suggestions."""
    path = tmp_path / "bare.axonem"
    parts = {"image": "raw", "fragments": "watershed", "segmentation": "seg"}
    create_project(path, CreateSettings(**{r: f"{volumes}:{n}" for r, n in parts.items()}))
    keep_suggestions(path)
    session = Session(ViewerModel())
    session.open_project(path)
    yield session
    session.end()


def kinds(session: Session) -> list[str]:
    return [row.mistake.kind for row in session.review.queue.listed]


def test_suggestions_are_worked_through_like_errors(bare: Session) -> None:
    assert bare.review.findings.suggesting
    assert kinds(bare) == ["false_split", "false_merge"]
    bare.step(1)
    row = bare.review.queue.current
    assert (row.reason, row.score, row.gain_voi) == ("no membrane between them", 0.9, 0.0)
    bare.repair()
    assert bare.project.segment_at(LEFT_OF_1) == bare.project.segment_at(RIGHT_OF_1)
    assert kinds(bare) == ["false_merge"]
    bare.step(1)
    bare.repair()
    assert bare.editor.splitting.plan is not None
    bare.editor.take()
    assert kinds(bare) == []
    with pytest.raises(EditError, match="no suggestion is left"):
        bare.step(1)
    bare.editor.undo()
    bare.editor.undo()
    assert kinds(bare) == ["false_split", "false_merge"]
    with pytest.raises(EditError, match="no ground truth"):
        bare.review.switch()


def test_marks_on_suggestions_survive_a_restart(bare: Session) -> None:
    path = bare.project.folder.root
    bare.step(1)
    bare.review.mark(FLAGGED)
    bare.review.mark(DONE)
    bare.open_project(path)
    assert bare.review.queue.counts() == {"": 0, DONE: 1, "skipped": 0, FLAGGED: 1}
    assert kinds(bare) == ["false_split"], "what is flagged stays in the list"


def test_with_truth_both_lists_can_be_had(session: Session) -> None:
    review = session.review
    assert not review.findings.suggesting
    errors = [row.key for row in review.queue.rows]
    review.switch()
    assert review.queue.rows == ()
    with pytest.raises(EditError, match="find suggestions first"):
        session.step(1)
    keep_suggestions(session.project.folder.root)
    review.take_suggestions()
    assert [row.score for row in review.queue.rows] == [0.9, 0.6]
    assert not {row.key for row in review.queue.rows} & set(errors), "states are kept apart"
    review.switch()
    assert [row.key for row in review.queue.rows] == errors


def test_filters_by_size_and_place_and_kind(bare: Session, session: Session) -> None:
    for one in (bare, session):
        assert len(one.review.queue.rows) == 2
        one.review.set_filter(Filter(min_voxels=10_000_000))
        assert kinds(one) == []
        one.review.set_filter(Filter(box=Box((0, 0, 0), (12, 24, 80))))
        assert kinds(one) == ["false_split"], "slab 1 lies there"
        one.review.set_filter(Filter(kind="false_merge"))
        assert kinds(one) == ["false_merge"]
        one.review.set_filter(Filter())
        assert len(kinds(one)) == 2


@pytest.mark.filterwarnings("ignore:Contours are not displayed")
def test_what_is_in_view_can_be_listed_alone(session: Session) -> None:
    viewer, review = session.place.viewer, session.review
    viewer.canvas.size = (400, 400)
    viewer.dims.set_point(0, nm(6, 0, 0)[0])
    viewer.scene.camera.center = nm(6, 14, 40)
    viewer.scene.camera.zoom = 400 / (20 * 8.0)  # 20 voxels across
    box = session.place.sight.visible_box(all_sections=True)
    assert (box.start, box.stop) == ((0, 4, 30), (12, 25, 51))
    near = session.place.sight.visible_box(all_sections=False)
    assert (near.start[0], near.stop[0]) == (3, 10)
    review.keep_to_view()
    assert kinds(session) == ["false_split"]
    assert review.queue.filter.box == box
    review.keep_to_view()
    assert len(kinds(session)) == 2
    viewer.dims.ndisplay = 3
    assert session.place.sight.visible_box(all_sections=True) is None


def test_errors_rank_by_run_length_once_skeletons_are_followed(
    session: Session, skeletons: Path
) -> None:
    review = session.review
    with pytest.raises(EditError, match="skeletons"):
        review.rank(Rank.ERL)
    session.following.follow(skeletons, RunSettings(merge_threshold=2))
    project, rows = session.project, review.queue.rows
    for row in rows:
        assert row.gain_erl == pytest.approx(project.erl_gain(row.mistake))
    by_voi = [row.mistake.kind for row in rows]
    review.rank(Rank.ERL)
    gains = [row.gain_erl for row in review.queue.rows]
    assert gains == sorted(gains, reverse=True)
    assert [row.number for row in review.queue.rows] == [1, 2]
    review.rank_other()
    assert [row.mistake.kind for row in review.queue.rows] == by_voi
    review.set_filter(Filter(min_run_nm=500.0))
    assert len(kinds(session)) == 2, "slabs 1 and 2 have long skeletons"
    review.set_filter(Filter(min_run_nm=5000.0))
    assert kinds(session) == []


def test_the_run_length_is_tracked_from_the_start(session: Session, skeletons: Path) -> None:
    assert session.runs.track() is None
    session.following.follow(skeletons, RunSettings())
    start = session.runs.track()
    assert start.now == start.start == pytest.approx(session.project.erl())
    session.project.merge([LEFT_OF_1, RIGHT_OF_1])
    track = session.runs.track()
    assert track.now == pytest.approx(session.project.erl())
    assert track.now > track.start == start.start
    assert track.shares == [track.start / track.truth, track.now / track.truth]
    session.editor.undo()
    assert session.runs.track().now == pytest.approx(start.start)


def test_skeletons_that_cannot_be_read_are_told(session: Session, tmp_path: Path) -> None:
    said = []
    session.place.said.connect(said.append)
    session.following.follow(tmp_path / "none.npz", RunSettings())
    assert said[-1].problem
    assert session.project.state.followed is None
    assert not session.following.busy


def test_objects_are_picked_marked_and_hidden(session: Session) -> None:
    objects, layers = session.objects, session.place.sight.layers
    with pytest.raises(EditError, match="no object is picked"):
        objects.mark(ObjectState.DONE)
    objects.pick(LEFT_OF_1)
    segment = session.project.segment_at(LEFT_OF_1)
    assert objects.segment == segment
    assert highlighted(layers)[6, 14, 20]
    objects.mark(ObjectState.DONE)
    assert objects.said.state == ObjectState.DONE
    objects.hide()
    seen = layers.segmentation
    voxels = np.asarray(seen.data[0] if seen.multiscale else seen.data)
    assert not voxels[6, 14, 20]
    assert voxels[6, 34, 20]
    session.go_to(session.review.queue.rows[0].key)
    session.project.merge([LEFT_OF_1, RIGHT_OF_1])
    session.place.sight.isolating = False
    session.place.sight.draw_again()
    assert np.asarray(seen.data[0] if seen.multiscale else seen.data)[6, 14, 20], "open again"
    objects.pick(nm(0, -50, 1))
    assert objects.segment == 0, "beside everything there is none"


def test_locked_objects_are_refused_at_the_first_click(session: Session) -> None:
    session.objects.pick(IN_2)
    session.objects.mark(ObjectState.LOCKED)
    session.editor.set_tool("merge")
    with pytest.raises(EditError, match="locked"):
        session.editor.click(IN_2)
    assert not session.editor.merging.hits
    session.editor.set_tool("split")
    with pytest.raises(EditError, match="unlock"):
        session.editor.click(IN_2)
    row = next(r for r in session.review.queue.rows if r.mistake.kind == "false_merge")
    session.go_to(row.key)
    with pytest.raises(EditError, match="locked"):
        session.repair()
    session.editor.set_tool("look")
    session.objects.pick(IN_2)
    session.objects.mark(ObjectState.LOCKED)
    assert session.objects.said.state == ObjectState.NONE, "a second time takes it back"
    session.repair()


def test_a_sample_is_drawn_and_judged(session: Session) -> None:
    objects = session.objects
    for place in (LEFT_OF_1, RIGHT_OF_1):
        objects.pick(place)
        objects.mark(ObjectState.DONE)
    with pytest.raises(EditError, match="no object was drawn"):
        objects.judge(right=True)
    objects.draw_sample()
    first = objects.segment
    position = session.place.viewer.scene.camera.center
    assert session.project.segment_at(tuple(position)) == first
    objects.judge(right=False)
    assert objects.sampling == 0
    objects.draw_sample()
    assert objects.segment != first
    objects.judge(right=True)
    estimate = session.project.sample.estimate()
    assert (estimate.checked, estimate.wrong) == (2, 1)
    objects.take_back_verdict()
    assert objects.sampling
    assert session.project.sample.estimate().checked == 1


def test_going_on_leaves_what_was_begun_at_the_error_before(session: Session) -> None:
    merge = next(r for r in session.review.queue.rows if r.mistake.kind == "false_merge")
    session.go_to(merge.key)
    session.repair()
    assert session.editor.splitting.plan is not None
    session.objects.pick(LEFT_OF_1)
    session.review.go()
    assert session.editor.splitting.plan is not None, "it is the same error"
    session.review.set_filter(Filter(hide_done=False))
    session.review.mark(DONE)
    assert session.review.queue.current.key != merge.key
    assert session.editor.splitting.plan is None
    assert session.objects.segments == ()
