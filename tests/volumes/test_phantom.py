"""A phantom as a whole: what its voxels and its tables promise."""

import tracemalloc

import cc3d
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_axonem.errors import SettingsError, VolumeError
from napari_axonem.geometry import Box
from napari_axonem.volumes.phantom import Phantom, PhantomSettings

SETTINGS = PhantomSettings(
    shape=(32, 224, 224),
    seed=3,
    false_splits=5,
    false_merges=4,
    merged_fragments=2,
    missing_rate=0.04,
    shift_rate=0.04,
    blur_rate=0.04,
)
ARRAYS = ("image", "truth", "fragments")
FACES = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])


@pytest.fixture(scope="session")
def phantom():
    return Phantom(SETTINGS)


@pytest.fixture(scope="session")
def whole(phantom):
    return phantom.render(Box.of_shape(phantom.shape))


@pytest.fixture(scope="session")
def plain():
    """The same without artefacts."""
    return Phantom(
        SETTINGS.model_copy(update={f"{k}_rate": 0.0 for k in ("missing", "shift", "blur")})
    )


def assert_same(part, block, where):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(part, name), getattr(block, name)[where], name)
    np.testing.assert_array_equal(part.affinities, block.affinities[(slice(None), *where)])


def test_equal_settings_give_equal_voxels_and_other_seeds_others():
    small = PhantomSettings(shape=(16, 128, 128), seed=3)
    phantom, again = Phantom(small), Phantom(small)
    box = Box.of_shape(small.shape)
    block = phantom.render(box)
    assert_same(again.render(box), block, box.slices)
    assert phantom.planted
    assert again.planted == phantom.planted
    np.testing.assert_array_equal(again.segment_of_fragment, phantom.segment_of_fragment)
    other = Phantom(small.model_copy(update={"seed": 4})).render(box)
    assert np.mean(other.truth == block.truth) < 0.2
    assert np.mean(other.image == block.image) < 0.2


def intervals(size):
    return st.tuples(st.integers(0, size - 1), st.integers(1, 48)).map(
        lambda pair: (pair[0], min(size, pair[0] + pair[1]))
    )


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.tuples(*(intervals(n) for n in SETTINGS.shape)))
def test_any_box_equals_its_part_of_the_whole(phantom, whole, ranges):
    z, y, x = ranges
    box = Box((z[0], y[0], x[0]), (z[1], y[1], x[1]))
    assert_same(phantom.render(box), whole, box.slices)


def test_each_artefact_is_the_same_in_a_box_and_in_the_whole(phantom, whole):
    for artefact in phantom.artefacts:
        box = Box((artefact.section, 17, 33), (artefact.section + 1, 60, 90))
        assert_same(phantom.render(box), whole, box.slices)


def test_types_and_ranges(whole):
    assert whole.image.dtype == np.uint8
    assert whole.truth.dtype == whole.fragments.dtype == np.uint32
    assert whole.affinities.dtype == np.float32
    assert whole.affinities.shape == (3, *whole.image.shape)
    assert whole.affinities.min() >= 0
    assert whole.affinities.max() <= 1


def test_ids_are_dense_and_all_have_voxels(phantom, whole):
    np.testing.assert_array_equal(np.unique(whole.fragments), 1 + np.arange(phantom.n_fragments))
    np.testing.assert_array_equal(np.unique(whole.truth), 1 + np.arange(phantom.n_truth))
    segments = phantom.segment_of_fragment
    assert segments[0] == phantom.truth_of_fragment[0] == 0
    np.testing.assert_array_equal(np.unique(segments[1:]), 1 + np.arange(segments.max()))


def truths_of(labels, truth):
    """The set of truths of each label."""
    pairs = np.unique(np.stack([labels.ravel(), truth.ravel()]), axis=1).T.tolist()
    found = {}
    for label, true in pairs:
        found.setdefault(label, set()).add(true)
    return found


def test_fragments_nest_in_truth_except_the_fused(phantom, whole):
    found = truths_of(whole.fragments, whole.truth)
    fused = {e.fragments[0]: set(e.truths) for e in phantom.planted if e.kind == "merged_fragment"}
    assert {f: t for f, t in found.items() if len(t) > 1} == fused
    for fragment, truths in found.items():
        assert phantom.truth_of_fragment[fragment] in truths


def test_as_many_errors_as_asked_for(phantom):
    kinds = [error.kind for error in phantom.planted]
    assert kinds.count("false_split") == SETTINGS.false_splits
    assert kinds.count("false_merge") == SETTINGS.false_merges
    assert kinds.count("merged_fragment") == SETTINGS.merged_fragments


