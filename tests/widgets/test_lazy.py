"""Lazy levels against plain arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.geometry import Box
from napari_axonem.widgets.picture.lazy import LazyLevel

SHAPE = (4, 5, 6)
ARRAY = np.arange(np.prod(SHAPE), dtype=np.uint32).reshape(SHAPE)


def lazy(reads: list[Box] | None = None) -> LazyLevel:
    def read(box: Box) -> np.ndarray:
        if reads is not None:
            reads.append(box)
        return ARRAY[box.slices]

    return LazyLevel.whole(SHAPE, np.uint32, read)


def index(extent: int) -> st.SearchStrategy[object]:
    return st.one_of(st.integers(-extent, extent - 1), st.slices(extent).filter(forward))


def forward(cut: slice) -> bool:
    return cut.step is None or cut.step > 0


@given(st.tuples(*(index(n) for n in SHAPE)))
def test_indexing_is_that_of_an_array(key: tuple[object, ...]) -> None:
    np.testing.assert_array_equal(np.asarray(lazy()[key]), ARRAY[key])


@given(st.slices(4).filter(forward), st.slices(5).filter(forward), st.integers(0, 3))
def test_a_part_of_a_part_is_read_at_once(z: slice, y: slice, plane: int) -> None:
    part = lazy()[z, y]
    expected = ARRAY[z, y]
    assert part.shape == expected.shape
    if plane < len(expected):
        np.testing.assert_array_equal(part[plane], expected[plane])


@pytest.mark.parametrize("key", [..., (..., 2), (1, ...), 3, (slice(None), 2)])
def test_shorter_indices(key: object) -> None:
    np.testing.assert_array_equal(np.asarray(lazy()[key]), ARRAY[key])


def test_nothing_is_read_before_a_plane_is_taken() -> None:
    reads: list[Box] = []
    part = lazy(reads)[:, 1:3, 2:]
    assert part.shape == (4, 2, 4)
    assert (part.ndim, part.size, part.nbytes, len(part)) == (3, 32, 128, 4)
    assert reads == []
    assert part[2].tolist() == ARRAY[2, 1:3, 2:].tolist()
    assert reads == [Box((2, 1, 2), (3, 3, 6))]


@pytest.mark.parametrize("key", [4, (0, -6), (0, 0, 0, 0), (slice(None, None, -1),)])
def test_indices_outside_are_refused(key: object) -> None:
    with pytest.raises(IndexError):
        lazy()[key]
