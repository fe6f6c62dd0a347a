import tracemalloc
from collections import defaultdict
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation import thickness
from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.mistakes import MIN_VOXELS, find_mistakes
from napari_axonem.evaluation.parts import voi_of
from napari_axonem.evaluation.standing import Choice, Standing
from napari_axonem.geometry import Grid
from tests.evaluation.voxel_oracles import (
    GRID,
    as_volume,
    contact_faces,
    labelled,
    voi_by_counting,
)

FRAGMENTS = (0, 1, 2, 3, 4, 5)
CUBES = Grid((10.0, 10.0, 10.0))


@st.composite
def segmented(draw):
    """Fragments, truth, and the segment of each fragment."""
    fragments, truth = draw(labelled(FRAGMENTS, (0, 1, 2, 5)))
    assume(truth.any())
    lut = draw(hnp.arrays(np.uint32, len(FRAGMENTS), elements=st.sampled_from([0, 1, 2, 9])))
    lut[0] = 0
    return fragments, truth, lut


def table_of(fragments, truth, gap_voxels=2):
    return tabulate(as_volume(fragments), as_volume(truth), gap_voxels=gap_voxels)


def repaired(segments, truth, mistake):
    """The segments after the repair that a mistake stands for, voxel by voxel."""
    after = segments.copy()
    if mistake.kind == "false_split":
        after[segments == mistake.segments[1]] = mistake.segments[0]
    else:
        after[(segments == mistake.segments[0]) & (truth == mistake.truth[0])] = 77
    return after


def total_voi(segments, truth):
    return sum(voi_by_counting(segments, truth))


@given(segmented())
def test_gains_are_the_fall_of_voi_by_the_repair(volumes):
    fragments, truth, lut = volumes
    segments = lut[fragments]
    before = total_voi(segments, truth)
    for mistake in find_mistakes(table_of(fragments, truth), lut, GRID, min_voxels=1):
        after = total_voi(repaired(segments, truth, mistake), truth)
        assert mistake.gain_voi == pytest.approx(before - after, abs=1e-9)
        assert mistake.gain_voi > 0


def expected_mistakes(fragments, truth, lut, min_voxels, gap_voxels):
    """Keys of all mistakes, voxel by voxel: the segments, and the object to cut off."""
    segments = lut[fragments]
    before = total_voi(segments, truth)
    size = defaultdict(int)
    for part in zip(segments.ravel().tolist(), truth.ravel().tolist(), strict=True):
        size[part] += 1
    touching, across = contact_faces(fragments, truth, gap_voxels)
    splits = defaultdict(dict)
    for (f, t), (g, u) in [*touching, *across]:
        one, other = sorted((int(lut[f]), int(lut[g])))
        if t == u != 0 and 0 < one < other:
            splits[one, other][t] = min(size[one, t], size[other, t])
    for pair, overlaps in splits.items():
        after = np.where(segments == pair[1], pair[0], segments)
        largest = max(overlaps.values())
        if largest >= min_voxels and before - total_voi(after, truth) > 1e-9:
            objects = sorted(overlaps, key=lambda t, o=overlaps: (-o[t], t))
            yield "false_split", pair, tuple(objects), largest
    for segment in sorted({s for s, _ in size} - {0}):
        objects = {t: n for (s, t), n in size.items() if s == segment and t}
        for true in sorted(objects, key=lambda t, o=objects: (-o[t], t))[1:]:
            if size[segment, true] >= min_voxels:
                yield "false_merge", (segment,), true, size[segment, true]


@given(segmented(), st.integers(1, 6), st.integers(0, 2))
def test_every_mistake_is_listed_once(volumes, min_voxels, gap_voxels):
    fragments, truth, lut = volumes
    table = table_of(fragments, truth, gap_voxels)
    found = [
        (m.kind, m.segments, m.truth if m.kind == "false_split" else m.truth[0], m.size_voxels)
        for m in find_mistakes(table, lut, GRID, min_voxels=min_voxels)
        if m.gain_voi > 1e-9
    ]
    expected = list(expected_mistakes(fragments, truth, lut, min_voxels, gap_voxels))
    assert sorted(found, key=repr) == sorted(expected, key=repr)


