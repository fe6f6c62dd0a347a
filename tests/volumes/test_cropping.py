"""A crop lies where it was, and reads what is there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import Volume
from napari_axonem.volumes.cropping import cropped
from napari_axonem.volumes.reduction import reduce_block, reduced_shape

SHAPE = (6, 20, 24)
FACTORS = ((1, 1, 1), (1, 2, 2), (2, 4, 4))


def volume() -> Volume:
    finest = np.random.default_rng(0).integers(1, 250, SHAPE, dtype=np.uint8)
    levels = tuple(reduce_block(finest, f, "image") for f in FACTORS)
    return Volume(levels, FACTORS, Grid((30.0, 8.0, 8.0), (100.0, -16.0, 0.0)), "a.h5", "HDF5")


@st.composite
def boxes(draw):
    ends = [sorted(draw(st.sets(st.integers(0, n), min_size=2, max_size=2))) for n in SHAPE]
    return Box(tuple(a for a, _ in ends), tuple(b for _, b in ends))


@given(boxes(), st.data())
@settings(max_examples=80, deadline=None)
def test_every_voxel_stays_where_it_was(box, data):
    whole = volume()
    crop = cropped(whole, box)
    assert crop.shape == box.shape
    np.testing.assert_array_equal(crop.read(crop.box), whole.read(box))
    for level, factor in enumerate(crop.factors):
        array = crop.levels[level]
        assert array.shape == reduced_shape(box.shape, factor)
        here = tuple(data.draw(st.integers(0, n - 1)) for n in array.shape)
        (there,) = whole.grid.coarser(factor).to_voxel([crop.grid.coarser(factor).to_nm(here)])
        source = whole.levels[whole.factors.index(factor)]
        assert array[here] == source[tuple(there)]
    kept = [f for f in FACTORS if not any(a % n for a, n in zip(box.start, f, strict=True))]
    assert list(crop.factors) == kept


def test_a_crop_of_a_crop_is_a_crop():
    twice = cropped(cropped(volume(), Box((1, 2, 4), (6, 18, 20))), Box((1, 2, 4), (3, 10, 8)))
    once = cropped(volume(), Box((2, 4, 8), (4, 12, 12)))
    assert twice.grid == once.grid
    np.testing.assert_array_equal(twice.read(twice.box), once.read(once.box))


def test_nothing_is_read_before_it_is_asked_for():
    class Untouched:
        shape, dtype, chunks = SHAPE, np.dtype(np.uint8), (2, 8, 8)

        def __getitem__(self, key):
            raise AssertionError(key)

    lazy = Volume((Untouched(),), ((1, 1, 1),), Grid((1.0, 1.0, 1.0)), "a.h5", "HDF5")
    crop = cropped(lazy, Box((1, 1, 1), (3, 3, 3)))
    assert crop.levels[0].chunks == (2, 8, 8)
    assert crop.location == "a.h5"


@pytest.mark.parametrize(
    "box", [Box((0, 0, 0), (0, 2, 2)), Box((-1, 0, 0), (2, 2, 2)), Box((0, 0, 0), (7, 2, 2))]
)
def test_a_box_that_is_not_inside_is_refused(box):
    with pytest.raises(VolumeError, match="not inside the shape"):
        cropped(volume(), box)
