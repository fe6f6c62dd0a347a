"""The cut through one fragment, and the points that are proposed for it."""

import numpy as np
import pytest

from napari_axonem.errors import EditError
from napari_axonem.proofreading.plans.voxelcut import BLUE, RED, UNDECIDED, cut_voxels, spread
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.proposing import (
    corrected,
    place_points,
    points_nm,
    scattered,
    scene_of,
)
from napari_axonem.proofreading.simulation import Hand, repair, repair_all
from napari_axonem.proofreading.verification import verify_project

from .conftest import Maker

ISOTROPIC = (8.0, 8.0, 8.0)


def voxels(*points: tuple[int, int, int]) -> np.ndarray:
    """Return points as an array."""
    return np.array(points, dtype=np.int64)


def test_each_voxel_goes_to_the_nearest_colour() -> None:
    mask = np.ones((1, 1, 9), bool)
    sides = cut_voxels(mask, [voxels((0, 0, 0)), voxels((0, 0, 8))], ISOTROPIC)
    assert sides.ravel().tolist() == [RED] * 4 + [BLUE] * 5


def test_three_colours_share_a_fragment() -> None:
    mask = np.ones((1, 1, 11), bool)
    seeds = [voxels((0, 0, n)) for n in (0, 5, 10)]
    sides = cut_voxels(mask, seeds, ISOTROPIC).ravel().tolist()
    assert sides == [1] * 3 + [2] * 5 + [3] * 3
    assert cut_voxels(mask, [seeds[0], voxels().reshape(0, 3), seeds[2]], ISOTROPIC).max() == 3


def test_a_membrane_moves_the_cut_towards_itself() -> None:
    """Ways count what lies on them, so that a membrane near red is the end of red."""
    mask = np.ones((1, 1, 9), bool)
    boundary = np.zeros(mask.shape, np.float32)
    boundary[..., 2] = 1
    sides = cut_voxels(mask, [voxels((0, 0, 0)), voxels((0, 0, 8))], ISOTROPIC, boundary)
    assert sides.ravel().tolist()[:2] == [RED] * 2
    assert sides.ravel().tolist()[3:] == [BLUE] * 6


def test_a_hole_in_a_membrane_lets_little_through() -> None:
    """A watershed would flood the whole other side through it."""
    mask = np.ones((1, 31, 61), bool)
    boundary = np.zeros(mask.shape, np.float32)
    boundary[..., 29:32] = 1
    boundary[:, 15, 29:32] = 0
    sides = cut_voxels(mask, [voxels((0, 3, 12)), voxels((0, 27, 48))], ISOTROPIC, boundary)
    assert (sides[..., :29] == RED).mean() > 0.9
    assert (sides[..., 32:] == BLUE).mean() > 0.9


def test_thick_sections_are_far() -> None:
    """Red lies one section up, blue three voxels along: that is nearer where sections are thick."""
    mask = np.ones((2, 1, 4), bool)
    red, blue = voxels((1, 0, 0)), voxels((0, 0, 3))
    thick = cut_voxels(mask, [red, blue], (40.0, 8.0, 8.0))
    alike = cut_voxels(mask, [red, blue], ISOTROPIC)
    assert thick[0, 0, 0] == BLUE
    assert alike[0, 0, 0] == RED


def test_colours_in_one_voxel_are_refused() -> None:
    with pytest.raises(EditError, match="one voxel"):
        cut_voxels(np.ones((1, 1, 2), bool), [voxels((0, 0, 0))] * 2, ISOTROPIC)


def test_what_no_way_reaches_goes_with_what_it_touches() -> None:
    mask = np.ones((1, 3, 7), bool)
    mask[:, :, 3] = False
    sides = np.zeros(mask.shape, np.uint8)
    sides[:, 0, 0], sides[:, 2, 0], sides[:, 1, 6] = RED, RED, BLUE
    filled = spread(mask, sides)
    assert (filled[..., :3] == RED).all()
    assert (filled[..., 4:] == BLUE).all()
    assert (filled[..., 3] == UNDECIDED).all()


