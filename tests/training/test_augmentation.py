"""Variation: labels go the way of the image, and thick sections stay sections."""

import numpy as np
import pytest

from napari_axonem.training.augmentation import (
    NONE,
    AugmentationSettings,
    add_defects,
    draw_warp,
    vary_grey,
)
from tests.training.fields import FLAT, ISOTROPIC

MUCH = AugmentationSettings(rotation=1, elastic=1, shifted=0.5, missing=0.3, blurred=0.3)
RIGID = NONE.model_copy(update={"flips": True, "transposes": True})


def warped(settings, shape, voxel_size, seed, field):
    """Warp `field(z, y, x)` as an image and as labels."""
    warp = draw_warp(settings, shape, voxel_size, np.random.default_rng(seed))
    box = warp.box((40, 40, 40))
    places = np.meshgrid(
        *(np.arange(a, b) for a, b in zip(box.start, box.stop, strict=True)), indexing="ij"
    )
    voxels = field(*places)
    return warp, warp.image(voxels.astype(np.float32), (40, 40, 40)), warp.labels(voxels, (40,) * 3)


@pytest.mark.parametrize("voxel_size", [ISOTROPIC, FLAT])
@pytest.mark.parametrize("seed", range(4))
def test_rigid_moves_are_exact_and_the_same_for_labels(voxel_size, seed):
    def field(z, y, x):
        return z * 10_000 + y * 100 + x

    _, image, labels = warped(RIGID, (4, 6, 8), voxel_size, seed, field)
    assert image.shape == (4, 6, 8)
    assert np.array_equal(image, labels)
    assert len(np.unique(labels)) == labels.size


@pytest.mark.parametrize("seed", range(6))
def test_thick_sections_keep_their_axis(seed):
    warp, _, labels = warped(MUCH, (5, 12, 12), FLAT, seed, lambda z, y, x: z + 0 * y + 0 * x)
    assert warp.order[0] == 0
    assert all(len(np.unique(section)) == 1 for section in labels)


@pytest.mark.parametrize("seed", range(4))
def test_bent_image_and_labels_stay_together(seed):
    def field(z, y, x):
        return (np.asarray(x) // 8 % 2).astype(np.uint8)

    _, image, labels = warped(MUCH, (8, 40, 40), ISOTROPIC, seed, field)
    agree = (image > 0.5) == (labels > 0)
    assert agree.mean() > 0.97  # the rest lies on faces, where one interpolates and one does not


def test_all_orders_of_axes_are_drawn_where_voxels_are_cubes():
    rng = np.random.default_rng(0)
    cubes = {draw_warp(RIGID, (4, 4, 4), ISOTROPIC, rng).order for _ in range(80)}
    flat = {draw_warp(RIGID, (4, 4, 4), FLAT, rng).order for _ in range(40)}
    assert len(cubes) == 6
    assert flat == {(0, 1, 2), (0, 2, 1)}


def test_missing_sections_never_follow_each_other():
    image = np.full((40, 16, 16), 0.5, np.float32)
    many = NONE.model_copy(update={"missing": 0.9})
    out = add_defects(image, many, True, np.random.default_rng(2))
    gone = (out == 0).any(axis=(1, 2))
    assert gone.sum() >= 10
    assert not (gone[1:] & gone[:-1]).any()
    assert (image == 0.5).all()


def test_grey_levels_vary_and_none_leaves_them():
    image = np.linspace(0, 1, 4 * 8 * 8, dtype=np.float32).reshape(4, 8, 8)
    assert np.allclose(vary_grey(image, NONE, True, np.random.default_rng(1)), image)
    once = vary_grey(image, MUCH, True, np.random.default_rng(1))
    again = vary_grey(image, MUCH, True, np.random.default_rng(1))
    assert once.dtype == np.float32
    assert np.array_equal(once, again)
    assert not np.allclose(once, image)