@given(segmented())
def test_points_lie_on_their_sides(volumes):
    fragments, truth, lut = volumes
    segments = lut[fragments]
    for mistake in find_mistakes(table_of(fragments, truth), lut, GRID, min_voxels=1):
        position = tuple(GRID.to_voxel(mistake.position_nm).tolist())
        assert np.allclose(GRID.to_nm(position), mistake.position_nm)
        assert mistake.box.contains(position)
        if mistake.kind == "false_split":
            red, blue = mistake.red[0], mistake.blue[0]
            assert (len(mistake.red), len(mistake.blue)) == (1, 1)
            assert (segments[red], segments[blue]) == mistake.segments
            assert truth[red] == truth[blue] == mistake.truth[0]
            assert position == red
            assert sum(a != b for a, b in zip(red, blue, strict=True)) == 1  # along an axis
        else:
            assert {(segments[p], truth[p]) for p in (position, *mistake.red)} == {
                (mistake.segments[0], mistake.truth[0])
            }
            assert {(segments[p], truth[p]) for p in mistake.blue} == {
                (mistake.segments[0], mistake.truth[1])
            }
            assert mistake.truth[1] not in (0, mistake.truth[0])
            for side in (mistake.red, mistake.blue):
                assert len({fragments[p] for p in side}) == len(side)


@given(segmented())
def test_the_list_is_in_order_and_can_be_cut_short(volumes):
    fragments, truth, lut = volumes
    table = table_of(fragments, truth)
    found = find_mistakes(table, lut, GRID, min_voxels=1)
    order = [(mistake.thin, -mistake.gain_voi) for mistake in found]
    assert order == sorted(order)
    assert find_mistakes(table, lut, GRID, min_voxels=1, limit=2) == found[:2]


@given(segmented(), st.sets(st.sampled_from([0, 1, 2, 9])))
def test_the_mistakes_of_some_segments_are_those_of_the_whole_list(volumes, wanted):
    fragments, truth, lut = volumes
    table = table_of(fragments, truth)
    some = find_mistakes(table, lut, GRID, min_voxels=1, segments=sorted(wanted))
    whole = find_mistakes(table, lut, GRID, min_voxels=1)
    expected = [m for m in whole if wanted & set(m.segments)]
    by_place = lambda m: (m.kind, m.segments, m.truth, m.position_nm)  # noqa: E731
    assert sorted(map(by_place, some)) == sorted(map(by_place, expected))
    gains = {by_place(m): m.gain_voi for m in expected}
    assert all(m.gain_voi == pytest.approx(gains[by_place(m)]) for m in some)


@given(segmented())
def test_voi_of_cells_is_voi_of_voxels(volumes):
    fragments, truth, lut = volumes
    table = table_of(fragments, truth)
    found = voi_of(table, lut)
    assert (found.split, found.merge) == pytest.approx(
        voi_by_counting(lut[fragments], truth), abs=1e-12
    )
    assert voi_of(table) == voi_of(table, np.arange(len(FRAGMENTS)))


@pytest.fixture
def nothing_is_thin(monkeypatch):
    monkeypatch.setattr(thickness, "THINNEST", 0)


def test_a_false_merge_is_cut_at_its_largest_contact(nothing_is_thin):
    truth = np.array([[[1, 1, 1, 1, 3, 2]] * 2 + [[1, 1, 1, 1, 2, 2]] * 3])
    fragments = np.array([[[4, 4, 4, 5, 5, 6]] * 5])
    lut = np.array([0, 0, 0, 0, 8, 8, 8])
    found = find_mistakes(table_of(fragments, truth), lut, GRID, min_voxels=3)
    (mistake,) = found
    assert (mistake.kind, mistake.segments, mistake.truth) == ("false_merge", (8,), (2, 1))
    assert mistake.size_voxels == 8
    # fragment 5 lies on both sides: it has a point on both
    assert {int(fragments[p]) for p in mistake.red} == {5, 6}
    assert {int(fragments[p]) for p in mistake.blue} == {4, 5}
    assert GRID.to_voxel(mistake.position_nm).tolist() == [0, 3, 4]
    assert (mistake.box.start, mistake.box.stop) == ((0, 0, 3), (1, 5, 6))


