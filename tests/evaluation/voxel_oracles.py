"""Slow and plain answers, voxel by voxel, and small random volumes to ask about."""

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes.volume import Volume

GRID = Grid((30.0, 8.0, 8.0), (100.0, 0.0, -50.0))

shapes = hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)
block_shapes = st.permutations([1, 3, 4]).map(tuple) | st.tuples(*[st.integers(2, 7)] * 3)


def as_volume(array, grid=GRID, location="memory"):
    """A volume that holds `array`."""
    return Volume((array,), ((1, 1, 1),), grid, location, "array")


def labels(shape, names, dtype=np.uint32):
    """Arrays of labels out of `names`."""
    return hnp.arrays(dtype, shape, elements=st.sampled_from(names))


@st.composite
def labelled(draw, fragments=(0, 1, 2, 3, 7), truths=(0, 1, 2, 5)):
    """A volume of fragments and one of truth, of equal shapes."""
    shape = draw(shapes)
    return draw(labels(shape, fragments)), draw(labels(shape, truths))


def overlap_counts(segments, truth):
    """Voxels of each pair of labels."""
    return Counter(zip(segments.ravel().tolist(), truth.ravel().tolist(), strict=True))


def voi_by_counting(segments, truth):
    """Split and merge half, from the definition of conditional entropy."""
    pairs = Counter({k: n for k, n in overlap_counts(segments, truth).items() if k[1] != 0})
    in_segment, in_truth = Counter(), Counter()
    for (segment, true), n in pairs.items():
        in_segment[segment] += n
        in_truth[true] += n
    known = sum(pairs.values())
    split = -sum(n / known * math.log2(n / in_truth[true]) for (_, true), n in pairs.items())
    merge = -sum(n / known * math.log2(n / in_segment[s]) for (s, _), n in pairs.items())
    return split, merge


def cell_voxels(fragments, truth, box=None):
    """Voxels of each cell (fragment, truth) inside of `box`."""
    found = defaultdict(list)
    for voxel in itertools.product(*map(range, fragments.shape)):
        if box is None or box.contains(voxel):
            found[int(fragments[voxel]), int(truth[voxel])].append(voxel)
    return dict(found)


def contact_faces(fragments, truth, gap_voxels=0, box=None):
    """Faces between cells, and pairs of voxels across background.

    Both map a pair of cells to a set of (voxel of the lower cell, voxel of the upper cell,
    axis, upper voxel).
    """
    box = box or Box.of_shape(fragments.shape)
    touching, across = defaultdict(set), defaultdict(set)
    for voxel in itertools.product(*map(range, fragments.shape)):
        for axis, steps in itertools.product(range(3), range(1, gap_voxels + 2)):
            path = [tuple(v - i * (a == axis) for a, v in enumerate(voxel)) for i in range(steps)]
            below = tuple(v - steps * (a == axis) for a, v in enumerate(voxel))
            if not (box.contains(voxel) and box.contains(below)):
                continue
            if fragments[voxel] == 0 or fragments[below] == 0:
                continue
            if any(fragments[between] != 0 for between in path[1:]):
                continue
            ends = sorted(((int(fragments[v]), int(truth[v])), v) for v in (voxel, below))
            if ends[0][0] != ends[1][0]:
                kind = touching if steps == 1 else across
                kind[ends[0][0], ends[1][0]].add((ends[0][1], ends[1][1], axis, voxel))
    return dict(touching), {pair: faces for pair, faces in across.items() if pair not in touching}
