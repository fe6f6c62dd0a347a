"""A coarser level in place of a finer one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.geometry import Box
from napari_axonem.volumes import Volume
from napari_axonem.volumes.looking.stand_in import coarse_box, spread
from tests.volumes.test_chunked import GRID, array, boxes


@given(boxes((6, 9, 10)), st.sampled_from([(1, 2, 2), (2, 2, 2), (3, 4, 5)]))
def test_coarser_voxels_stand_where_the_finer_ones_are(box, factor) -> None:
    fine = array(shape=(6, 9, 10))
    coarse = fine[tuple(slice(None, None, f) for f in factor)]
    both = Volume((fine, coarse), ((1, 1, 1), factor), GRID, "memory", "array")
    part = coarse_box(both, box, 0, 1)
    shown = spread(coarse[part.slices], both, box, 0, 1)
    at = np.ix_(
        *(np.arange(a, b) // f for a, b, f in zip(box.start, box.stop, factor, strict=True))
    )
    np.testing.assert_array_equal(shown, coarse[at])


def test_levels_that_are_no_multiples_of_each_other() -> None:
    fine = array(shape=(1, 12, 12))
    factors = ((1, 1, 1), (1, 2, 2), (1, 3, 3))
    levels = tuple(fine[:, ::y, ::x] for _, y, x in factors)
    odd = Volume(levels, factors, GRID, "memory", "array")
    box = Box((0, 1, 1), (1, 2, 2))
    part = coarse_box(odd, box, 1, 2)
    assert spread(levels[2][part.slices], odd, box, 1, 2) == levels[2][:, 0:1, 0:1]
