"""Reduction by windows, against a loop over windows."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from napari_axonem.volumes.reduction import level_factors, reduce_block, reduced_shape

FACTORS = st.sampled_from([(1, 1, 1), (2, 2, 2), (1, 2, 2), (2, 1, 1), (3, 2, 4)])
SHAPES = npst.array_shapes(min_dims=3, max_dims=3, max_side=6)


def windows(array, factor):
    """Yield each output index and the voxels of its window that exist."""
    for index in np.ndindex(*reduced_shape(array.shape, factor)):
        box = tuple(slice(i * f, (i + 1) * f) for i, f in zip(index, factor, strict=True))
        yield index, array[box].ravel()


def mode_of(ids):
    votes = Counter(ids.tolist())
    most = max(votes.values())
    tied = [i for i, n in votes.items() if n == most]
    return min([i for i in tied if i] or tied)


@given(
    npst.arrays(
        st.sampled_from([np.uint8, np.uint32, np.uint64]), SHAPES, elements=st.integers(0, 4)
    ),
    FACTORS,
)
def test_labels_take_the_most_frequent_id(array, factor):
    got = reduce_block(array, factor, "labels")
    assert got.dtype == array.dtype
    for index, ids in windows(array, factor):
        assert got[index] == mode_of(ids)


def test_labels_keep_ids_that_float64_cannot_hold():
    big = np.uint64(2**64 - 1)
    array = np.full((2, 2, 2), big)
    array[0] = big - np.uint64(1)
    array[0, 0, 0] = big
    assert reduce_block(array, (2, 2, 2), "labels").item() == 2**64 - 1


@given(npst.arrays(st.sampled_from([np.uint8, np.int16, np.int32]), SHAPES), FACTORS)
def test_integer_images_take_the_rounded_mean(array, factor):
    got = reduce_block(array, factor, "image")
    assert got.dtype == array.dtype
    for index, values in windows(array, factor):
        exact = sum(values.tolist()) / len(values)
        assert got[index] == math.floor(exact + 0.5)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_floating_images_take_the_mean(dtype):
    array = np.random.default_rng(0).random((5, 4, 7)).astype(dtype)
    got = reduce_block(array, (2, 2, 2), "image")
    assert got.dtype == array.dtype
    for index, values in windows(array, (2, 2, 2)):
        assert got[index] == pytest.approx(values.mean(dtype="f8"), rel=2e-3)


@pytest.mark.parametrize(
    ("dtype", "value"), [("u8", 2**64 - 1), ("i8", 2**63 - 1), ("i8", -(2**63))]
)
def test_64_bit_images_stay_in_range(dtype, value):
    got = reduce_block(np.full((2, 2, 2), value, dtype), (2, 2, 2), "image").item()
    assert abs(got - value) <= 2**11


def test_factor_one_copies():
    array = np.zeros((2, 2, 2), np.uint8)
    reduce_block(array, (1, 1, 1), "image")[:] = 7
    assert not array.any()


@pytest.mark.parametrize(
    ("shape", "voxel_size", "expected"),
    [
        ((128, 128, 128), (10, 10, 10), ((1, 1, 1),)),
        ((250, 250, 250), (10, 10, 10), ((1, 1, 1), (2, 2, 2))),
        ((500, 2000, 1000), (30, 8, 8), ((1, 1, 1), (1, 2, 2), (1, 4, 4), (2, 8, 8), (4, 16, 16))),
        ((1, 512, 512), (30, 8, 8), ((1, 1, 1), (1, 2, 2), (1, 4, 4))),
        ((512, 16, 16), (30, 8, 8), ((1, 1, 1), (1, 2, 2), (1, 4, 4), (2, 8, 8), (4, 16, 16))),
    ],
)
def test_finer_axes_are_halved_first(shape, voxel_size, expected):
    assert level_factors(shape, voxel_size) == expected


@given(
    st.tuples(*[st.integers(1, 5000)] * 3), st.tuples(*[st.sampled_from([1.0, 4, 8.5, 30, 50])] * 3)
)
def test_levels_are_halves_and_end_small(shape, voxel_size):
    factors = level_factors(shape, voxel_size)
    assert max(reduced_shape(shape, factors[-1])) <= 128
    for finer, coarser in itertools.pairwise(factors):
        assert {b // a for a, b in zip(finer, coarser, strict=True)} <= {1, 2}
        assert finer != coarser
