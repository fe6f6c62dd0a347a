"""The edits beyond merge and split, one behaviour at a time, and what each refuses in words."""

import numpy as np
import numpy.typing as npt
import pytest

from napari_axonem.errors import EditError
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import voi
from napari_axonem.proofreading.plans.painting import Brush
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind, Operation
from napari_axonem.proofreading.verification import verify_project

from .conftest import Maker, centre

Labels = npt.NDArray[np.uint32]


def shown(project: Project) -> Labels:
    """Return the segment of every voxel."""
    volume = project.sources.fragments.volume
    return project.segment[volume.read(volume.box)]


def together(project: Project, *fragments: int) -> bool:
    """Tell whether fragments are one object."""
    return len({int(project.segment[f]) for f in fragments}) == 1


@pytest.fixture
def chain(bars: Labels, make_project: Maker) -> Project:
    """An object of the bar 1 2 3 with 5 hanging on 2, and the objects 4 and 6."""
    with Project(make_project(fragments=bars, truth=np.where(bars > 3, 2, 1))) as project:
        project.merge([centre(bars, f) for f in (1, 2, 3)])
        project.merge([centre(bars, f) for f in (2, 5)])
        yield project
        assert verify_project(project) == []


def test_objects_that_are_selected_are_merged(chain: Project) -> None:
    names = np.unique(chain.segment[1:]).tolist()
    chain.merge_objects(names)
    assert together(chain, 1, 2, 3, 4, 5, 6)
    with pytest.raises(EditError, match="no object"):
        chain.merge_objects([names[0], 17])


def test_one_point_joins_the_nearest_other_object_across_a_gap(
    make_project: Maker, bars: Labels
) -> None:
    bars[:, :, 6:11] = 0  # wider than what counts as touching
    with Project(make_project(fragments=bars)) as project:
        near_the_gap = (60.0, 4.0, 5.5 * 8)
        with pytest.raises(EditError, match="within 30 nm"):
            project.merge([near_the_gap], reach_nm=30)
        done = project.merge([near_the_gap], reach_nm=60)
        assert together(project, 1, 2)
        assert done.made[:, :2].tolist() == [[1, 2]]
        with pytest.raises(EditError, match="two points or more"):
            project.merge([near_the_gap])
        project.undo()
        assert not together(project, 1, 2)
        project.redo()
        assert together(project, 1, 2)
    assert verify_project(Project(project.folder.root, writable=False)) == []


def test_isolate_takes_a_fragment_out_and_keeps_the_rest_together(
    chain: Project, bars: Labels
) -> None:
    chain.merge([centre(bars, 5), centre(bars, 6)])
    done = chain.isolate([centre(bars, 2)])
    assert done.kind == Kind.ISOLATE
    assert (chain.segment == chain.segment[2]).sum() == 1
    assert together(chain, 3, 5, 6), "3 hangs on 6, which it touches"
    assert not together(chain, 1, 3), "nothing but 2 touched both"
    with pytest.raises(EditError, match="by itself already"):
        chain.isolate([centre(bars, 2)])
    chain.undo()
    assert together(chain, 1, 2, 3, 5, 6)


def test_a_new_object_is_made_of_fragments_of_several(chain: Project, bars: Labels) -> None:
    chain.new_object([centre(bars, 3), centre(bars, 4)])
    assert together(chain, 3, 4)
    assert together(chain, 1, 2, 5)
    assert not together(chain, 1, 3)
    with pytest.raises(EditError, match="one object already"):
        chain.new_object([centre(bars, 3), centre(bars, 4)])
    chain.undo()
    assert together(chain, 1, 2, 3, 5)


