"""Where layers lie, what is brought into view, and what colours there are."""

import colorsys
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image
from napari.utils.colormaps.standardize_color import transform_color

from napari_axonem.geometry import Box, Grid
from napari_axonem.proofreading.record.operation import Colour, Point
from napari_axonem.volumes import Volume
from napari_axonem.widgets.parts import colours, wording
from napari_axonem.widgets.picture.framing import LEAST_VOXELS, STEP, look_at
from napari_axonem.widgets.picture.marks import Marks
from napari_axonem.widgets.picture.planes import Planes
from napari_axonem.widgets.picture.sight import Sight
from napari_axonem.widgets.picture.volume_layers import contrast, image_layer, placed

GRID = Grid((30.0, 8.0, 8.0), (1000.0, 200.0, 300.0))

WHOLE = Box((0, 0, 0), (50, 400, 600))


@settings(deadline=None)  # the first layer of all loads napari's table of units
@given(st.tuples(st.integers(0, 49), st.integers(0, 399), st.integers(0, 599)))
def test_a_layer_lies_where_its_voxels_are(voxel) -> None:
    layer = Image(np.zeros((2, 2, 2)), **placed(GRID))
    np.testing.assert_allclose(layer.data_to_world(voxel), GRID.to_nm(voxel))


@settings(deadline=None)
@given(
    st.tuples(st.integers(0, 49), st.integers(0, 399), st.integers(0, 599)),
    st.integers(1, 700),
    st.permutations((0, 1, 2)),
)
def test_what_is_looked_at_is_in_view(voxel, reach, order) -> None:
    viewer = ViewerModel()
    viewer.add_layer(Image(np.zeros(WHOLE.shape, np.uint8), **placed(GRID)))
    viewer.canvas.size = (500, 900)
    viewer.dims.order = order
    position = tuple(float(v) for v in GRID.to_nm(voxel))
    box = Box(voxel, voxel).grow(reach).intersect(WHOLE)
    look_at(viewer, position, GRID, box, WHOLE)
    hidden, *shown = order
    assert viewer.dims.point[hidden] == pytest.approx(position[hidden])
    camera = viewer.scene.camera
    for axis, centre, pixels in zip(shown, camera.center[-2:], (500, 900), strict=True):
        extent = pixels / camera.zoom
        assert abs(position[axis] - centre) <= extent / 4 + 1e-6, "in the inner half of the view"
        assert extent >= LEAST_VOXELS * GRID.voxel_size[axis] * 0.999
    whole = min(
        pixels / (WHOLE.shape[axis] * GRID.voxel_size[axis])
        for axis, pixels in zip(shown, (500, 900), strict=True)
    )
    steps = math.log(camera.zoom / whole, STEP)
    assert steps == pytest.approx(round(steps), abs=1e-6), "zooms that are often the same"


def test_contrast_is_taken_from_the_middle() -> None:
    array = np.zeros((20, 600, 600), np.uint16)
    array[6:14, 44:556, 44:556] = np.random.default_rng(0).integers(1000, 2000, (8, 512, 512))
    image = Volume((array,), ((1, 1, 1),), GRID, "memory", "array")
    low, high = contrast(Planes(image), 0)
    assert 1000 <= low < 1010
    assert 1990 < high <= 2000
    flat = Volume((array[:2],), ((1, 1, 1),), GRID, "", "")
    assert contrast(Planes(flat), 0) == (0, 1), "flat is no error"
    assert image_layer(image, "a").contrast_limits == [low, high]


def test_objects_do_not_have_the_colours_of_errors() -> None:
    objects = colours.object_colormap(0).colors[1:, :3]
    for meaning in (colours.FALSE_SPLIT, colours.FALSE_MERGE):
        rgb = np.array([int(meaning[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        hue = _hue(rgb)
        away = np.abs(np.array([_hue(c) for c in objects]) - hue)
        assert np.minimum(away, 1 - away).min() > 0.02
    assert len(np.unique(objects.round(4), axis=0)) > 0.95 * len(objects)
    assert not np.array_equal(objects, colours.object_colormap(1).colors[1:, :3])


def _hue(rgb) -> float:
    return colorsys.rgb_to_hsv(*(float(c) for c in rgb))[0]


def test_a_place_that_means_something_else_has_another_colour() -> None:
    marks = Marks(ViewerModel())
    for colour in (Colour.RED, Colour.BLUE):
        marks.set_seeds([Point((1015.0, 204.0, 304.0), colour)], GRID)
        assert marks.seeds.visible
        expected = transform_color(colours.OF_SIDE[colour])
        np.testing.assert_allclose(marks.seeds.face_color, expected)
    marks.set_seeds([], GRID)
    assert not marks.seeds.visible, "an empty layer takes time to draw as well"


def test_without_a_project_there_is_nothing_to_show() -> None:
    sight = Sight(ViewerModel())
    sight.draw([1])
    sight.mark([], -1)
    sight.seed([])
    sight.swap_truth()
    sight.toggle_errors()
    sight.change_opacity(1)
    sight.shuffle_colours()
    sight.look_at_place((0.0, 0.0, 0.0))
    for _ in sight.closing():
        pass
    assert sight.all_layers == ()
    assert not sight.shows_truth


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0221, "\N{MINUS SIGN}0.0221"), (1.5, "+1.500"), (0.00001, "0")],
)
def test_changes_have_a_sign(value: float, text: str) -> None:
    assert wording.change(value) == text


@pytest.mark.parametrize(
    ("voxels", "text"),
    [(9_999, "9,999"), (40_317, "40 k"), (1_250_000, "1.2 M"), (3_000_000_000, "3.0 G")],
)
def test_sizes_are_short(voxels: int, text: str) -> None:
    assert wording.size(voxels) == text


def test_words_agree_with_numbers() -> None:
    assert wording.count(1, "error") == "1 error"
    assert wording.count(1204, "error") == "1,204 errors"
    assert wording.names([1, 2, 3, 4]) == "1 + 2 + 3 \N{HORIZONTAL ELLIPSIS}"
    assert wording.milli(0.0000123) == "0.01"
    assert wording.bits(-0.5) == "\N{MINUS SIGN}0.500"
