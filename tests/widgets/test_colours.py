"""Colours of objects: those that touch are told apart."""

import h5py
import numpy as np
import pytest
from napari.utils.colormaps import label_colormap
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab

from napari_axonem.geometry import Box
from napari_axonem.volumes.phantom import Phantom, PhantomSettings
from napari_axonem.widgets.parts import colours

ALIKE = 5.0
"""CIEDE2000 below which two colours look nearly the same in small areas."""


def touching(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of ids that share a face."""
    pairs = []
    for axis in range(labels.ndim):
        both = np.stack([np.delete(labels, 0, axis).ravel(), np.delete(labels, -1, axis).ravel()])
        apart = (both[0] != both[1]) & (both != 0).all(axis=0)
        pairs.append(np.unique(np.sort(both[:, apart], axis=0), axis=1))
    return tuple(np.unique(np.concatenate(pairs, axis=1), axis=1).astype(np.int64))


def distances(rgb: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return how far the colours of touching objects are apart, as napari hands them out."""
    lab = rgb2lab(rgb[None])[0]
    first, second = (lab[(ids - 1) % len(rgb)] for ids in pairs)
    return deltaE_ciede2000(first, second)


def compare(labels: np.ndarray) -> None:
    pairs = touching(labels)
    assert len(pairs[0]) > 300
    napari = distances(np.asarray(label_colormap(49).colors)[1:, :3], pairs)
    assert np.percentile(napari, 1) < 1, "napari gives one pair in a hundred one colour"
    for seed in (0, 1, 1000):
        ours = distances(colours.object_colours(seed), pairs)
        assert (ours < ALIKE).mean() < min(0.012, (napari < ALIKE).mean())
        assert np.percentile(ours, 1) > ALIKE
        assert ours.min() > 0


def test_touching_objects_of_the_phantom_differ() -> None:
    phantom = Phantom(PhantomSettings(shape=(12, 256, 256)))
    compare(phantom.render(Box.of_shape(phantom.shape)).fragments)


@pytest.mark.parametrize("name", ["gt", "watershed", "ffn"])
def test_touching_objects_of_real_tissue_differ(fib25, name: str) -> None:
    with h5py.File(fib25) as file:
        compare(file[name][:100])


def test_there_are_many_colours_and_none_is_grey_or_dark() -> None:
    rgb = colours.object_colours()
    assert rgb.shape == (colours.MANY, 3)
    assert len(np.unique(rgb.round(4), axis=0)) > 0.99 * len(rgb)
    lab = rgb2lab(rgb[None])[0]
    assert lab[:, 0].min() > colours.LIGHTNESS[0] - 0.1
    assert np.hypot(lab[:, 1], lab[:, 2]).min() > colours.LEAST_CHROMA - 0.1


def test_colours_are_those_of_scikit_image() -> None:
    lab = rgb2lab(np.random.default_rng(0).random((1, 500, 3)))
    np.testing.assert_allclose(colours.from_lab(lab[0]), lab2rgb(lab)[0], atol=1e-6)


def test_equal_seeds_give_equal_colours() -> None:
    np.testing.assert_array_equal(colours.object_colours(3), colours.object_colours(3))
    assert not np.array_equal(colours.object_colours(3), colours.object_colours(4))


def test_a_shuffle_tells_an_object_from_those_it_touches() -> None:
    rng = np.random.default_rng(0)
    for count in (3, 20, 60):
        centre, *others = rng.choice(np.arange(1, 9999), count + 1, replace=False).tolist()
        seed = colours.telling_seed(1, centre, others)
        best = colours.told_apart(centre, others, seed).min()
        tried = range(1, 1 + colours.SEEDS)
        nearest = [colours.told_apart(centre, others, one).min() for one in tried]
        assert best == max(nearest) or best >= colours.TOLD_APART
        assert seed == 1 or nearest[0] < colours.TOLD_APART, "the first that will do"
    assert colours.telling_seed(7, 5, []) == 7


def test_the_distance_of_colours_is_that_of_cielab() -> None:
    lab = rgb2lab(colours.object_colours(2)[None])[0]
    expected = np.linalg.norm(lab[[6, 99]] - lab[2], axis=1)
    np.testing.assert_allclose(colours.told_apart(3, [7, 100], 2), expected, atol=0.1)