def test_only_the_largest_fragments_get_points_and_those_on_both_sides(nothing_is_thin):
    truth = np.repeat([1, 2], [40, 12])[None, None]
    sizes = {1: 10, 2: 9, 3: 8, 4: 6, 5: 4, 6: 2, 7: 9, 8: 4}  # 7 ends at the 49th voxel
    fragments = np.repeat(list(sizes), list(sizes.values()))[None, None]
    table = table_of(fragments, truth)
    (mistake,) = find_mistakes(table, np.array([0, *[3] * 8]), GRID, min_voxels=1)
    assert [int(fragments[p]) for p in mistake.red] == [7, 8]
    assert [int(fragments[p]) for p in mistake.blue] == [1, 2, 3, 4, 5, 7]
    (coarse,) = find_mistakes(table, np.array([0, *[3] * 8]), GRID, min_voxels=8)
    assert [int(fragments[p]) for p in coarse.red] == [7]
    assert [int(fragments[p]) for p in coarse.blue] == [1, 2, 3]


def overlapping(overlap, rest):
    """Return a table of two fragments side by side, the first of which reaches too far.

    It does so with `overlap` layers of 12 x 12 voxels, and has `rest` layers of its own.
    """
    face = np.ones((12, 12, 1), int)
    fragments = np.repeat([1, 2], [rest + overlap, 8])[None, None] * face
    truth = np.repeat([1, 2], [rest, overlap + 8])[None, None] * face
    return tabulate(as_volume(fragments, CUBES), as_volume(truth, CUBES)), fragments


@pytest.mark.parametrize(("overlap", "thin"), [(4, True), (5, False)])
def test_a_thin_layer_is_told_from_a_solid_piece(overlap, thin):
    table, _ = overlapping(overlap, 30)
    (mistake,) = find_mistakes(table, np.array([0, 5, 6]), CUBES)
    assert (mistake.kind, mistake.truth, mistake.thin) == ("false_merge", (2, 1), thin)


def test_a_thin_false_merge_comes_last_whatever_it_gains():
    table, _ = overlapping(2, 4)
    split = np.array([0, 5, 6])
    found = find_mistakes(table, split, CUBES, min_voxels=1)
    assert [m.kind for m in found] == ["false_split", "false_merge"]
    assert found[1].gain_voi > found[0].gain_voi
    assert Standing(table, split, CUBES).mistakes(Choice(min_voxels=1, rank="voi")) == found


def test_large_ids_take_no_memory():
    table, _ = overlapping(5, 30)
    names = np.array([0, 7, 2**28], np.uint32)
    named = replace(table, cells=replace(table.cells, fragment=names[table.cells.fragment]))
    tracemalloc.start()
    try:
        found = find_mistakes(named, None, CUBES)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1 << 24
    dense = find_mistakes(table, None, CUBES)
    assert [m.kind for m in dense] == ["false_merge"]
    assert found == [replace(m, segments=(7,)) for m in dense]


def test_a_thin_layer_gets_no_point_where_there_is_something_solid():
    table, fragments = overlapping(2, 30)
    (mistake,) = find_mistakes(table, np.array([0, 5, 5]), CUBES)
    assert not mistake.thin, "the second fragment can be parted from the first"
    assert mistake.size_voxels == 10 * 144
    assert [int(fragments[p]) for p in mistake.red] == [2]
    assert [int(fragments[p]) for p in mistake.blue] == [1]


def test_a_contact_with_truth_is_preferred_to_one_without():
    truth = np.array(
        [[[4, 4, 4, 4, 4, 4, 0, 1, 0, 2, 2]] * 4 + [[4, 4, 4, 4, 4, 4, 0, 1, 2, 2, 2]]]
    )
    found = find_mistakes(table_of(np.ones_like(truth), truth), None, GRID, min_voxels=1)
    assert {mistake.truth for mistake in found} == {(1, 2), (2, 1)}
    assert {GRID.to_voxel(mistake.position_nm)[1] for mistake in found} == {4}


def test_a_part_across_unlabelled_voxels_is_cut_from_the_largest_object():
    truth = np.array([[[1, 1, 1, 1, 0, 2, 2]]])
    (mistake,) = find_mistakes(table_of(np.ones_like(truth), truth), None, GRID, min_voxels=1)
    assert mistake.truth == (2, 1)
    assert GRID.to_voxel(mistake.position_nm).tolist() == [0, 0, 5]


