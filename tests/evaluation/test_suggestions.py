"""Likely errors, found without truth, in tissue of straight tubes."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from napari_axonem.errors import MismatchError
from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.edges import fragment_edges
from napari_axonem.evaluation.suggestions import Agglomeration, segments_of, suggest
from napari_axonem.evaluation.suggestions.contrast import STEP, ZERO, Contrast, dips, grey_levels
from napari_axonem.evaluation.suggestions.shapes import meeting
from napari_axonem.evaluation.suggestions.weak import scores_below
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes.volume import Volume
from tests.evaluation.voxel_oracles import as_volume

GRID = Grid((8.0, 8.0, 8.0))
SHAPE = (16, 64, 64)
BORDERS = (16, 32, 48)


def tubes():
    """Four tubes along x, one beside the other along y, with dark membranes between; ids 1 to 4."""
    truth = np.ones(SHAPE, np.uint32)
    image = np.random.default_rng(0).normal(160, 6, SHAPE)
    for border in BORDERS:
        truth[:, border:] += 1
        image[:, border - 1 : border + 1] -= 90
    return truth, np.clip(image, 0, 255).astype(np.uint8)


def volumes(segments, image):
    return as_volume(segments, GRID), as_volume(image, GRID)


@pytest.fixture(scope="module")
def split_and_merged():
    """Tube 1 in two segments, 1 and 5, tubes 3 and 4 in one."""
    segments, image = tubes()
    segments[:, :16, 32:] = 5
    segments[segments == 4] = 3
    return segments, image


@pytest.fixture(scope="module")
def suggested(split_and_merged):
    return suggest(*volumes(*split_and_merged))


def test_the_likeliest_join_is_the_one_without_a_membrane(suggested):
    first, *others = [s for s in suggested if s.kind == "false_split"]
    assert first.segments == (1, 5)
    assert first.score > 0.7 > 0.3 > max(s.score for s in others)
    assert "in line" in first.reason
    assert "no membrane" in first.reason
    assert all("a membrane" in s.reason for s in others)


def test_a_join_says_where_to_click(suggested, split_and_merged):
    segments, _ = split_and_merged
    for found in suggested:
        if found.kind == "false_split":
            assert (segments[found.red[0]], segments[found.blue[0]]) == found.segments
            assert np.abs(np.subtract(found.red[0], found.blue[0])).sum() == 1
            assert found.position_nm == tuple(GRID.to_nm(found.red[0]))
            assert found.box.contains(found.red[0])
            assert found.box.contains(found.blue[0])


def test_the_merged_tubes_are_suggested_and_no_others(suggested):
    truth, _ = tubes()
    (merge,) = (s for s in suggested if s.kind == "false_merge")
    assert merge.segments == (3,)
    assert {truth[merge.red[0]], truth[merge.blue[0]]} == {3, 4}
    assert merge.position_nm[1] == pytest.approx(48 * 8, abs=8)
    assert "side by side" in merge.reason


def test_the_list_is_ordered_and_always_the_same(suggested, split_and_merged):
    scores = [s.score for s in suggested]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert suggest(*volumes(*split_and_merged)) == suggested
    in_blocks = suggest(*volumes(*split_and_merged), block_shape=(10, 30, 17))
    # the point of a contact depends on blocks, and what is seen around it with it
    assert {(s.kind, s.segments) for s in in_blocks} == {(s.kind, s.segments) for s in suggested}
    likely = [[s.segments for s in found if s.score > 0.1] for found in (in_blocks, suggested)]
    assert likely[0] == likely[1] != []
    assert [s.score for s in in_blocks if s.kind == "false_merge"] == [
        pytest.approx(s.score) for s in suggested if s.kind == "false_merge"
    ]


def test_limit_and_least_size(split_and_merged):
    segments, image = split_and_merged
    few = suggest(*volumes(segments, image), limit=1)
    assert [s.segments for s in few if s.kind == "false_split"] == [(1, 5)]
    large = suggest(*volumes(segments, image), min_voxels=int((segments == 1).sum()) + 1)
    assert (1, 5) not in [s.segments for s in large]


def test_without_an_image_shape_alone_decides(split_and_merged):
    segments, _ = split_and_merged
    found = suggest(as_volume(segments, GRID))
    assert {s.kind for s in found} == {"false_split"}
    assert found[0].segments == (1, 5)
    assert "membrane" not in found[0].reason


def test_affinities_say_more_of_a_contact(suggested, split_and_merged):
    segments, image = split_and_merged
    affinities = np.full((3, *SHAPE), 255, np.uint8)
    affinities[2, :, :16, 32] = 25  # between 1 and 5, where the image shows no membrane
    believed = suggest(*volumes(segments, image), affinities)

    def of(found):
        return next(s for s in found if s.segments == (1, 5))

    assert of(believed).score < of(suggested).score
    assert "mean affinity 0.10" in of(believed).reason
    assert "affinity" not in of(suggested).reason
    with pytest.raises(MismatchError, match="affinities"):
        suggest(*volumes(segments, image), affinities[:, 1:])


def test_a_join_says_what_ends_there(suggested):
    reasons = {s.segments: s.reason for s in suggested if s.kind == "false_split"}
    assert "both end here" in reasons[1, 5]
    assert "end" not in reasons[2, 3]


def test_a_second_place_in_a_segment_comes_later(split_and_merged):
    segments, image = (array.copy() for array in split_and_merged)
    segments[segments == 2] = 3  # three tubes in one
    found = [s for s in suggest(*volumes(segments, image)) if s.kind == "false_merge"]
    assert [s.segments for s in found] == [(3,), (3,)]
    apart = abs(found[0].position_nm[1] - found[1].position_nm[1])
    assert apart == pytest.approx(16 * 8, abs=16)
    odds = [np.log(s.score / (1 - s.score)) for s in found]
    assert odds[0] - odds[1] >= np.log(2) - 1e-9


def chain(score):
    """Six fragments of 1000 voxels in a row, joined to one segment with these scores."""
    fragments = np.repeat(np.arange(1, 7, dtype=np.uint32), 10)[None, None] * np.ones(
        (10, 10, 1), np.uint32
    )
    edges = fragment_edges(tabulate(as_volume(fragments, GRID), gap_voxels=0))
    score = np.array(score, np.float32)
    joined = np.array([0, 1, 1, 1, 1, 1, 1], np.uint32)
    voxels = np.bincount(fragments.ravel())
    inside = np.array([[5, 5, 10 * n - 5] for n in range(7)], np.int32)
    return fragments, Agglomeration(edges, np.ones(5, bool), score, voxels, inside, joined)


def test_weak_joins_are_weighed_by_the_piece_that_hangs_on_them():
    fragments, joined = chain([0.51, 0.9, 0.5, 0.9, 0.9])
    segments = segments_of(as_volume(fragments, GRID), joined.segment)
    found = suggest(segments, agglomeration=joined)
    assert {s.segments for s in found} == {(1,)}
    # 1 | 2 3 | 4 5 6: the weakest join has three fragments on either side
    assert [s.size_voxels for s in found[:2]] == [3000, 1000]
    assert {found[0].red[0][2], found[0].blue[0][2]} == {5, 35}  # in the first fragment of both
    assert found[0].position_nm[2] == 29.5 * 8
    assert "0.50, 0.00 above the lowest" in found[0].reason
    assert suggest(segments, agglomeration=joined, min_voxels=1001)[0].size_voxels == 3000
    assert len(suggest(segments, agglomeration=joined, limit=1)) == 1


def test_what_somebody_joined_is_not_suggested():
    fragments, joined = chain([np.nan, np.nan, 0.5, np.nan, np.nan])
    found = suggest(segments_of(as_volume(fragments, GRID), joined.segment), agglomeration=joined)
    assert [(s.position_nm[2], s.size_voxels) for s in found] == [(29.5 * 8, 3000)]
    _, decided = chain([np.nan] * 5)
    whole = segments_of(as_volume(fragments, GRID), decided.segment)
    assert suggest(whole, agglomeration=decided) == []


def nearly_joined(scores):
    """The same chain, of which the joins with a score below 0.5 were not made."""
    fragments, joined = chain(scores)
    on = ~(joined.score < 0.5)
    segment = np.append(0, 1 + np.append(0, np.cumsum(~on))).astype(np.uint32)
    return fragments, replace(joined, on=on, segment=segment)


def test_a_join_that_was_nearly_made_comes_before_others():
    fragments, joined = nearly_joined([0.9, 0.2, 0.6, 0.48, 0.9])
    segments = segments_of(as_volume(fragments, GRID), joined.segment)
    plain = {s.segments: s for s in suggest(segments)}
    both = suggest(segments, agglomeration=joined)
    found = {s.segments: s for s in both if s.kind == "false_split"}
    assert set(found) == set(plain) == {(1, 2), (2, 3)}
    odds = {pair: np.log(s.score / (1 - s.score)) for pair, s in found.items()}
    before = {pair: np.log(s.score / (1 - s.score)) for pair, s in plain.items()}
    # 0.4 below the lowest that joined, 0.12 below; both join 2000 voxels
    assert odds[1, 2] - before[1, 2] == pytest.approx(10 * -0.4 + 0.25 * np.log(2), abs=1e-5)
    assert odds[2, 3] - before[2, 3] == pytest.approx(10 * -0.12 + 0.25 * np.log(2), abs=1e-5)
    assert "a score 0.12 below the lowest that joined" in found[2, 3].reason
    assert "lowest" not in plain[2, 3].reason


def test_what_somebody_parted_is_no_join_that_was_nearly_made():
    fragments, joined = nearly_joined([0.9, 0.2, 0.6, 0.48, 0.9])
    score = joined.score.copy()
    score[3] = np.nan
    segments = segments_of(as_volume(fragments, GRID), joined.segment)
    contacts = fragment_edges(tabulate(segments, gap_voxels=0))
    below = scores_below(replace(joined, score=score), contacts)
    np.testing.assert_allclose(below, [-0.4, np.nan], atol=1e-6)


def test_one_segment_has_nothing_to_suggest():
    _, image = tubes()
    assert suggest(*volumes(np.ones(SHAPE, np.uint32), np.full_like(image, 9))) == []
    assert suggest(*volumes(np.zeros(SHAPE, np.uint32), image)) == []


def test_an_image_of_another_shape_is_refused(split_and_merged):
    segments, image = split_and_merged
    with pytest.raises(MismatchError, match="shapes"):
        suggest(*volumes(segments, image[:-1]))


def test_contrast_does_not_depend_on_the_box_and_sees_only_membranes():
    _, image = tubes()
    contrast = Contrast(as_volume(image, GRID), float(image.std()))
    whole = contrast[(1, *Box.of_shape(SHAPE).slices)]
    part = Box((5, 13, 7), (12, 40, 30))
    np.testing.assert_array_equal(contrast[(1, *part.slices)], whole[part.slices])
    dip = (whole.astype(float) - ZERO) / STEP
    assert dip[:, BORDERS].min() > 1
    assert abs(dip[:, 8].mean()) < 0.3
    mean = np.asarray([(ZERO + 2 * STEP) / 255], np.float32)
    assert dips(mean)[0] == pytest.approx(2, abs=1e-5)


def test_grey_levels_are_those_of_all_voxels():
    truth, image = tubes()
    levels = grey_levels(as_volume(image, GRID), as_volume(truth, GRID), (7, 64, 20))
    assert levels.spread == pytest.approx(image.std())
    assert levels.mean[1:] == pytest.approx([image[truth == t].mean() for t in range(1, 5)])


def test_meetings_end_to_end_and_side_by_side():
    segments = np.zeros((40, 40, 60), np.uint32)
    segments[14:20, 15:21, :30] = 1
    segments[14:20, 15:21, 30:] = 2
    segments[14:20, 21:33, :] = 3
    labels = Volume((segments,), ((1, 1, 1),), Grid((10.0, 10.0, 10.0)), "memory", "array")
    on = meeting(labels, (1, 2), np.array([[17, 18, 29], [17, 18, 30]], np.int32))
    beside = meeting(labels, (1, 3), np.array([[17, 20, 10], [17, 21, 10]], np.int32))
    assert on.in_line == pytest.approx(1, abs=0.02)
    assert on.calibre_ratio == pytest.approx(0, abs=0.05)
    assert beside.in_line < 0.6
    assert beside.parallel > 0.95
    assert beside.calibre_ratio > 0.2
    assert min(on.ends) > 0.9
    assert on.across < 80 < 130 < beside.across
    assert beside.ends == pytest.approx((0.5, 0.65), abs=0.05)
    assert meeting(labels, (1, 9), np.array([[17, 18, 29], [17, 18, 30]], np.int32)) is None


def test_segments_are_fragments_through_a_table(split_and_merged):
    fragments = as_volume(split_and_merged[0], GRID)
    table = np.array([0, 4, 4, 2, 0, 4], np.uint32)
    box = Box((3, 4, 5), (9, 40, 48))
    seen = segments_of(replace(fragments), table)
    np.testing.assert_array_equal(seen.read(box), table[fragments.read(box)])


def test_supervoxels_of_real_tissue(fib25):
    with h5py.File(fib25) as file:
        corner = np.s_[160:, :200, :200]  # on z < 160 weights were chosen
        image, truth, fragments = (file[name][corner] for name in ("raw", "gt", "watershed"))
    grid = Grid((10.0, 10.0, 10.0))
    found = suggest(as_volume(fragments, grid), as_volume(image, grid))
    pairs = [s.segments for s in found if s.kind == "false_split"][:50]
    assert len(pairs) == 50
    main = [np.bincount(truth[fragments == s]).argmax() for pair in pairs for s in pair]
    assert np.mean(np.equal(main[::2], main[1::2])) >= 0.8
