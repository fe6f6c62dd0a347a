"""A threshold means one thing: in validation, on a model's card, and for `segment`."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("waterz")

from napari_axonem.agglomeration import merge_scores
from napari_axonem.training.validation import segmentations


def test_both_agglomerations_join_from_the_same_mean_affinity_on():
    """Two cubes with one face in common, of mean affinity 0.3."""
    affinities = np.full((3, 8, 8, 16), 0.95, np.float32)
    affinities[2, :, :, 8] = 0.3
    tree = merge_scores([1], [2], [64], [0.3], 2)
    for threshold, segments in segmentations(affinities, [0.25, 0.35]):
        together = segments[4, 4, 4] == segments[4, 4, 12]
        assert together == (threshold < 0.3)
        assert together == (len(np.unique(tree.segments_at(threshold)[1:])) == 1)
