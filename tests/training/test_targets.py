"""Targets against a loop over voxels, and where nothing is to be learned."""

import itertools

import numpy as np
import pytest

from napari_axonem.networks.card import NEAREST
from napari_axonem.training.targets import (
    affinities,
    ends,
    eroded,
    is_planar,
    long_range,
    missing_image,
)

OFFSETS = (*NEAREST, (-2, 0, 0), (0, 3, -1), (9, 0, 0))


def test_affinities_equal_a_loop_over_voxels():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, (4, 5, 6))
    known = rng.random(labels.shape) < 0.8
    target = affinities(labels, OFFSETS, known)
    for channel, offset in enumerate(OFFSETS):
        for voxel in itertools.product(*map(range, labels.shape)):
            other = tuple(np.add(voxel, offset))
            inside = all(0 <= i < n for i, n in zip(other, labels.shape, strict=True))
            joined = inside and labels[voxel] == labels[other] != 0
            assert target.values[(channel, *voxel)] == joined
            both = inside and known[voxel] and known[other]
            assert target.known[(channel, *voxel)] == both


def test_offsets_longer_than_the_patch_are_known_nowhere():
    assert ends((4, 5, 6), (9, 0, 0))[0][0] == slice(0, 0)
    target = affinities(np.ones((4, 5, 6), int), ((-9, 0, 0),), np.ones((4, 5, 6), bool))
    assert not target.known.any()


@pytest.mark.parametrize("planar", [True, False])
def test_erosion_takes_one_voxel_on_either_side_of_a_face(planar):
    labels = np.ones((4, 6, 6), int)
    labels[:, 3:] = 2
    labels[2:] += 2
    left = eroded(labels, np.ones(labels.shape, bool), planar)
    gone = np.zeros(labels.shape, bool)
    gone[:, 2:4] = True
    if not planar:
        gone[1:3] = True
    assert np.array_equal(left == 0, gone)
    assert np.array_equal(left[~gone], labels[~gone])


def test_a_face_to_what_is_not_known_is_none():
    labels = np.ones((2, 4, 4), int)
    labels[:, 2:] = 0
    assert np.array_equal(eroded(labels, labels > 0, planar=True), labels)
    assert (eroded(labels, np.ones(labels.shape, bool), planar=True)[:, 1] == 0).all()


def test_missing_image_is_a_patch_of_zeros_not_a_dark_voxel():
    image = np.full((3, 20, 20), 9, np.uint8)
    image[0, 4, 4] = 0
    image[1, :, 10:] = 0
    found = missing_image(image)
    assert np.array_equal(found, (image == 0) & (np.arange(3) == 1)[:, None, None])
    assert not missing_image(np.full((2, 3, 3), 5, np.uint8)).any()


def test_long_range_offsets_follow_the_voxel_size():
    assert list(long_range((30.0, 8.0, 8.0), (60, 150))) == [
        (-2, 0, 0), (0, -8, 0), (0, 0, -8), (-5, 0, 0), (0, -19, 0), (0, 0, -19),
    ]  # fmt: skip
    assert list(long_range((10.0, 10.0, 10.0), (12,))) == []
    assert is_planar((30.0, 8.0, 8.0))
    assert not is_planar((10.0, 10.0, 10.0))
