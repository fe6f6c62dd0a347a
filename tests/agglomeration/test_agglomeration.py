"""The merge tree against a plain loop, and its segments at any threshold."""

import numpy as np
import pytest

from napari_axonem.agglomeration import linkage, merge_scores


def graph(seed, fragments, edges):
    rng = np.random.default_rng(seed)
    pairs = np.sort(rng.integers(1, fragments + 1, (edges, 2)), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    area = rng.integers(1, 40, len(pairs))
    return pairs[:, 0], pairs[:, 1], area, rng.random(len(pairs))


def plainly(u, v, area, affinity, fragments, threshold):
    """Join the best pair of segments, one after the other; return the segment of each fragment."""
    segment = np.arange(fragments + 1)
    while True:
        total, faces = {}, {}
        for a, b, n, x in zip(segment[u], segment[v], area, affinity, strict=True):
            if a != b:
                pair = (min(a, b), max(a, b))
                total[pair] = total.get(pair, 0) + n * x
                faces[pair] = faces.get(pair, 0) + n
        score, pair = max(((total[p] / faces[p], p) for p in total), default=(0, None))
        if pair is None or score < threshold:
            return segment
        segment[segment == pair[1]] = pair[0]


def same_partition(a, b):
    pairs = np.unique(np.stack([a, b]), axis=1).shape[1]
    return pairs == len(np.unique(a)) == len(np.unique(b))


@pytest.mark.parametrize("worth", [0.0, 0.003, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_tree_is_that_of_one_merge_after_another(monkeypatch, worth, seed):
    """In rounds, in both ways, and by the queue alone."""
    monkeypatch.setattr(linkage, "WORTH", worth)
    u, v, area, affinity = graph(seed, 50, 130)
    tree = merge_scores(u, v, area, affinity, 50)
    for threshold in (0.9, 0.7, 0.5, 0.35, 0.1):
        wanted = plainly(u, v, area, affinity, 50, threshold)
        found = tree.segments_at(threshold)
        assert same_partition(found, wanted)
        inside = tree.edge_score >= threshold
        assert np.array_equal(inside, wanted[u] == wanted[v])


def test_segments_are_named_by_their_lowest_fragment():
    tree = merge_scores([4, 2], [5, 4], [3, 3], [0.8, 0.6], 6)
    np.testing.assert_array_equal(tree.segments_at(0.7), [0, 1, 2, 3, 4, 4, 6])
    np.testing.assert_array_equal(tree.segments_at(0.5), [0, 1, 2, 3, 2, 2, 6])
    np.testing.assert_array_equal(tree.segments_at(1.0), np.arange(7))


def test_edges_without_area_or_affinity_join_nothing():
    tree = merge_scores([1, 2, 3], [2, 3, 4], [0, 5, 5], [0.9, np.nan, 0.9], 4)
    assert tree.edge_score.tolist() == pytest.approx([-1, -1, 0.9], abs=1e-6)
    np.testing.assert_array_equal(tree.segments_at(0), [0, 1, 2, 3, 3])


def test_no_edges():
    tree = merge_scores([], [], [], [], 3)
    assert len(tree) == 0
    np.testing.assert_array_equal(tree.segments_at(0.1), [0, 1, 2, 3])


def test_one_segment_that_gathers_thousands():
    """A large segment gathers its neighbours one by one: left to the queue, not to rounds."""
    n = 20_000
    affinity = np.linspace(0.9, 0.2, n)
    tree = merge_scores(np.ones(n), np.arange(2, n + 2), np.ones(n), affinity, n + 1)
    assert len(tree) == n
    assert (np.diff(tree.score) <= 0).all()
    assert (tree.segments_at(0.55)[1:] == 1).sum() == (affinity >= 0.55).sum() + 1