def test_cutting_off_a_branch_takes_what_lies_beyond(make_project: Maker, bars: Labels) -> None:
    """A bar whose larger end is left; what lies right of 2 hangs on it through 2 alone."""
    bars[:, :, :8] = 1
    bars[bars > 3] = 0
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, f) for f in (1, 2, 3)])
        plan = project.plan_cut_off(centre(bars, 2))
        assert [side.tolist() for side in plan.sides.values()] == [[2, 3], [1]]
        done = project.split(plan, Kind.CUT_OFF)
        assert done.kind == Kind.CUT_OFF
        assert together(project, 2, 3)
        assert not together(project, 1, 2)
        with pytest.raises(EditError, match="single fragment"):
            project.plan_cut_off(centre(bars, 1))


def test_a_deleted_object_is_background_until_undo(chain: Project, bars: Labels) -> None:
    before = shown(chain)
    done = chain.delete([centre(bars, 5)])
    assert done.segments_after == (0,)
    expected = np.where(before == before[0, 12, 12], 0, before)
    np.testing.assert_array_equal(shown(chain), expected)
    assert set(chain.exported_ids()[[1, 2, 3, 5]]) == {0}
    wanted = voi(count_overlaps(expected, np.where(bars > 3, 2, 1)))
    assert done.voi == pytest.approx((wanted.split, wanted.merge))
    assert chain.segment_at(centre(bars, 2)) == 0
    assert chain.pick(centre(bars, 2)).fragment in (4, 6), "the nearest that is still there"
    chain.undo()
    np.testing.assert_array_equal(shown(chain), before)
    chain.redo()
    np.testing.assert_array_equal(shown(chain), expected)


def test_painting_and_erasing_come_and_go_with_undo(make_project: Maker, bars: Labels) -> None:
    bars[:, :, 12:] = 0
    bars[bars == 5] = 0
    with Project(make_project(fragments=bars, truth=np.ones_like(bars))) as project:
        start = shown(project)
        brush = Brush(((45.0, 36.0, 108.0), (75.0, 36.0, 140.0)), 25.0)
        painted = project.paint(centre(bars, 2), brush)
        after = shown(project)
        name = project.segment[2]
        assert (after == name).sum() > (start == 2).sum()
        np.testing.assert_array_equal(after[start > 0] == name, start[start > 0] == 2)
        assert painted.kind == Kind.PAINT
        with pytest.raises(EditError, match="no background"):
            project.paint(centre(bars, 2), brush)
        project.erase(Brush(((45.0, 36.0, 20.0),), 25.0), centre(bars, 1))
        erased = shown(project)
        assert (erased == 0).sum() > (after == 0).sum()
        project.undo()
        np.testing.assert_array_equal(shown(project), after)
        project.undo()
        np.testing.assert_array_equal(shown(project) > 0, start > 0)
        assert verify_project(project) == []
        project.redo()
        project.redo()
        np.testing.assert_array_equal(shown(project) > 0, erased > 0)
    with Project(project.folder.root) as again:
        np.testing.assert_array_equal(shown(again), erased)
        assert verify_project(again) == []


def test_painting_over_takes_voxels_from_others(make_project: Maker, bars: Labels) -> None:
    with Project(make_project(fragments=bars)) as project:
        project.merge([centre(bars, 1), centre(bars, 4)])
        with pytest.raises(EditError, match="--over"):
            project.paint(centre(bars, 1), Brush((centre(bars, 2),), 20.0))
        project.paint(centre(bars, 1), Brush((centre(bars, 2),), 20.0), over=True)
        assert project.segment_at(centre(bars, 2)) == project.segment_at(centre(bars, 4))
        assert verify_project(project) == []
        with pytest.raises(EditError, match="outside"):
            project.erase(Brush(((1e6, 0.0, 0.0),), 20.0))


@pytest.fixture
def weighed(make_project: Maker, bars: Labels) -> Project:
    """Bars whose contacts along x have the affinities 0.9 and 0.5, across y 0.2."""
    affinities = np.full((3, *bars.shape), 0.2, np.float32)
    affinities[2, :, :, 8] = 0.9
    affinities[2, :, :, 16] = 0.5
    with Project(make_project(fragments=bars, affinities=affinities)) as project:
        yield project
        assert verify_project(project) == []


