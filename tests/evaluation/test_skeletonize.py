"""Tracing in one block is kimimaro's; in several it must come to about the same."""

import numpy as np
import pytest

from napari_axonem.errors import VolumeError
from napari_axonem.evaluation.skeletons import Skeletons, lookup, skeletonize
from napari_axonem.geometry import Zyx

from .erl_cases import volume_of

SIZE = (30.0, 8.0, 8.0)


def tube(shape: Zyx = (40, 50, 160), *, id_: int = 7, dtype: str = "uint32") -> np.ndarray:
    """A bent tube of 100 nm radius from one end of x to the other."""
    z, y, x = np.indices(shape) * np.reshape(SIZE, (3, 1, 1, 1))
    length = shape[2] * SIZE[2]
    middle_z = 600 + 250 * np.sin(2.4 * np.pi * x / length)
    middle_y = 200 + 50 * np.cos(3.1 * np.pi * x / length)
    return np.where(np.hypot(z - middle_z, y - middle_y) < 100, id_, 0).astype(dtype)


def is_one_piece(skeletons: Skeletons) -> bool:
    """Whether a single skeleton is a tree in one piece."""
    return len(skeletons) == 1 and len(skeletons.edges) == len(skeletons.positions) - 1


def test_one_block_is_kimimaro_itself() -> None:
    from kimimaro import skeletonize as trace_all

    labels = tube()
    labels[30:36, 2:20, 2:20] = 3
    theirs = trace_all(
        labels,
        teasar_params={
            "scale": 1.5,
            "const": 500,
            "pdrf_exponent": 4,
            "pdrf_scale": 100000,
            "soma_detection_threshold": 1100,
            "soma_acceptance_threshold": 3500,
            "soma_invalidation_scale": 1.0,
            "soma_invalidation_const": 300,
            "max_paths": 50,
        },
        dust_threshold=100,
        anisotropy=SIZE,
        fix_branching=True,
        fix_borders=True,
        progress=False,
    )
    ours = skeletonize(volume_of(labels, SIZE))
    assert ours.ids.tolist() == sorted(theirs)
    for i, id_ in enumerate(ours.ids.tolist()):
        corners = ours.positions[ours.node_skeleton == i] - np.divide(SIZE, 2)
        assert {tuple(p) for p in corners.tolist()} == {
            tuple(p) for p in theirs[id_].vertices.tolist()
        }
        assert ours.lengths[i] == pytest.approx(theirs[id_].cable_length(), rel=1e-5)


@pytest.mark.parametrize("block", [(30, 32, 100), (30, 32, 133), (30, 32, 399)])
def test_a_tube_through_many_blocks_is_one_skeleton(block: Zyx) -> None:
    z, y, x = np.indices((30, 32, 400))
    radius = np.hypot(z - 15 - 6 * np.sin(x / 60), y - 16 - 6 * np.cos(x / 50))
    volume = volume_of((radius < 6) * np.uint32(7), (20.0, 20.0, 20.0))
    whole, pieces = skeletonize(volume), skeletonize(volume, block=block)
    assert is_one_piece(whole)
    assert is_one_piece(pieces)
    assert pieces.lengths[0] == pytest.approx(whole.lengths[0], rel=0.01)
    assert (lookup(volume, pieces).segment == 7).all()


def test_an_object_along_the_border_of_blocks_has_one_line() -> None:
    voxels = np.zeros((16, 32, 200), np.uint8)
    voxels[4:12, 12:20] = 1
    volume = volume_of(voxels, (20.0, 20.0, 20.0))
    made = skeletonize(volume, block=(16, 16, 100))
    assert is_one_piece(made)
    assert made.lengths[0] == pytest.approx(200 * 20, rel=0.2)  # two lines would be twice as long


def test_a_ring_through_blocks_is_a_tree() -> None:
    z, y, x = np.indices((12, 120, 120))
    ring = (np.abs(np.hypot(y - 60, x - 60) - 45) < 6) & (np.abs(z - 6) < 3)
    volume = volume_of(ring.astype(np.uint8), (20.0, 20.0, 20.0))
    made = skeletonize(volume, block=(12, 60, 60))
    assert is_one_piece(made)
    assert 0.8 < made.lengths[0] / (2 * np.pi * 45 * 20) < 1.05


def test_huge_ids_origin_and_middle_of_voxels() -> None:
    origin = (1e6, 2e6, 3e6)
    labels = tube(id_=2**63 + 5, dtype="uint64")
    made = skeletonize(volume_of(labels, (33.3, 8.4, 8.4), origin))
    assert made.ids.tolist() == [2**63 + 5]
    assert (made.positions.min(axis=0) >= origin).all()
    assert (lookup(volume_of(labels, (33.3, 8.4, 8.4), origin), made).segment == 2**63 + 5).all()


def test_dust_and_short_ones_are_left_out() -> None:
    labels = tube()
    labels[:4, :4, 38:43] = 1  # 80 voxels across a border
    labels[36:38, 0, :80] = 2  # 160 voxels, 640 nm
    volume = volume_of(labels, SIZE)
    for block in (None, (40, 50, 40)):
        assert skeletonize(volume, block=block).ids.tolist() == [2, 7]
        assert skeletonize(volume, min_length=1000, block=block).ids.tolist() == [7]


def test_no_object_no_skeleton() -> None:
    made = skeletonize(volume_of(np.zeros((4, 5, 6), np.uint8), SIZE))
    assert (len(made), made.positions.shape, made.edges.shape) == (0, (0, 3), (0, 2))


def test_the_challenge_preset_has_fewer_branches() -> None:
    labels = np.zeros((30, 60, 60), np.uint8)
    labels[10:20, 20:40] = 1  # 200 nm thick: known are 1.5 * 200 + 500 or 4 * 200 + 500 nm
    for x in (10, 45):
        labels[14:16, 2:58, x : x + 3] = 1  # branches that reach to 1,120 nm
    volume = volume_of(labels, (40.0, 40.0, 40.0))
    many, few = skeletonize(volume), skeletonize(volume, "challenge")
    assert few.lengths[0] < 0.8 * many.lengths[0]


def test_grey_values_are_refused() -> None:
    with pytest.raises(VolumeError, match="no labels"):
        skeletonize(volume_of(np.zeros((4, 5, 6), np.float32), SIZE))
