"""Gains in run length that are kept through edits equal those worked out anew."""

import numpy as np
import pytest

from napari_axonem.errors import EditError, ProjectError
from napari_axonem.evaluation.skeletons.skeletons import Skeletons, Tree, from_trees
from napari_axonem.evaluation.standing import Choice, RunSettings
from napari_axonem.proofreading.gains import RunGains, erl_at_start
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.glance import run_lengths, vois

from .conftest import VOXEL_SIZE, Maker

ROWS, COLUMNS, EDGE = 4, 5, 6


@pytest.fixture
def labels():
    """Rows of fragments, 1 to 20; each row is one true object."""
    y, x = np.mgrid[: ROWS * EDGE, : COLUMNS * EDGE]
    return np.broadcast_to(y // EDGE * COLUMNS + x // EDGE + 1, (3, *y.shape)).astype(np.uint32)


def skeletons() -> Skeletons:
    trees = []
    for row in range(ROWS):
        x = np.arange(1, COLUMNS * EDGE, 3)
        voxels = np.stack([np.ones_like(x), np.full_like(x, row * EDGE + 3), x], axis=1)
        edges = np.stack([np.arange(len(x) - 1), np.arange(1, len(x))], axis=1)
        trees.append(Tree(row + 1, (voxels + 0.5) * VOXEL_SIZE, edges))
    return from_trees(trees)


def place(fragment: int) -> tuple[float, float, float]:
    row, column = divmod(fragment - 1, COLUMNS)
    z, y, x = (np.array([1, row * EDGE + 3, column * EDGE + 3]) + 0.5) * VOXEL_SIZE
    return float(z), float(y), float(x)


def edit(project: Project, random: np.random.Generator) -> None:
    a, b = (place(int(f)) for f in random.choice(np.arange(1, ROWS * COLUMNS + 1), 2, False))
    try:
        match int(random.integers(4)):
            case 0 | 1:
                project.merge([a, b])
            case 2:
                project.split(project.plan_split([a], [b]))
            case _:
                project.undo()
    except EditError:
        return


@pytest.mark.parametrize("threshold", [0, 3])
def test_gains_kept_through_edits_are_those_from_scratch(
    make_project: Maker, labels, threshold: int
) -> None:
    random = np.random.default_rng(threshold)
    truth = (labels - 1) // COLUMNS + 1
    kept = 0
    with Project(make_project(fragments=labels, truth=truth)) as project:
        project.follow_skeletons(skeletons(), RunSettings(merge_threshold=threshold))
        gains = RunGains(project)
        changed: list[int] = []
        project.changed.connect(lambda op: changed.extend(op.segments_before + op.segments_after))
        for _ in range(25):
            edit(project, random)
            gains.outdate(changed)
            changed.clear()
            mistakes = project.mistakes(Choice(min_voxels=1))
            for mistake in mistakes:
                known = gains.known(mistake)
                if known is not None:
                    kept += 1
                    assert known == pytest.approx(project.erl_gain(mistake), abs=1e-6)
            assert gains.work(mistakes, 60)
            for mistake in mistakes:
                assert gains.known(mistake) == pytest.approx(project.erl_gain(mistake), abs=1e-6)
        project.mark("erl_nm")  # has no scores
        scored = [one for one in project.operations if one.voi is not None]
        assert len(scored) == len(project.operations) - 1
        assert vois(project.log) == [one.voi for one in scored]
        assert run_lengths(project.log) == [(one.id, one.erl_nm) for one in scored]
    assert kept > 50, "or nothing was kept at all"


def test_work_is_done_in_slices(make_project: Maker, labels) -> None:
    truth = (labels - 1) // COLUMNS + 1
    with Project(make_project(fragments=labels, truth=truth)) as project:
        gains = RunGains(project)
        mistakes = project.mistakes(Choice(min_voxels=1))
        assert gains.work(mistakes, 0), "without skeletons there is nothing to do"
        project.follow_skeletons(skeletons())
        assert not gains.work(mistakes, 0)
        assert gains.work(mistakes, 60)
        assert gains.known(mistakes[0]) == pytest.approx(project.erl_gain(mistakes[0]))


def test_the_run_length_at_the_start_is_that_before_all_edits(make_project: Maker, labels) -> None:
    truth = (labels - 1) // COLUMNS + 1
    path = make_project(fragments=labels, truth=truth)
    with Project(path) as project:
        with pytest.raises(ProjectError, match="no skeletons"):
            erl_at_start(project)
        project.follow_skeletons(skeletons())
        start = project.erl()
        project.merge([place(1), place(2)])
        ends = [[(45.0, 27.0, 2.0)], [(45.0, 27.0, 46.0)]]
        project.split(project.plan_split(*ends))  # may cut a fragment
        project.merge([place(7), place(8)])
        assert project.erl() > start
        assert erl_at_start(project) == pytest.approx(start)
    with Project(path) as project:
        project.follow_skeletons(skeletons())
        assert erl_at_start(project) == pytest.approx(start)
