import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.blockwise import Team
from napari_axonem.errors import MismatchError, VolumeError
from napari_axonem.evaluation import grouping, overlaps
from napari_axonem.evaluation.overlaps import count_overlaps, merge_tables, overlap_table
from napari_axonem.evaluation.threads import each
from napari_axonem.geometry import Box, Grid
from tests.evaluation.voxel_oracles import (
    GRID,
    as_volume,
    block_shapes,
    labels,
    overlap_counts,
    shapes,
)

HUGE = (0, 1, 2, 2**32 + 1, 2**53 + 1, 2**63, 2**64 - 1)


def as_counts(table):
    keys = zip(table.segment.tolist(), table.truth.tolist(), strict=True)
    return dict(zip(keys, table.voxels.tolist(), strict=True))


def assert_sorted_and_unique(table):
    keys = list(zip(table.segment.tolist(), table.truth.tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert (table.segment.dtype, table.truth.dtype) == (np.uint64, np.uint64)
    assert table.voxels.dtype == np.int64


@given(st.data())
def test_counts_equal_those_of_single_voxels_for_ids_of_any_size(data):
    shape = data.draw(shapes)
    segments = data.draw(labels(shape, HUGE, np.uint64))
    truth = data.draw(labels(shape, HUGE, np.uint64))
    table = count_overlaps(segments, truth)
    assert_sorted_and_unique(table)
    assert as_counts(table) == overlap_counts(segments, truth)


@given(st.data())
def test_blocks_and_boxes_do_not_change_the_counts(data):
    shape = data.draw(shapes)
    segments, truth = (data.draw(labels(shape, (0, 1, 2))) for _ in range(2))
    start = [data.draw(st.integers(0, n - 1)) for n in shape]
    stop = [data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)]
    box = data.draw(st.sampled_from([None, Box(tuple(start), tuple(stop))]))
    table = overlap_table(
        as_volume(segments), as_volume(truth), box, block_shape=data.draw(block_shapes)
    )
    inside = Box.of_shape(shape).slices if box is None else box.slices
    assert_sorted_and_unique(table)
    assert as_counts(table) == overlap_counts(segments[inside], truth[inside])


def test_arrays_of_any_number_of_axes_are_counted_slab_by_slab(monkeypatch):
    monkeypatch.setattr(overlaps, "SLAB", 8)
    monkeypatch.setattr(grouping, "FOLD_ROWS", 3)  # partial tables are merged again and again
    rng = np.random.default_rng(1)
    for shape in [(40,), (9, 5), (4, 3, 5), (2, 3, 2, 3)]:
        segments, truth = rng.integers(0, 9, (2, *shape), dtype=np.uint16)
        assert as_counts(count_overlaps(segments, truth)) == overlap_counts(segments, truth)


def test_a_strided_array_is_counted_as_it_is_seen():
    rng = np.random.default_rng(2)
    segments, truth = rng.integers(0, 4, (2, 6, 5, 4))
    table = count_overlaps(segments.T[::2], truth.T[::2])
    assert as_counts(table) == overlap_counts(segments.T[::2], truth.T[::2])


def test_tables_of_parts_add_up():
    rng = np.random.default_rng(3)
    segments, truth = rng.integers(0, 5, (2, 6, 5, 4))
    parts = [count_overlaps(s, t) for s, t in zip(segments, truth, strict=True)]
    assert as_counts(merge_tables(parts)) == overlap_counts(segments, truth)
    assert len(merge_tables([])) == 0


def test_nothing_overlaps_in_an_empty_array():
    assert len(count_overlaps(np.zeros((0, 3, 3), np.uint8), np.zeros((0, 3, 3), np.uint8))) == 0


def test_masks_and_signed_labels_are_labels():
    segments, truth = np.array([True, False, True]), np.array([5, 5, 0], np.int16)
    assert as_counts(count_overlaps(segments, truth)) == {(0, 5): 1, (1, 0): 1, (1, 5): 1}


@pytest.mark.parametrize(
    ("wrong", "seen"), [(np.array([0.0, 1.0]), "float64"), (np.array([0, -3]), "negative id -3")]
)
def test_what_is_not_a_label_is_refused(wrong, seen):
    right = np.array([0, 1])
    with pytest.raises(VolumeError, match=f"truth.*{seen}"):
        count_overlaps(right, wrong)
    with pytest.raises(VolumeError, match=f"segmentation.*{seen}"):
        count_overlaps(wrong, right)


def test_volumes_that_do_not_match_are_refused_naming_both():
    small, large = np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(MismatchError, match=r"a\.h5 and b\.h5.*\(2, 2, 2\) and \(2, 2, 3\)"):
        overlap_table(as_volume(small, location="a.h5"), as_volume(large, location="b.h5"))
    with pytest.raises(MismatchError, match=r"\(30\.0, 8\.0, 8\.0\) and \(40\.0, 8\.0, 8\.0\)"):
        overlap_table(as_volume(small), as_volume(small, Grid((40.0, 8.0, 8.0))))
    with pytest.raises(MismatchError, match=r"\(2, 2, 2\).*\(2, 2, 3\)"):
        count_overlaps(small, large)


def test_voxel_sizes_stored_as_float32_match():
    size = np.float32([33.3, 8.4, 8.4])
    stored = Grid(tuple(size.astype(float).tolist()))
    zeros = np.zeros((1, 1, 1), np.uint8)
    assert len(overlap_table(as_volume(zeros, Grid((33.3, 8.4, 8.4))), as_volume(zeros, stored)))


def test_a_team_counts_the_same():
    rng = np.random.default_rng(4)
    segments, truth = (as_volume(a) for a in rng.integers(0, 5, (2, 8, 8, 8)))
    with Team(1) as team:
        table = overlap_table(segments, truth, block_shape=(4, 4, 4), team=team)
    assert as_counts(table) == as_counts(overlap_table(segments, truth))


def test_few_blocks_are_under_way_at_a_time():
    under_way = []

    def items():
        for number in range(20):
            under_way.append(number)
            yield number

    found = []
    for done in each(lambda number: number * 2, items(), workers=2):
        found.append(done)
        assert len(under_way) <= len(found) + 4
    assert sorted(found) == list(range(0, 40, 2))


def test_progress_counts_blocks():
    seen = []
    zeros = as_volume(np.zeros((4, 2, 2), np.uint8), GRID)
    overlap_table(zeros, zeros, progress=lambda *step: seen.append(step[:2]), block_shape=(2, 2, 2))
    assert seen == [(0, 2), (1, 2), (2, 2)]