def test_planted_contacts_are_where_they_are_said_to_be(phantom, whole):
    for error in phantom.planted:
        voxel = phantom.grid.to_voxel(error.position_nm)
        assert Box.of_shape(phantom.shape).contains(voxel)
        here, there = tuple(voxel), tuple((voxel + FACES).T)
        own = (whole.fragments[here], whole.truth[here])
        faced = set(zip(whole.fragments[there].tolist(), whole.truth[there].tolist(), strict=True))
        assert own[0] in error.fragments
        assert own[1] in error.truths
        fragments = [f for f in error.fragments if f != own[0]] or [own[0]]
        truths = [t for t in error.truths if t != own[1]] or [own[1]]
        assert (fragments[0], truths[0]) in faced


def test_the_segmentation_has_exactly_the_planted_errors(phantom, whole):
    segmentation = phantom.segment_of_fragment[whole.fragments]
    merged = {e.segments[0]: set(e.truths) for e in phantom.planted if e.kind != "false_split"}
    split = {e.truths[0]: set(e.segments) for e in phantom.planted if e.kind == "false_split"}
    truths = truths_of(segmentation, whole.truth)
    segments = truths_of(whole.truth, segmentation)
    assert {s: t for s, t in truths.items() if len(t) > 1} == merged
    assert {t: s for t, s in segments.items() if len(s) > 1} == split


def test_planted_errors_matter(phantom, whole):
    segmentation = phantom.segment_of_fragment[whole.fragments]
    for error in phantom.planted:
        sides = np.bincount(
            segmentation[whole.truth == error.truths[0]]
            if error.kind == "false_split"
            else whole.truth[segmentation == error.segments[0]]
        )
        sides = sides[sides > 0]
        assert len(sides) == 2
        assert sides.min() > 1000  # voxels; 200 nm of a process of 200 nm has 3000
        if error.kind == "false_split":
            assert sides.min() > 0.1 * sides.sum()


def test_most_truths_and_fragments_are_in_one_piece(whole):
    for labels in (whole.truth, whole.fragments):
        boxes = cc3d.statistics(labels)["bounding_boxes"]
        shares = []
        for label in range(1, int(labels.max()) + 1):
            part = (labels[boxes[label]] == label).astype(np.uint8)
            sizes = np.bincount(cc3d.connected_components(part, connectivity=26).ravel())[1:]
            shares.append(sizes.max() / sizes.sum())
        assert np.mean(np.array(shares) >= 0.95) >= 0.95
        assert min(shares) > 0.4


def test_affinities_tell_borders_but_not_the_planted_ones(phantom, whole):
    wrong = {tuple(sorted(e.fragments)): e.kind for e in phantom.planted if len(e.fragments) == 2}
    for axis in range(3):
        upper = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        lower = tuple(slice(0, -1) if a == axis else slice(None) for a in range(3))
        affinity = whole.affinities[axis][upper]
        a, b = whole.fragments[upper], whole.fragments[lower]
        differs = a != b
        planted = np.zeros(a.shape, dtype=bool)
        for (one, other), kind in wrong.items():
            contact = ((a == one) & (b == other)) | ((a == other) & (b == one))
            planted |= contact
            if contact.sum() >= 10:
                expected = (0.7, 0.95) if kind == "false_merge" else (0.35, 0.65)
                assert expected[0] < affinity[contact].mean() < expected[1]
        same_truth = whole.truth[upper] == whole.truth[lower]
        assert affinity[differs & ~same_truth & ~planted].max() < 0.2
        assert affinity[differs & same_truth & ~planted].mean() > 0.75
        assert affinity[~differs & same_truth].mean() > 0.75
        fused = ~differs & ~same_truth
        assert affinity[fused].min() > 0.6


def test_missing_sections_are_black_and_keep_their_truth(phantom, whole, plain):
    sections = [a.section for a in phantom.artefacts if a.kind == "missing"]
    assert sections
    for z in range(phantom.shape[0]):
        assert (whole.image[z].max() == 0) == (z in sections)
        assert (whole.image[z].min() > 0) == (z not in sections)
    box = Box((sections[0], 0, 0), (sections[0] + 1, 64, 224))
    np.testing.assert_array_equal(plain.render(box).truth, whole.truth[box.slices])


def test_shifted_sections_move_image_and_truth_together(phantom, whole, plain):
    shifted = [a for a in phantom.artefacts if a.kind == "shift"]
    assert shifted
    for artefact in shifted:
        z = artefact.section
        dy, dx = (round(s / 8) for s in artefact.shift_nm)
        still = plain.render(Box((z, 0, 0), (z + 1, 224, 224)))
        inner = (slice(20, -20), slice(20, -20))
        moved = np.roll(still.truth[0], (dy, dx), axis=(0, 1))[inner]
        assert np.mean(moved == whole.truth[z][inner]) > 0.95
        assert np.mean(still.truth[0][inner] == whole.truth[z][inner]) < 0.9
        image = whole.image[z][inner].astype(float).ravel()
        with_move = np.roll(still.image[0], (dy, dx), axis=(0, 1))[inner].ravel()
        without = still.image[0][inner].ravel()
        assert np.corrcoef(image, with_move)[0, 1] > np.corrcoef(image, without)[0, 1] + 0.2


