"""What is said of objects: how it follows edits, what it refuses, and what is counted from it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from napari_axonem.errors import EditError
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.states import Estimate, ObjectState
from napari_axonem.proofreading.states.extent import Extents

from .conftest import Maker, centre

DONE, LOCKED, DISCUSS, NONE = (
    ObjectState.DONE,
    ObjectState.LOCKED,
    ObjectState.DISCUSS,
    ObjectState.NONE,
)


@pytest.fixture
def path(make_project: Maker, bars) -> Path:
    return make_project(fragments=bars, truth=(bars + 2) // 3)


def state_at(project: Project, bars, fragment: int) -> ObjectState:
    return project.objects.of(project.segment_at(centre(bars, fragment))).state


def join(project: Project, bars, *fragments: int) -> None:
    project.merge([centre(bars, fragment) for fragment in fragments])


def test_done_holds_until_the_object_changes_and_again_after_undo(path: Path, bars) -> None:
    with Project(path) as project:
        join(project, bars, 1, 2)
        project.objects.say(1, DONE)
        assert state_at(project, bars, 2) == DONE
        join(project, bars, 4, 5)
        assert state_at(project, bars, 1) == DONE, "another object changed"
        join(project, bars, 2, 3)
        assert state_at(project, bars, 1) == NONE
        project.undo()
        assert state_at(project, bars, 1) == DONE
        project.redo()
        project.objects.say(3, DONE, "looked at twice")
        assert project.objects.of(project.segment[1]).note == "looked at twice"
        project.undo()
        assert state_at(project, bars, 1) == DONE, "what was said before is there again"
        assert state_at(project, bars, 3) == NONE
    with Project(path, writable=False) as project:
        assert state_at(project, bars, 2) == DONE
        assert project.objects.of(project.segment[1]).user


def test_locked_objects_refuse_every_edit_and_say_how_to_unlock(path: Path, bars) -> None:
    with Project(path) as project:
        join(project, bars, 1, 2)
        join(project, bars, 2, 3)
        project.undo()
        project.objects.say(2, LOCKED)
        before = project.segment.copy()
        plan = project.plan_split([centre(bars, 1)], [centre(bars, 2)])
        edits = (
            lambda: join(project, bars, 1, 4),
            lambda: join(project, bars, 4, 5, 1),
            lambda: project.split(plan),
            project.undo,
            project.redo,
        )
        for edit in edits:
            with pytest.raises(EditError, match=r"object 1 was locked by .*; unlock it"):
                edit()
        np.testing.assert_array_equal(project.segment, before)
        join(project, bars, 4, 5)
        project.undo()
    with Project(path) as project:
        with pytest.raises(EditError, match="locked"):
            project.undo()
        project.objects.say(1, NONE)
        project.undo()
        assert project.segment[1] != project.segment[2]


def test_a_lock_on_one_side_keeps_a_cut_fragment_whole(make_project: Maker) -> None:
    block = np.ones((6, 12, 24), np.uint32)
    with Project(make_project(fragments=block)) as project:
        ends = [tuple((np.array(v) + 0.5) * (30.0, 8.0, 8.0)) for v in ((3, 6, 1), (3, 6, 22))]
        plan = project.plan_split(ends[:1], ends[1:])
        project.objects.say(1, LOCKED)
        with pytest.raises(EditError, match="locked"):
            project.split(plan)
        assert project.graph.n_fragments == 1


def test_a_cut_through_a_fragment_ends_done_and_its_undo_brings_it_back(
    make_project: Maker,
) -> None:
    block = np.ones((6, 12, 24), np.uint32)
    with Project(make_project(fragments=block)) as project:
        project.objects.say(1, DONE)
        ends = [tuple((np.array(v) + 0.5) * (30.0, 8.0, 8.0)) for v in ((3, 6, 1), (3, 6, 22))]
        project.split(project.plan_split(ends[:1], ends[1:]))
        assert project.graph.n_fragments == 2
        assert project.objects.finished() == frozenset()
        project.undo()
        assert project.objects.finished() == {1}


def test_discussion_and_notes_stay_with_the_place(path: Path, bars) -> None:
    with Project(path) as project:
        join(project, bars, 1, 2, 3)
        project.objects.say(3, DISCUSS, "glia?")
        join(project, bars, 3, 6)
        project.objects.say(5, NONE, "spine")
        assert state_at(project, bars, 6) == DISCUSS
        join(project, bars, 6, 5)
        assert project.objects.of(project.segment[5]).note == "glia?; spine"
        plan = project.plan_split([centre(bars, n) for n in (1, 2)], [centre(bars, 3)])
        project.split(plan)
        assert state_at(project, bars, 3) == DISCUSS
        assert state_at(project, bars, 1) == NONE
        project.objects.say(6, DONE, "")
        assert project.objects.of(project.segment[3]).state == DONE
        assert project.objects.of(project.segment[3]).note == ""
        project.objects.say(6, NONE)
        assert project.objects.all() == {}


def test_background_is_no_object(path: Path) -> None:
    with Project(path) as project, pytest.raises(EditError, match="no object"):
        project.objects.say(0, DONE)


@pytest.mark.parametrize("seed", range(3))
def test_done_is_of_the_voxels_there_were(path: Path, bars, seed: int) -> None:
    """Against a list of the sets of fragments that were said to be done."""
    random = np.random.default_rng(seed)
    said: set[frozenset[int]] = set()
    with Project(path) as project:

        def members(segment: int) -> frozenset[int]:
            return frozenset(np.flatnonzero(project.segment == segment).tolist())

        for _ in range(30):
            a, b = random.choice(np.arange(1, 7), 2, replace=False).tolist()
            try:
                match random.choice(["merge", "merge", "split", "undo", "redo", "done"]):
                    case "merge":
                        join(project, bars, a, b)
                    case "split":
                        project.split(project.plan_split([centre(bars, a)], [centre(bars, b)]))
                    case "undo":
                        project.undo()
                    case "redo":
                        project.redo()
                    case _:
                        project.objects.say(a, DONE)
                        said.add(members(int(project.segment[a])))
            except EditError:
                continue
            assert project.graph.n_fragments == 6, "no fragment was cut: the oracle has whole ones"
            everything = {members(int(s)) for s in np.unique(project.segment[1:])}
            assert {members(s) for s in project.objects.finished()} == said & everything
    assert said


def test_extents_differ_where_objects_do(path: Path, bars) -> None:
    with Project(path) as project:
        names = np.arange(1, 7)
        found = Extents().of(project.state, names)
        assert len(np.unique(found)) == 6
        np.testing.assert_array_equal(Extents().of(project.state, names[::-1]), found[::-1])
        before = Extents().of(project.state, np.array([1, 2]))
        join(project, bars, 1, 2)
        (joined,) = Extents().of(project.state, np.array([1]))
        assert joined == before.sum(dtype=np.uint64)


def test_coverage_counts_objects_voxels_and_run_length(path: Path, bars) -> None:
    nodes = np.array([centre(bars, n) for n in (1, 2, 3, 4)], np.float32)
    skeleton = Skeletons(
        ids=np.array([1], np.uint64),
        lengths=np.array([192.0]),
        node_skeleton=np.zeros(4, np.uint32),
        positions=nodes,
        edges=np.array([[0, 1], [1, 2], [2, 3]], np.uint32),
        edge_lengths=np.array([64, 64, 64], np.float32),
        edge_pointer=np.array([0, 3], np.uint64),
    )
    with Project(path) as project:
        join(project, bars, 1, 2)
        assert project.objects.coverage().shares() == (0, 0, None)
        project.objects.say(2, DONE)
        project.objects.say(4, LOCKED)
        project.objects.say(5, DISCUSS)
        finished = project.objects.finished()
        found = project.objects.coverage()
        assert (found.objects, found.finished_objects) == (5, 2)
        chosen = np.isin(project.segment[bars], list(finished))
        assert (found.voxels, found.finished_voxels) == (bars.size, int(chosen.sum()))
        assert project.objects.voxels(int(project.segment[1])) == 2 * (bars == 1).sum()
        project.follow_skeletons(skeleton)
        found = project.objects.coverage()
        assert (found.run_nm, found.finished_run_nm) == (192.0, 64.0)
        assert found.shares()[2] == pytest.approx(1 / 3)


@pytest.mark.parametrize(("checked", "wrong"), [(1, 0), (1, 1), (20, 0), (40, 3), (200, 200)])
def test_the_interval_is_the_exact_one(checked: int, wrong: int) -> None:
    found = Estimate.of(checked, wrong, 10)
    expected = binomtest(wrong, checked).proportion_ci(0.95, method="exact")
    assert found.rate == wrong / checked
    np.testing.assert_allclose((found.low, found.high), expected, atol=1e-12)


def test_a_sample_draws_each_finished_object_once(path: Path, bars) -> None:
    with Project(path) as project:
        with pytest.raises(EditError, match="no object is finished"):
            project.sample.next()
        for fragment in range(1, 6):
            project.objects.say(fragment, DONE)
        first = project.sample.next()
        with pytest.raises(EditError, match="not finished"):
            project.sample.judge(6, right=True)
        project.sample.judge(first, right=False)
        with pytest.raises(EditError, match="already"):
            project.sample.judge(first, right=True)
        drawn = [first]
        for _ in range(4):
            drawn.append(project.sample.next())
            project.sample.judge(drawn[-1], right=True)
        assert sorted(drawn) == [1, 2, 3, 4, 5]
        assert drawn != sorted(drawn), "an order of ids would be no random one"
        found = project.sample.estimate()
        assert (found.checked, found.wrong, found.unchecked) == (5, 1, 0)
        with pytest.raises(EditError, match="all finished objects were checked"):
            project.sample.next()
        assert project.sample.take_back() == drawn[-1]
    with Project(path) as project:
        assert project.sample.next() == drawn[-1]
        found = project.sample.estimate()
        assert (found.checked, found.wrong, found.unchecked) == (4, 1, 1)


def test_a_project_in_which_nothing_was_said_opens_for_reading(path: Path, bars) -> None:
    with Project(path, writable=False) as project:
        assert project.objects.all() == {}
        assert project.sample.estimate() is None
        assert state_at(project, bars, 1) == NONE
