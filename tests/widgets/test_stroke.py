"""A stroke before it is written: what it covers, at every scale, and the brush."""

import numpy as np
import pytest

from napari_axonem.geometry import Box, Grid
from napari_axonem.proofreading.plans.painting import Brush
from napari_axonem.widgets.picture.stroke import Stroke
from napari_axonem.widgets.session.tools.brushing import LEAST_NM, MOST_NM, Handle

GRID = Grid((30.0, 8.0, 8.0))
WHOLE = Box.of_shape((12, 60, 80))
PLACES = ((195.0, 100.0, 100.0), (195.0, 120.0, 130.0), (100.0, 300.0, 400.0))
RADIUS_NM = 45.0


def stroke(touched: np.ndarray) -> Stroke:
    """Return the stroke over all places, drawn one after the other."""
    drawn = Stroke((), touched, 1)
    for place in PLACES:
        drawn = drawn.grown([Brush((place,), RADIUS_NM).voxels(GRID, WHOLE)])
    return drawn


@pytest.fixture
def fragments() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 5, WHOLE.shape).astype(np.uint32)


def test_what_is_shown_is_what_the_brush_will_cover(fragments: np.ndarray) -> None:
    touched = np.array([True, False, True, False, False])
    box, mask = Brush(PLACES, RADIUS_NM).voxels(GRID, WHOLE)
    expected = np.zeros(WHOLE.shape, bool)
    expected[box.slices] = mask
    expected &= touched[fragments]
    shown = stroke(touched)
    np.testing.assert_array_equal(shown.changed(fragments, WHOLE, (1, 1, 1)), expected)
    part = Box((2, 5, 7), (9, 40, 60))
    seen = shown.changed(fragments[part.slices], part, (1, 1, 1))
    np.testing.assert_array_equal(seen, expected[part.slices])


def test_a_coarse_voxel_takes_the_one_at_its_middle(fragments: np.ndarray) -> None:
    touched = np.ones(5, bool)
    fine = stroke(touched).changed(fragments, WHOLE, (1, 1, 1))
    coarse = Box.of_shape((12, 30, 40))
    shown = stroke(touched).changed(fragments[:, 1::2, 1::2], coarse, (1, 2, 2))
    np.testing.assert_array_equal(shown, fine[:, 1::2, 1::2])


def test_fragments_made_since_are_left_out(fragments: np.ndarray) -> None:
    shown = stroke(np.ones(3, bool)).changed(fragments, WHOLE, (1, 1, 1))
    assert shown[fragments < 3].any()
    assert not shown[fragments >= 3].any()


def test_the_brush_keeps_within_bounds() -> None:
    handle = Handle()
    for steps, bound in ((-1, LEAST_NM), (1, MOST_NM)):
        before = handle.radius_nm
        for _ in range(60):
            handle.step(steps)
        assert handle.radius_nm == bound != before
