from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_axonem.evaluation.cells import tabulate
from napari_axonem.evaluation.edges import fragment_edges
from tests.evaluation.voxel_oracles import as_volume, contact_faces, labelled


def as_rows(edges):
    return list(zip(edges.u.tolist(), edges.v.tolist(), strict=True))


@given(labelled(), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_edges_equal_those_of_single_faces(volumes, gap, seed):
    fragments, truth = volumes
    affinities = np.random.default_rng(seed).random((3, *fragments.shape), np.float32)
    table = tabulate(as_volume(fragments), as_volume(truth), affinities, gap_voxels=gap)
    edges = fragment_edges(table)
    faces = defaultdict(set)
    touching, across = contact_faces(fragments, truth, gap)
    for (a, b), found in [*touching.items(), *((pair, set()) for pair in across)]:
        if a[0] != b[0]:
            faces[a[0], b[0]] |= found
    assert as_rows(edges) == sorted(faces)
    for row, pair in enumerate(as_rows(edges)):
        assert edges.area[row] == len(faces[pair])
        values = [affinities[(axis, *upper)] for *_, axis, upper in faces[pair]]
        mean = np.mean(values) if values else np.nan
        assert edges.affinity[row] == pytest.approx(mean, abs=1e-5, nan_ok=True)
        assert fragments[tuple(edges.point[row])] == edges.u[row]
        assert fragments[tuple(edges.facing[row])] == edges.v[row]
        if values:
            assert np.abs(edges.point[row] - edges.facing[row]).sum() == 1


def test_the_point_is_that_of_the_largest_contact():
    fragments = np.ones((1, 2, 9), np.uint32)
    fragments[:, 1] = 2
    truth = np.ones_like(fragments)
    truth[:, :, 4:] = 5
    edges = fragment_edges(tabulate(as_volume(fragments), as_volume(truth)))
    assert (edges.area.tolist(), edges.point.tolist()) == ([9], [[0, 0, 6]])
    assert (edges.u.dtype, edges.area.dtype) == (np.uint32, np.int64)
    assert (edges.affinity.dtype, edges.point.dtype) == (np.float32, np.int32)


def test_fragments_that_touch_nothing_have_no_edge():
    edges = fragment_edges(tabulate(as_volume(np.ones((2, 2, 2), np.uint32))))
    assert len(edges) == 0
    assert edges.point.shape == (0, 3)
