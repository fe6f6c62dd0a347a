import h5py
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from skimage.metrics import adapted_rand_error, variation_of_information

from napari_axonem.errors import AxonemError
from napari_axonem.evaluation.overlaps import count_overlaps
from napari_axonem.evaluation.scores import Rand, Voi, adapted_rand, voi, voi_terms
from tests.evaluation.voxel_oracles import labelled, voi_by_counting


@given(labelled())
def test_voi_is_the_conditional_entropy_of_counts(volumes):
    segments, truth = volumes
    assume(truth.any())
    found = voi(count_overlaps(segments, truth))
    assert (found.split, found.merge) == pytest.approx(voi_by_counting(segments, truth), abs=1e-12)
    assert found.total == found.split + found.merge


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(2, 30))
def test_scores_agree_with_scikit_image(seed, n_segments, n_truths):
    rng = np.random.default_rng(seed)
    segments = rng.integers(0, n_segments, (5, 6, 7))
    truth = rng.integers(0, n_truths, (5, 6, 7))
    table = count_overlaps(segments, truth)
    split, merge = variation_of_information(truth, segments, ignore_labels=[0])
    found = voi(table)
    assert (found.split, found.merge) == pytest.approx((split, merge))
    # scikit-image calls precision what its text calls recall
    error, recall, precision = adapted_rand_error(truth, segments, ignore_labels=[0])
    rand = adapted_rand(table)
    assert rand.adapted_error == pytest.approx(error)
    assert (rand.precision, rand.recall) == pytest.approx((precision, recall))


@given(labelled())
def test_terms_of_objects_sum_to_the_scores(volumes):
    segments, truth = volumes
    assume(truth.any())
    table = count_overlaps(segments, truth)
    terms = voi_terms(table)
    assert terms.truth.tolist() == sorted(set(truth.ravel().tolist()) - {0})
    assert terms.segment.tolist() == sorted(set(segments[truth != 0].tolist()))
    assert terms.split.sum() == pytest.approx(voi(table).split)
    assert terms.merge.sum() == pytest.approx(voi(table).merge)


@given(labelled())
def test_an_object_in_one_piece_adds_nothing_and_others_do(volumes):
    segments, truth = volumes
    assume(truth.any())
    terms = voi_terms(count_overlaps(segments, truth))
    pieces = [len(set(segments[truth == t].tolist())) for t in terms.truth]
    objects = [len(set(truth[segments == s].tolist()) - {0}) for s in terms.segment]
    assert (terms.split > 0).tolist() == [n > 1 for n in pieces]
    assert (terms.merge > 0).tolist() == [n > 1 for n in objects]


def test_halving_one_of_two_equal_objects_costs_half_a_bit():
    truth = np.repeat([1, 2], 8)
    table = count_overlaps(np.repeat([1, 2, 3], [8, 4, 4]), truth)
    assert voi(table) == Voi(split=0.5, merge=0.0)
    assert voi(count_overlaps(truth, truth)) == Voi(0.0, 0.0)
    assert voi(count_overlaps(np.ones(16, int), truth)) == Voi(split=0.0, merge=1.0)


def test_precision_falls_with_merges_and_recall_with_splits():
    truth = np.repeat([1, 2], 8)
    merged = adapted_rand(count_overlaps(np.ones(16, int), truth))
    assert merged.recall == 1
    assert merged.precision == pytest.approx(2 * 8 * 7 / (16 * 15))
    split = adapted_rand(count_overlaps(np.arange(16) // 4, truth))
    assert split.precision == 1
    assert split.recall == pytest.approx(3 / 7)


def test_objects_of_one_voxel_have_no_pairs_to_get_wrong():
    one_each = count_overlaps([1, 2, 3], [1, 2, 3])
    assert adapted_rand(one_each) == Rand(adapted_error=0.0, precision=1.0, recall=1.0)
    assert adapted_rand(count_overlaps([1, 1], [1, 2])) == Rand(1.0, 0.0, 1.0)


def test_sums_of_squares_beyond_64_bits_are_no_trouble():
    table = count_overlaps([1, 2], [1, 1])
    table.voxels[:] = 2**34
    assert adapted_rand(table).recall == pytest.approx(0.5)
    assert voi(table).split == pytest.approx(1)


def test_without_truth_there_is_no_score():
    for table in (count_overlaps([1, 2], [0, 0]), count_overlaps([], np.zeros(0, int))):
        for score in (voi, voi_terms, adapted_rand):
            with pytest.raises(AxonemError, match="no voxel has a truth"):
                score(table)


@pytest.mark.parametrize(
    ("name", "split", "merge"), [("watershed", 2.376, 0.330), ("ffn", 0.899, 0.918)]
)
def test_known_scores_of_the_fly_block(fib25, name, split, merge):
    with h5py.File(fib25) as file:
        found = voi(count_overlaps(file[name][:], file["gt"][:]))
    assert (round(found.split, 3), round(found.merge, 3)) == (split, merge)
