"""Edits on small projects, one behaviour at a time."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from napari_axonem.errors import (
    EditError,
    MismatchError,
    ProjectError,
    ProjectLockedError,
    VolumeError,
)
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import voi
from napari_axonem.geometry import Box
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Colour
from napari_axonem.proofreading.verification import verify_project

from .conftest import Maker, centre

Labels = npt.NDArray[np.uint32]


def voxels(project: Project) -> npt.NDArray[np.uint32]:
    """Return the segment of every voxel."""
    fragments = project.sources.fragments.volume
    return project.segment[fragments.read(fragments.box)]


def test_a_plain_segmentation_gives_one_segment_a_label(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(segmentation=bars * 1000)) as project:
        assert project.graph.n_fragments == 6
        np.testing.assert_array_equal(voxels(project), bars)
        np.testing.assert_array_equal(project.exported_ids(), np.arange(7) * 1000)


def test_fragments_take_the_segments_of_a_segmentation(make_project: Maker, bars: Labels) -> None:
    segmentation = np.where(bars > 3, 20, 10).astype(np.uint64)
    segmentation[bars == 6] = 10  # touches 3, so that the group hangs together
    with Project(make_project(fragments=bars, segmentation=segmentation)) as project:
        assert project.segment[1] == project.segment[3] == project.segment[6]
        assert project.segment[4] == project.segment[5] != project.segment[1]


def test_a_segment_in_two_pieces_is_held_together(make_project: Maker, bars: Labels) -> None:
    segmentation = np.full(bars.shape, 7, np.uint32)
    segmentation[np.isin(bars, (2, 5))] = 9  # 1 and 4 do not touch 3 and 6
    with Project(make_project(fragments=bars, segmentation=segmentation)) as project:
        assert len({int(project.segment[f]) for f in (1, 3, 4, 6)}) == 1
        assert project.segment[2] == project.segment[5] != project.segment[1]


def test_merge_turns_on_the_contact_between_the_points(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(fragments=bars)) as project:
        done = project.merge([centre(bars, 1), centre(bars, 2)])
        assert done.edges.tolist() == [[1, 2, 1]]
        assert project.segment[1] == project.segment[2]
        assert done.segments_before == (1, 2)
        assert len(done.segments_after) == 1


def test_merge_across_a_gap_adds_an_edge(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(fragments=bars)) as project:
        done = project.merge([centre(bars, 1), centre(bars, 6)])
        assert done.edges.tolist() == [[1, 6, 1]]
        assert project.segment[1] == project.segment[6]
        assert project.segment[2] != project.segment[1]


def test_merge_of_many_joins_all(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, f) for f in (1, 2, 3, 5)])
        assert len({int(project.segment[f]) for f in (1, 2, 3, 5)}) == 1


def test_merge_within_one_object_says_so(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        with pytest.raises(EditError, match="already"):
            project.merge([centre(bars, 2), centre(bars, 1)])
        assert len(project.operations) == 1


def test_a_point_outside_says_so(make_project: Maker, bars: Labels) -> None:
    with (
        Project(make_project(fragments=bars)) as project,
        pytest.raises(EditError, match="outside"),
    ):
        project.merge([centre(bars, 1), (1e6, 0.0, 0.0)])


def test_a_point_next_to_an_object_is_taken_for_it(make_project: Maker, bars: Labels) -> None:
    bars[:, :, 7:9] = 0
    with Project(make_project(fragments=bars)) as project:
        on_background = (15.0, 20.0, 8 * 8 - 4.0)
        assert project.segment_at(on_background) == 0
        assert project.pick(on_background).fragment == 1


def test_split_between_fragments(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, f) for f in (1, 2, 3)])
        plan = project.plan_split([centre(bars, 1)], [centre(bars, 3)])
        assert not plan.refinements
        project.split(plan)
        assert project.segment[1] != project.segment[3]
        assert project.segment[2] in (project.segment[1], project.segment[3])


def test_split_takes_points_of_one_colour_together(make_project: Maker, bars: Labels) -> None:
    """Red at both ends: the cut may not shave off one of them."""
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, f) for f in (1, 2, 3, 6, 5, 4)])
        plan = project.plan_split([centre(bars, 1), centre(bars, 3)], [centre(bars, 5)])
        assert {1, 2, 3} <= set(plan.sides[Colour.RED].tolist())
        project.split(plan)
        assert len({int(project.segment[f]) for f in (1, 2, 3)}) == 1
        assert project.segment[5] != project.segment[1]


def test_split_inside_a_fragment_writes_voxels_at_all_scales(
    make_project: Maker,
) -> None:
    labels = np.zeros((8, 48, 300), dtype=np.uint32)  # wide enough for a second scale
    labels[2:6, 16:32, 4:44] = 1
    labels[2:6, 16:32, 52:92] = 1
    labels[3:5, 22:26, 44:52] = 1  # a thin bridge
    with Project(make_project(fragments=labels)) as project:
        left, right = (120.0, 24 * 8.0, 24 * 8.0), (120.0, 24 * 8.0, 72 * 8.0)
        project.split(project.plan_split([left], [right]))
        cut = voxels(project)
        assert project.segment_at(left) != project.segment_at(right)
        assert np.all(cut[2:6, 16:32, 4:44] == project.segment_at(left))
        assert np.all(cut[2:6, 16:32, 52:92] == project.segment_at(right))
        coarse = project.sources.fragments.volume
        assert len(coarse.levels) > 1
        assert set(np.unique(coarse.read(Box.of_shape(coarse.levels[1].shape), 1))) == {0, 1, 2}
        assert verify_project(project) == []


def test_split_between_three_colours(make_project: Maker, bars: Labels) -> None:
    """Two pieces of one fragment and another fragment: all three apart, in one operation."""
    path = make_project(fragments=bars, segmentation=np.minimum(bars, 1), truth=bars)
    with Project(path) as project:
        left, right = (60.0, 36.0, 4.0), (60.0, 36.0, 60.0)
        places = [left, right, centre(bars, 5)]
        plan = project.plan_split([left], [right], [], [centre(bars, 5)])
        assert list(plan.sides) == [Colour.RED, Colour.BLUE, Colour.GREEN]
        promised, score = project.voi_after(plan), project.voi()
        project.split(plan)
        assert project.voi() == promised != score
        assert len({project.segment_at(place) for place in places}) == 3
        assert project.operations[0].as_dict(undone=False)["colours"] == ["red", "blue", "green"]
        shown = voxels(project)
        project.undo()
        assert len({project.segment_at(place) for place in places}) == 1
        project.redo()
    with Project(path) as again:
        np.testing.assert_array_equal(voxels(again), shown)
        assert verify_project(again) == []


def test_split_of_one_fragment_between_nine_colours(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=np.minimum(bars, 1))
    places = [(60.0, 8.0 * y, 8.0 * x) for y in (2, 8, 14) for x in (2, 12, 22)]
    with Project(path) as project:
        plan = project.plan_split(*([place] for place in places))
        assert [one.child for one in plan.refinements] == list(range(2, 10))
        project.split(plan)
        assert len({project.segment_at(place) for place in places}) == 9
        shown = voxels(project)
        assert verify_project(project) == []
        with pytest.raises(EditError, match="10 sides"):
            project.plan_split(*([place] for place in [*places, places[0]]))
    with Project(path) as again:
        np.testing.assert_array_equal(voxels(again), shown)


def test_split_of_points_in_two_objects_says_so(make_project: Maker, bars: Labels) -> None:
    with (
        Project(make_project(fragments=bars)) as project,
        pytest.raises(EditError, match="segment 1 but point 2 in 2"),
    ):
        project.plan_split([centre(bars, 1)], [centre(bars, 2)])


def test_a_stale_plan_is_refused(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        plan = project.plan_split([centre(bars, 1)], [centre(bars, 2)])
        project.merge([centre(bars, 2), centre(bars, 3)])
        with pytest.raises(EditError, match="edited since"):
            project.split(plan)


def test_undo_and_redo_survive_reopening(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=bars)
    with Project(path) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        joined = voxels(project)
        project.undo()
        np.testing.assert_array_equal(voxels(project), bars)
    with Project(path) as project:
        np.testing.assert_array_equal(voxels(project), bars)
        project.redo()
        np.testing.assert_array_equal(voxels(project), joined)
        with pytest.raises(EditError, match="nothing to redo"):
            project.redo()


def test_an_edit_after_undo_keeps_the_old_branch_in_the_log(
    make_project: Maker, bars: Labels
) -> None:
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, 1), centre(bars, 2)])
        project.undo()
        project.merge([centre(bars, 4), centre(bars, 5)])
        assert project.history.active() == [3]
        assert [str(op.kind) for op in project.operations] == ["merge", "undo", "merge"]
        project.undo()
        with pytest.raises(EditError, match="nothing to undo"):
            project.undo()


def test_undo_of_a_merge_that_a_later_cut_went_through(make_project: Maker) -> None:
    """The merged edge moves to the part that has it, and comes and goes with undo and redo."""
    labels = np.zeros((4, 16, 48), dtype=np.uint32)
    labels[:, :, :32] = 1
    labels[:, 6:10, 14:18] = 1
    labels[:, :6, 14:18] = 0
    labels[:, 10:, 14:18] = 0
    labels[:, :, 32:] = 2
    left, right, other = (60.0, 64.0, 40.0), (60.0, 64.0, 200.0), (60.0, 64.0, 320.0)
    with Project(make_project(fragments=labels)) as project:
        start = voxels(project)
        project.merge([right, other])
        merged = voxels(project)
        project.split(project.plan_split([left], [right]))
        cut = voxels(project)
        assert project.segment_at(right) == project.segment_at(other) != project.segment_at(left)
        project.undo()
        np.testing.assert_array_equal(voxels(project), merged)
        project.undo()
        assert project.segment_at(left) == project.segment_at(right) != project.segment_at(other)
        np.testing.assert_array_equal(voxels(project) == project.segment_at(left), start == 1)
        project.redo()
        project.redo()
        np.testing.assert_array_equal(voxels(project), cut)
        assert verify_project(project) == []


def test_the_second_writer_is_told_who_holds_it(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=bars)
    with Project(path) as first:
        first.merge([centre(bars, 1), centre(bars, 2)])
        with pytest.raises(ProjectLockedError, match="process"):
            Project(path)
        with Project(path, writable=False) as second:
            assert second.segment[1] == second.segment[2]
            with pytest.raises(EditError, match="read-only"):
                second.undo()
    with Project(path) as again:
        again.undo()


def test_who_reads_while_another_cuts_is_told_to_open_it_again(
    make_project: Maker, bars: Labels
) -> None:
    path = make_project(fragments=bars)
    low, high = (15.0, 20.0, 20.0), (105.0, 20.0, 20.0)
    with Project(path, writable=False) as reader:
        with Project(path) as writer:
            writer.split(writer.plan_split([low], [high]))
            (cut,) = (p for p in (low, high) if writer.segment_at(p) == 7)
        for look in (reader.pick, reader.segment_at):
            with pytest.raises(EditError, match="open the project again"):
                look(cut)


def test_scores_follow_each_edit(make_project: Maker, bars: Labels) -> None:
    truth = np.where(bars > 3, 2, 1).astype(np.uint32)
    with Project(make_project(fragments=bars, truth=truth)) as project:
        for pair in ((1, 2), (2, 3), (3, 6)):
            done = project.merge([centre(bars, f) for f in pair])
            expected = voi(count_overlaps(voxels(project), truth))
            assert done.voi == pytest.approx((expected.split, expected.merge))
        plan = project.plan_split([centre(bars, 3)], [centre(bars, 6)])
        promised = project.voi_after(plan)
        project.split(plan)
        now = project.voi()
        assert promised is not None
        assert now is not None
        assert (promised.split, promised.merge) == pytest.approx((now.split, now.merge))
        assert now.merge == pytest.approx(0)


def test_what_is_said_of_an_error_stays(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=bars)
    with Project(path) as project:
        project.log.set_error_state("a", "done")
        project.log.set_error_state("b", "skipped")
        project.log.set_error_state("a", None)
    with Project(path) as project:
        assert project.log.error_states() == {"b": "skipped"}


def test_shapes_that_differ_are_refused_and_nothing_is_left(
    make_project: Maker, bars: Labels, tmp_path: Path
) -> None:
    with pytest.raises(MismatchError, match="shape"):
        make_project(fragments=bars, truth=bars[1:])
    assert [p.name for p in tmp_path.iterdir()] == ["data.h5"]


def test_no_project_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no project"):
        Project(tmp_path / "missing.axonem")


def test_affinities_decide_where_a_split_goes(make_project: Maker, bars: Labels) -> None:
    """All contacts are equally large; the one between 2 and 3 has the lowest affinity."""
    affinities = np.full((3, *bars.shape), 0.9, dtype=np.float32)
    affinities[2, :, :, 16] = 0.1
    path = make_project(fragments=bars, affinities=affinities, segmentation=np.minimum(bars, 1))
    with Project(path) as project:
        edges = project.graph.edges
        weak = project.graph.find([2], [3])
        assert edges.affinity[weak] == pytest.approx(0.1)
        plan = project.plan_split([centre(bars, 1)], [centre(bars, 3)])
        assert {1, 2} <= set(plan.sides[Colour.RED].tolist())
        assert verify_project(project) == []


def test_affinities_of_another_shape_are_refused(make_project: Maker, bars: Labels) -> None:
    with pytest.raises(MismatchError, match="affinities"):
        make_project(fragments=bars, affinities=np.ones((3, 2, 2, 2), np.float32))
    with pytest.raises(VolumeError, match="affinities were wanted"):
        make_project(fragments=bars, affinities=np.ones((2, 2, 2), np.float32))


def test_a_project_opens_without_an_image_that_was_moved(
    make_project: Maker, bars: Labels, tmp_path: Path
) -> None:
    path = make_project(fragments=bars, image=bars.astype(np.uint8))
    (tmp_path / "data.h5").rename(tmp_path / "elsewhere.h5")
    with Project(path) as project:
        assert project.sources.image is None
        assert any("image" in problem for problem in project.sources.problems)
        project.merge([centre(bars, 1), centre(bars, 2)])


def test_truth_without_a_labelled_voxel_counts_as_none(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(fragments=bars, truth=np.zeros_like(bars))) as project:
        assert not project.has_truth
        assert project.voi() is None
        assert project.voi_at_start is None
        project.merge([centre(bars, 1), centre(bars, 2)])
        with pytest.raises(ProjectError, match="no ground truth"):
            project.mistakes()


def test_the_score_at_the_start_stays(make_project: Maker, bars: Labels) -> None:
    path = make_project(fragments=bars, truth=np.minimum(bars, 1))
    with Project(path) as project:
        start = project.voi()
        project.merge([centre(bars, 1), centre(bars, 2)])
        assert project.voi() != start
    with Project(path) as project:
        assert project.voi_at_start == start