def test_a_part_that_touches_nothing_of_its_segment_has_its_own_point():
    fragments = np.array([[[1, 1, 1, 1, 0, 0, 0, 2, 2, 2]]])
    truth = np.where(fragments == 2, 6, 5)
    (mistake,) = find_mistakes(table_of(fragments, truth), np.array([0, 3, 3]), GRID, min_voxels=1)
    assert (mistake.kind, mistake.truth) == ("false_merge", (6, 5))
    assert GRID.to_voxel(mistake.position_nm).tolist() == list(mistake.red[0]) == [0, 0, 8]
    assert fragments[mistake.blue[0]] == 1


def test_segments_apart_are_no_false_split_unless_background_lies_between():
    fragments = np.array([[[1, 1, 0, 0, 2, 2]]])
    truth = np.ones_like(fragments)
    assert find_mistakes(table_of(fragments, truth, 1), None, GRID, min_voxels=1) == []
    (mistake,) = find_mistakes(table_of(fragments, truth, 2), None, GRID, min_voxels=1)
    assert (mistake.red, mistake.blue) == (((0, 0, 1),), ((0, 0, 4),))


def test_small_ones_are_left_out_unless_asked_for():
    fragments = np.repeat([1, 2], [400, MIN_VOXELS - 1])[None, None]
    table = table_of(fragments, np.ones_like(fragments))
    assert find_mistakes(table, None, GRID) == []
    assert len(find_mistakes(table, None, GRID, min_voxels=MIN_VOXELS - 1)) == 1


def test_equal_mistakes_come_in_the_order_of_their_segments():
    fragments = np.repeat(np.arange(1, 9), 3)[None, None]
    truth = np.repeat([1, 2, 3, 4], 6)[None, None]
    found = find_mistakes(table_of(fragments, truth), None, GRID, min_voxels=1)
    assert [mistake.segments for mistake in found] == [(1, 2), (3, 4), (5, 6), (7, 8)]


def test_nothing_is_wrong_with_the_truth_or_without_it():
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 4, (4, 4, 4))
    assert find_mistakes(table_of(truth, truth), None, GRID, min_voxels=1) == []
    assert find_mistakes(table_of(truth, np.zeros_like(truth)), None, GRID, min_voxels=1) == []
    assert find_mistakes(table_of(truth, truth), None, GRID, segments=[]) == []


def test_segments_that_do_not_fit_the_table_are_refused():
    table = table_of(*np.ones((2, 1, 2, 2), np.uint32))
    with pytest.raises(AxonemError, match="fragment 1 has no entry in a table of 1"):
        find_mistakes(table, np.array([0]), GRID)
    with pytest.raises(AxonemError, match="fragment 0 belongs to segment 4"):
        voi_of(table, np.array([4, 1]))


@pytest.fixture(scope="module")
def fly_table(fib25):
    """The supervoxels of the fly block against its truth."""
    with h5py.File(fib25) as file:
        volumes = [as_volume(file[n][:], Grid((10.0, 10.0, 10.0))) for n in ("watershed", "gt")]
    return tabulate(*volumes)


def test_gains_hold_on_the_fly_block(fly_table):
    before = voi_of(fly_table).total
    found = find_mistakes(fly_table, None, Grid((10.0, 10.0, 10.0)))
    splits = [mistake for mistake in found if mistake.kind == "false_split"]
    merges = [mistake for mistake in found if mistake.kind == "false_merge"]
    assert len(splits) > 1000
    assert len(merges) > 100
    for mistake in splits[:: len(splits) // 20]:
        lut = np.arange(fly_table.cells.fragment.max() + 1)
        lut[mistake.segments[1]] = mistake.segments[0]
        after = voi_of(fly_table, lut).total
        assert mistake.gain_voi == pytest.approx(before - after, rel=1e-6, abs=1e-12)


def test_joining_the_worst_split_again_and_again_brings_the_score_down(fly_table):
    grid = Grid((10.0, 10.0, 10.0))
    lut = np.arange(fly_table.cells.fragment.max() + 1)
    score = voi_of(fly_table, lut).total
    for _ in range(10):
        worst = find_mistakes(fly_table, lut, grid, limit=1)[0]
        assert worst.kind == "false_split"
        lut[lut == worst.segments[1]] = worst.segments[0]
        after = voi_of(fly_table, lut).total
        assert score - after == pytest.approx(worst.gain_voi, rel=1e-9)
        score = after
    assert score < 2.35  # from 2.705