def test_a_threshold_is_one_operation_under_the_edits(weighed: Project, bars: Labels) -> None:
    weighed.merge([centre(bars, 3), centre(bars, 6)])
    weighed.set_threshold(0.8)
    assert together(weighed, 1, 2)
    assert not together(weighed, 2, 3)
    assert together(weighed, 3, 6), "the user joined these"
    plan = weighed.plan_split([centre(bars, 4)], [centre(bars, 5)])
    weighed.split(plan)
    done = weighed.set_threshold(0.4)
    assert (done.kind, done.threshold) == (Kind.THRESHOLD, 0.4)
    assert together(weighed, 1, 2, 3, 6, 5)
    assert not together(weighed, 4, 5), "the user cut these"
    with pytest.raises(EditError, match="nothing would change"):
        weighed.set_threshold(0.45)
    with pytest.raises(EditError, match=r"0\.\.1"):
        weighed.set_threshold(1.5)
    weighed.undo()
    assert not together(weighed, 2, 3)
    assert len(weighed.operations) == 5


def test_a_threshold_needs_affinities(make_project: Maker, bars: Labels) -> None:
    with (
        Project(make_project(fragments=bars)) as project,
        pytest.raises(EditError, match="--affinities"),
    ):
        project.set_threshold(0.5)


def test_going_back_keeps_both_branches(chain: Project, bars: Labels) -> None:
    chain.mark("before")
    there = shown(chain)
    chain.delete([centre(bars, 4)])
    chain.merge([centre(bars, 5), centre(bars, 6)])
    one_branch = shown(chain)
    chain.go_to("before")
    np.testing.assert_array_equal(shown(chain), there)
    chain.isolate([centre(bars, 1)])
    other_branch = shown(chain)
    chain.go_to(5)
    np.testing.assert_array_equal(shown(chain), one_branch)
    chain.go_to(7)
    np.testing.assert_array_equal(shown(chain), other_branch)
    with pytest.raises(EditError, match="nothing has changed"):
        chain.go_to(7)
    with pytest.raises(EditError, match="no mark"):
        chain.go_to("elsewhere")
    with pytest.raises(EditError, match="no operation 99"):
        chain.go_to(99)
    with pytest.raises(EditError, match="needs a name"):
        chain.mark(" ")
    chain.go_to(0)
    np.testing.assert_array_equal(shown(chain), bars)
    assert not chain.history.can_undo
    assert [str(op.kind) for op in chain.operations[5:]] == [
        "go back",
        "isolate",
        "go back",
        "go back",
        "go back",
    ]


def test_a_guard_refuses_before_anything_is_done(chain: Project, bars: Labels) -> None:
    asked: list[tuple[Kind, list[int]]] = []

    def guard(operation: Operation, segments: npt.NDArray[np.uint32]) -> None:
        asked.append((operation.kind, segments.tolist()))
        if chain.segment[4] in segments:
            raise EditError("it is locked")

    chain.guards.append(guard)
    before = shown(chain)
    with pytest.raises(EditError, match="locked"):
        chain.merge([centre(bars, 1), centre(bars, 4)])
    with pytest.raises(EditError, match="locked"):
        chain.erase(Brush((centre(bars, 4),), 20.0))
    np.testing.assert_array_equal(shown(chain), before)
    assert verify_project(chain) == []
    chain.undo()
    assert [kind for kind, _ in asked] == [Kind.MERGE, Kind.ERASE, Kind.UNDO]
    assert chain.segment[4] in asked[0][1]


def test_the_log_says_what_the_score_did(chain: Project, bars: Labels) -> None:
    first, second = chain.operations[0], chain.operations[1]
    said = second.as_dict(undone=False, before=first.voi)
    assert said["change_voi"]["total"] == pytest.approx(sum(second.voi) - sum(first.voi))
    assert [operation.id for operation in chain.operations[-2:]] == [1, 2]
    assert chain.operations[-1].id == 2
    assert [operation.id for operation in reversed(chain.operations)] == [2, 1]