def test_blurred_sections_keep_truth_and_lose_contrast(phantom, whole, plain):
    blurred = [a.section for a in phantom.artefacts if a.kind == "blur"]
    assert blurred
    for z in blurred:
        sharp = plain.render(Box((z, 0, 0), (z + 1, 224, 224)))
        np.testing.assert_array_equal(sharp.truth[0], whole.truth[z])
        assert whole.image[z].std() < 0.85 * sharp.image[0].std()


def test_membranes_are_dark_and_cytoplasm_is_light(phantom, whole):
    bad = {a.section for a in phantom.artefacts}
    good = [z for z in range(phantom.shape[0]) if z not in bad]
    truth, image = whole.truth[good], whole.image[good].astype(float)
    border = np.zeros(truth.shape, dtype=bool)
    border[:, :, 1:] |= truth[:, :, 1:] != truth[:, :, :-1]
    border[:, 1:] |= truth[:, 1:] != truth[:, :-1]
    assert image[border].mean() < 100
    assert np.median(image[~border]) > 140


def test_boundary_noise_leaks_only_along_membranes():
    phantom = Phantom(
        PhantomSettings(shape=(20, 128, 128), seed=5, boundary_noise=1.5, merged_fragments=0)
    )
    block = phantom.render(Box.of_shape(phantom.shape))
    leaked = phantom.truth_of_fragment[block.fragments] != block.truth
    assert 0.002 < leaked.mean() < 0.1
    inner = np.ones(block.truth.shape, dtype=bool)
    for step in range(1, 5):
        for axis in range(3):
            for sign in (step, -step):
                inner &= np.roll(block.truth, sign, axis=axis) == block.truth
    assert not leaked[inner].any()
    box = Box((4, 20, 30), (9, 70, 75))
    assert_same(phantom.render(box), block, box.slices)
    assert len(np.unique(block.fragments)) == phantom.n_fragments


def test_memory_is_bounded_by_the_block(phantom):
    # Tables and noise tiles are made with the phantom; a block adds some 60 bytes a voxel.
    box = Box((0, 64, 64), (16, 192, 192))
    tracemalloc.start()
    phantom.render(box)
    of_block = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    result = phantom.render(Box.of_shape(phantom.shape))
    of_whole = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert of_block < 400 * box.size
    assert of_whole - 21 * result.image.size < 250e6


@pytest.mark.parametrize(
    ("shape", "voxel_size"),
    [((64, 64, 64), (10, 10, 10)), ((16, 128, 128), (40, 8, 8)), ((12, 48, 96), (50, 4, 4))],
)
def test_other_voxel_sizes(shape, voxel_size):
    phantom = Phantom(PhantomSettings(shape=shape, voxel_size=voxel_size, seed=2, missing_rate=0))
    block = phantom.render(Box.of_shape(shape))
    assert phantom.grid.voxel_size == voxel_size
    np.testing.assert_array_equal(np.unique(block.fragments), 1 + np.arange(phantom.n_fragments))
    assert phantom.n_truth >= 5
    fused = [e.fragments[0] for e in phantom.planted if e.kind == "merged_fragment"]
    wrong = phantom.truth_of_fragment[block.fragments] != block.truth
    assert set(np.unique(block.fragments[wrong]).tolist()) <= set(fused)


def test_a_tiny_phantom_has_fewer_errors_than_asked_for():
    phantom = Phantom(PhantomSettings(shape=(4, 32, 32)))
    assert phantom.planted == ()
    np.testing.assert_array_equal(phantom.segment_of_fragment, phantom.truth_of_fragment)


def test_a_volume_too_small_for_a_neurite_is_refused():
    with pytest.raises(SettingsError, match=r"no neurite fits into \(1, 1, 1\).*larger shape"):
        Phantom(PhantomSettings(shape=(1, 1, 1)))


def test_a_box_outside_is_refused(phantom):
    with pytest.raises(VolumeError, match=r"not inside the shape \(32, 224, 224\)"):
        phantom.render(Box((0, 0, 0), (33, 10, 10)))


def test_an_empty_box_is_empty(phantom):
    block = phantom.render(Box((3, 4, 5), (3, 10, 10)))
    assert block.image.shape == block.truth.shape == (0, 6, 5)


@pytest.mark.parametrize("wrong", [{"shape": (0, 1, 1)}, {"fill": 2.0}, {"bundles": 3}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        PhantomSettings.parse(wrong)
