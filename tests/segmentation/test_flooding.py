"""Flooding one block: many objects at once give what one after the other gives."""

import itertools

import numpy as np
import pytest

pytest.importorskip("torch")

from napari_axonem.geometry import Box
from napari_axonem.segmentation.flooding.checkpoint import restore_checkpoint, save_checkpoint
from napari_axonem.segmentation.flooding.mask import GrowingMask
from napari_axonem.segmentation.flooding.moves import face_maxima
from napari_axonem.segmentation.flooding.seeds import seeds_from_affinities, seeds_from_image
from napari_axonem.segmentation.flooding.settings import FloodSettings
from napari_axonem.segmentation.flooding.subvolume import SubvolumeFlood
from tests.segmentation.flooding_cases import (
    all_seeds,
    blobs,
    connected,
    drifting,
    fading,
    flooded_plainly,
    moves_plainly,
    rules,
    tubes,
)

LOOKS = [connected, fading, drifting]


def flooded(image, seeds, rules, look, at_once):
    flood = SubvolumeFlood(image, seeds, rules, look, at_once)
    while flood.advance():
        pass
    return flood


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_any_number_at_once_gives_what_one_after_the_other_gives(seed, look, freeze):
    image, how = blobs(seed), rules(freeze=freeze)
    seeds = all_seeds(image, how, every=17)
    wanted = flooded_plainly(image, seeds, how, look)
    assert wanted.max() >= 2
    wasted = 0
    for at_once in (1, 4, 16):
        flood = flooded(image, seeds, how, look, at_once)
        assert np.array_equal(flood.labels, wanted)
        assert (flood.count.wasted == 0) or at_once > 1
        wasted += flood.count.wasted
    if look is connected:
        assert wasted > 0, "no object was ever thrown away: the case is too easy"


def test_many_fields_of_view_are_computed_together():
    image, how = blobs(2), rules()
    sizes = []

    def look(images, masks):
        sizes.append(len(images))
        return connected(images, masks)

    flooded(image, all_seeds(image, how), how, look, at_once=8)
    assert max(sizes) == 8
    assert len(sizes) < sum(sizes) / 2


@pytest.mark.parametrize("after", [1, 7, 25])
@pytest.mark.parametrize("look", [connected, drifting])
def test_a_checkpoint_goes_on_to_the_same_labels(tmp_path, look, after):
    image, how = blobs(1), rules()
    seeds = all_seeds(image, how, every=9)
    wanted = flooded(image, seeds, how, look, 4)
    first = SubvolumeFlood(image, seeds, how, look, 4)
    for _ in range(after):
        assert first.advance()
    save_checkpoint(tmp_path / "c.npz", first, "this")
    second = SubvolumeFlood(image, seeds, how, look, 4)
    assert not restore_checkpoint(tmp_path / "c.npz", second, "something else")
    assert restore_checkpoint(tmp_path / "c.npz", second, "this")
    assert second.turn == first.turn
    resumed = 0
    while second.advance():
        resumed += 1
    assert np.array_equal(second.labels, wanted.labels)
    assert second.count.objects == wanted.count.objects
    # the object whose turn it was is not begun anew
    assert second.turn == len(seeds)
    assert second.count.fields >= first.count.fields


def test_a_torn_checkpoint_is_passed_over(tmp_path):
    image, how = blobs(1), rules()
    flood = SubvolumeFlood(image, all_seeds(image, how), how, connected)
    path = tmp_path / "c.npz"
    assert not restore_checkpoint(path, flood, "this")
    flood.advance()
    save_checkpoint(path, flood, "this")
    path.write_bytes(path.read_bytes()[:-30])
    assert not restore_checkpoint(path, flood, "this")