def test_what_touches_nothing_stays_undecided() -> None:
    mask = np.array([[[True, False, True]]])
    sides = np.array([[[RED, 0, 0]]], np.uint8)
    assert spread(mask, sides).ravel().tolist() == [RED, UNDECIDED, UNDECIDED]


def test_scattered_points_are_deep_and_far_apart() -> None:
    objects = np.zeros((7, 9, 60), np.uint32)
    objects[1:6, 2:7, 2:58] = 1
    others = objects == 0
    points = np.array(scattered(objects, others, ISOTROPIC, 4))
    assert len(points) == 4
    assert (objects[tuple(points.T)] == 1).all()
    assert np.ptp(points[:, 2]) > 35
    assert np.array(scattered(objects, others, ISOTROPIC, 1)).shape == (1, 3)


@pytest.fixture
def two_in_one() -> dict[str, np.ndarray]:
    """One fragment of two true bars side by side, with a membrane that has a hole."""
    truth = np.zeros((10, 40, 60), np.uint32)
    truth[:, 4:20, 2:58], truth[:, 20:36, 2:58] = 1, 2
    image = np.full(truth.shape, 200, np.uint8)
    image[:, 19:21] = 60
    image[:, 19:21, 28:32] = 200
    fragments = (truth > 0).astype(np.uint32)
    return {"fragments": fragments, "truth": truth, "image": image}


def test_proposed_points_cut_as_the_truth_says(
    make_project: Maker, two_in_one: dict[str, np.ndarray]
) -> None:
    with Project(make_project(**two_in_one)) as project:
        (mistake,) = project.mistakes()
        red, blue = place_points(project, mistake, 1)
        truth = two_in_one["truth"]
        assert {int(truth[voxel]) for voxel in red} == {mistake.truth[0]}
        assert {int(truth[voxel]) for voxel in blue} == {mistake.truth[1]}
        assert min(len(red), len(blue)) > 1
        project.split(project.plan_split(*points_nm(project, mistake)))
        score = project.voi()
        assert score is not None
        assert score.total < 0.1
        assert verify_project(project) == []


def test_only_the_voxels_of_the_child_are_kept(
    make_project: Maker, two_in_one: dict[str, np.ndarray]
) -> None:
    """The log holds them for good, so that they should be few."""
    with Project(make_project(**two_in_one)) as project:
        plan = project.plan_split(*points_nm(project, project.mistakes()[0]))
        (refinement,) = plan.refinements
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            held = refinement.mask.any(axis=others)
            assert held[0]
            assert held[-1]


def test_layers_get_no_points(make_project: Maker, two_in_one: dict[str, np.ndarray]) -> None:
    """An outline that is off by a voxel is nothing that one could point at."""
    two_in_one["truth"][:, 5:20, 2:58] = 2
    with Project(make_project(**two_in_one)) as project:
        (mistake,) = project.mistakes()
        assert mistake.size_voxels == 560
        with pytest.raises(EditError, match="thinner than 6 voxels"):
            points_nm(project, mistake)
        done = repair(project, mistake)
        assert done.operation is None
        assert repair_all(project)[-1].operation is None


def test_an_unsteady_hand_stays_in_the_object(
    make_project: Maker, two_in_one: dict[str, np.ndarray]
) -> None:
    with Project(make_project(**two_in_one)) as project:
        (mistake,) = project.mistakes()
        meant, _ = place_points(project, mistake, 1)
        placed = Hand(2.0, np.random.default_rng(1)).place(project, meant)
        assert placed != meant
        found = {int(two_in_one["truth"][voxel]) for voxel in placed}
        assert found == {mistake.truth[0]}
        again = Hand(2.0, np.random.default_rng(1)).place(project, meant)
        assert placed == again


def test_a_point_may_land_beyond_what_is_looked_at(
    make_project: Maker, two_in_one: dict[str, np.ndarray]
) -> None:
    with Project(make_project(**two_in_one)) as project:
        (mistake,) = project.mistakes()
        red, blue = place_points(project, mistake, 1)
        scene = scene_of(project, mistake, 1, mistake.position_nm)
        assert scene is not None
        beyond = scene.window.stop
        assert beyond in corrected(project, scene, [*red, beyond], blue)[0]
