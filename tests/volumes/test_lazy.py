"""Indexing of lazy levels, as numpy does it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.lazy import Level

SHAPE = (4, 5, 6)
ARRAY = np.arange(120, dtype=">u2").reshape(SHAPE)


def level(axes=(0, 1, 2), array=ARRAY):
    return Level(
        stored=lambda box: array[box],
        stored_shape=array.shape,
        dtype=array.dtype.newbyteorder("="),
        where="here",
        axes=axes,
        stored_chunks=tuple(range(1, array.ndim + 1)),
    )


KEYS = st.one_of(
    st.integers(-4, 3),
    st.builds(slice, *[st.one_of(st.none(), st.integers(-9, 9))] * 2),
    st.builds(slice, st.none(), st.none(), st.integers(1, 3)),
)


@given(st.one_of(KEYS, st.lists(KEYS, max_size=3).map(tuple)))
def test_indexing_equals_numpy(key):
    np.testing.assert_array_equal(level()[key], ARRAY[key])


@pytest.mark.parametrize("key", [..., (..., 1), (1, ...), (0, ..., slice(2)), (1, 2, 3, ...)])
def test_ellipsis_equals_numpy(key):
    np.testing.assert_array_equal(level()[key], ARRAY[key])


@pytest.mark.parametrize("key", [9, -5, (0, 0, 0, 0), slice(None, None, -1)])
def test_impossible_indices(key):
    with pytest.raises(IndexError):
        level()[key]


def test_stored_axes_are_put_in_order():
    stored = ARRAY.transpose(2, 1, 0)[np.newaxis, :, :, :, np.newaxis]
    lazy = level((3, 2, 1), stored)
    assert lazy.shape == SHAPE
    assert lazy.chunks == (4, 3, 2)
    assert lazy.size == 120
    assert len(lazy) == 4
    np.testing.assert_array_equal(np.asarray(lazy), ARRAY)
    assert np.asarray(lazy).dtype.isnative
    np.testing.assert_array_equal(lazy[1, ::2, -1], ARRAY[1, ::2, -1])


def test_errors_of_the_library_become_ours():
    def fail(box):
        raise KeyError("deep inside")

    broken = Level(fail, SHAPE, np.dtype("u1"), "file.h5:raw")
    with pytest.raises(VolumeError, match=r"file\.h5:raw: voxels \(1, 0, 0\)\.\.\(2, 5, 6\)"):
        broken[1]
    assert broken[0:0].shape == (0, 5, 6)