def test_objects_are_never_overwritten_and_small_ones_stay_background():
    image, how = blobs(3), rules(min_size=200)
    flood = SubvolumeFlood(image, all_seeds(image, how), how, connected, 4)
    before = flood.labels.copy()
    while flood.advance():
        assert np.array_equal(flood.labels[before > 0], before[before > 0])
        before = flood.labels.copy()
    sizes = np.bincount(flood.labels.ravel())[1:]
    assert len(sizes)
    assert sizes.min() >= 200
    assert (flood.labels == 0).any()


def test_a_seed_in_background_gives_nothing():
    image, how = blobs(1), rules()
    dark = np.argwhere(image[8:-8, 8:-8, 8:-8] < -0.8)[:5] + 8
    flood = flooded(image, dark.astype(np.int64), how, connected, 2)
    assert not flood.labels.any()
    assert flood.count.weak == flood.count.fields == 5


def test_without_seeds_or_with_everything_segmented_nothing_is_computed():
    image, how = blobs(1), rules()

    def look(images, masks):
        raise AssertionError("nothing is to be looked at")

    seeds = all_seeds(image, how)
    assert not flooded(image, seeds[:0], how, look, 4).labels.any()
    flood = SubvolumeFlood(image, seeds, how, look, 4)
    flood.restore(np.ones(image.shape, np.uint32), 0, None, flood.count)
    assert not flood.advance()
    assert (flood.labels == 1).all()


def test_moves_are_the_largest_logits_of_the_faces():
    how = rules()
    for seed in range(5):
        logits = np.random.default_rng(seed).normal(size=how.fov).astype(np.float32) * 2
        wanted = moves_plainly(logits, (0, 0, 0), how)
        assert face_maxima(logits[None], how.step, how.move) == [wanted]
        assert wanted
    assert face_maxima(np.full((1, *how.fov), -1, np.float32), how.step, how.move) == [[]]


def test_a_mask_grows_and_keeps_what_it_knows():
    bounds = Box.of_shape((100, 90, 80))
    mask = GrowingMask(bounds, Box((40, 40, 40), (49, 49, 49)))
    mask.window(Box((44, 44, 44), (45, 45, 45)))[:] = 3
    for corner in itertools.product((0, 91), (0, 81), (0, 71)):
        z, y, x = corner
        mask.window(Box(corner, (z + 9, y + 9, x + 9)))[:] = 1
    assert mask.box == bounds
    assert mask.at((44, 44, 44)) == 3
    assert np.isnan(mask.at((60, 60, 60)))
    assert mask.at((99, 89, 79)) == 1
    assert np.isnan(GrowingMask(bounds, Box((0, 0, 0), (9, 9, 9))).at((50, 0, 0)))


def test_seeds_lie_inside_of_things_far_from_the_border():
    grey, truth = tubes()
    seeds = seeds_from_image(grey, (10, 10, 10), (4, 4, 4))
    assert len(set(truth[tuple(seeds.T)]) - {0}) == 4
    assert (seeds >= 4).all()
    assert (seeds + 4 < grey.shape).all()
    assert np.array_equal(seeds, seeds[np.lexsort(seeds.T[::-1])])
    affinities = np.stack([truth > 0] * 3).astype(np.float32)
    seeds = seeds_from_affinities(affinities, 0.5, (10, 10, 10), (4, 4, 4))
    assert (truth[tuple(seeds.T)] > 0).all()
    assert len(set(truth[tuple(seeds.T)])) == 4


def test_an_image_without_edges_has_no_seeds():
    flat = np.full((20, 20, 20), 7, np.uint8)
    assert len(seeds_from_image(flat, (1, 1, 1), (2, 2, 2))) == 0
    assert len(seeds_from_affinities(np.ones((3, 20, 20, 20)), 0.5, (1, 1, 1), (2, 2, 2))) == 0


def test_the_defaults_are_the_published_ones():
    found = FloodSettings()
    assert (found.seed_probability, found.unknown_probability) == (0.95, 0.05)
    assert (found.move_probability, found.segment_probability) == (0.9, 0.6)
    assert (found.min_size, found.seed_distance, found.freeze) == (1000, 1, True)
