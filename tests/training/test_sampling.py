"""Samples are functions of seed and number; sources keep to their region and their masks."""

import pickle

import numpy as np
import pytest

from napari_axonem.errors import MismatchError, VolumeError
from napari_axonem.geometry import Box
from napari_axonem.networks.card import NEAREST
from napari_axonem.training.augmentation import NONE, AugmentationSettings
from napari_axonem.training.opening import open_sources
from napari_axonem.training.sampling import PatchSampler, Recipe
from napari_axonem.training.sources import make_source
from napari_axonem.volumes.axonem.release import LAYOUT
from tests.training.fields import FLAT, image_of, labels_of, volume_of, write_field
from tests.volumes.axonem_files import GREY, write_block

PLAIN = Recipe((8, 16, 16), NEAREST, 128.0, 33.0, NONE)
VARIED = Recipe((8, 16, 16), NEAREST, 128.0, 33.0, AugmentationSettings(elastic=1, shifted=0.5))


def source(seed=0, **options):
    labels = labels_of(seed=seed)
    return make_source(volume_of(image_of(labels)), volume_of(labels), **options)


def test_a_sample_is_a_function_of_seed_and_number():
    one, other = PatchSampler([source()], VARIED, 5), PatchSampler([source()], VARIED, 5)
    there = pickle.loads(pickle.dumps(other))
    for number in (7, 0, 3):
        for a, b, c in zip(one[number], other[number], there[number], strict=True):
            assert np.array_equal(a, b)
            assert np.array_equal(a, c)
    assert not np.array_equal(one[1].image, one[2].image)
    assert not np.array_equal(one[1].image, PatchSampler([source()], VARIED, 6)[1].image)


def test_sources_are_drawn_by_their_labelled_voxels():
    labels = labels_of(seed=1)
    labels[:, 10:] = 0  # a quarter is labelled
    few = make_source(volume_of(image_of(labels)), volume_of(labels), zero_is_background=False)
    sampler = PatchSampler([source(), few], PLAIN, 1)
    assert sampler.shares == pytest.approx([0.8, 0.2], abs=0.02)


def test_a_region_is_kept_to_and_its_outside_never_read():
    labels = labels_of()
    image = image_of(labels)
    image[12:], labels[12:] = 1, 99_999
    whole = make_source(volume_of(image), volume_of(labels), region=Box((0, 0, 0), (12, 40, 40)))
    sampler = PatchSampler([whole], VARIED, 1)
    darkest = (1.0 - 128) / 33
    for number in range(12):
        sample = sampler[number]
        assert sample.known.any()
        assert not np.isclose(sample.image, darkest, atol=1e-3).mean() > 0.2


def test_a_volume_smaller_than_the_patch_is_mirrored_and_unknown_around():
    labels = labels_of((4, 10, 12))
    small = make_source(volume_of(image_of(labels)), volume_of(labels))
    sample = PatchSampler([small], PLAIN, 1)[0]
    assert sample.image.shape == (1, 8, 16, 16)
    assert 0 < sample.known[0].sum() < 4 * 10 * 12
    assert np.isfinite(sample.image).all()


def test_missing_image_and_unlabelled_voxels_are_left_out():
    labels = labels_of()
    image = image_of(labels)
    image[5] = 0
    labels[:, :20] = 0
    made = make_source(volume_of(image), volume_of(labels), zero_is_background=False)
    patch = made.read(Box((0, 0, 0), (24, 40, 40)))
    known = np.ones(labels.shape, bool)
    known[5], known[:, :20] = False, False
    assert np.array_equal(patch.known, known)


def test_labels_without_an_object_give_a_sample_all_the_same():
    nothing = np.zeros((24, 40, 40), np.uint32)
    image = np.full(nothing.shape, 90, np.uint8)
    for zero in (True, False):
        made = make_source(volume_of(image), volume_of(nothing), zero_is_background=zero)
        sample = PatchSampler([made], PLAIN, 1)[0]
        assert not sample.values.any()
        assert sample.known.any() == zero


def test_only_checked_voxels_of_a_crop_count():
    labels = labels_of()
    checked = np.zeros(labels.shape, np.uint8)
    checked[:, :, 30:] = 1
    made = source(checked=volume_of(checked))
    assert np.array_equal(made.read(made.region).known, checked > 0)


def test_targets_lie_where_the_labels_change():
    sampler = PatchSampler([source()], Recipe((8, 40, 40), NEAREST, 0.0, 1.0, NONE, False), 1)
    sample = sampler[0]
    assert np.array_equal(np.flatnonzero(sample.values[2, 0, 5] == 0), [0, 10, 20, 30])


def test_volumes_that_do_not_fit_are_refused():
    labels = labels_of()
    image = volume_of(image_of(labels))
    with pytest.raises(MismatchError, match="voxels of"):
        make_source(image, volume_of(labels, FLAT))
    with pytest.raises(MismatchError, match="beyond the image"):
        make_source(image, volume_of(labels, origin=(50.0, 0.0, 0.0)))
    with pytest.raises(MismatchError, match="whole number"):
        make_source(image, volume_of(labels, origin=(3.0, 0.0, 0.0)))
    with pytest.raises(VolumeError, match="no voxel"):
        make_source(image, volume_of(labels), region=Box((90, 0, 0), (99, 9, 9)))


def test_places_are_opened_with_parts(tmp_path):
    place = write_field(tmp_path / "field.h5")
    (whole,) = open_sources(place)
    (part,) = open_sources(f"{place}[4:12, :20]")
    assert whole.region.shape == (24, 40, 40)
    assert part.region.shape == (8, 20, 40)
    assert np.array_equal(
        part.read(part.region).labels, whole.read(Box((4, 0, 0), (12, 20, 40))).labels
    )
    assert part.image.shape == (8, 20, 40)  # the rest cannot even be context
    (named,) = open_sources(f"{place}:raw+{place}:gt")
    assert named.region == whole.region
    for wrong in ("[30:40]", "[5:2]", "[1:2,1:2,1:2,1:2]", "[:,99:]"):
        with pytest.raises(VolumeError, match="not inside"):
            open_sources(place + wrong)


def test_blocks_of_the_release_come_with_context(tmp_path):
    folder = tmp_path / "EM30-H-train"
    write_block(folder, (475, 1792, 1792), LAYOUT)
    (block,) = open_sources(str(folder))
    assert block.region.shape == LAYOUT.block
    assert block.move == LAYOUT.padding
    patch = block.read(Box((-2, -8, -8), (4, 24, 24)))
    assert np.array_equal(patch.image, np.full((6, 32, 32), GREY / 255, np.float32))
    inside = np.zeros(patch.known.shape, bool)
    inside[2:, 8:, 8:] = True
    assert np.array_equal(patch.known, inside)
    assert set(np.unique(patch.labels)) == {0, 1, 2}


def test_a_phantom_is_made_when_it_is_named():
    with pytest.raises(VolumeError, match="no seed"):
        open_sources("phantom:x")
