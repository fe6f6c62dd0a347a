"""Colours of objects: those that touch are told apart."""

import itertools

import h5py
import numpy as np
import pytest
from napari.utils.colormaps import label_colormap
from napari.utils.theme import get_theme
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab

from napari_axonem.geometry import Box
from napari_axonem.volumes.phantom import Phantom, PhantomSettings
from napari_axonem.widgets.parts import colours, curve, icons, plot

SEEN_BY = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""How linear RGB is seen without one kind of cone (Machado, Oliveira and Fernandes, "A
physiologically-based model for simulation of color vision deficiency", 2009)."""

SIDE_BY_SIDE = {
    "kinds of errors": (colours.FALSE_SPLIT, colours.FALSE_MERGE),
    "sides of a split": tuple(colours.OF_SIDE.values()),
    "changes of the score": (colours.BETTER, colours.WORSE),
    "curves": plot.COLOURS,
}
"""Colours that have to be told apart."""

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


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255


def linear(colour: np.ndarray) -> np.ndarray:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def seen(colour: str, cones) -> np.ndarray:
    """Return a colour in CIELAB as somebody with these cones sees it."""
    light = np.clip(np.asarray(cones) @ linear(rgb(colour)), 0, 1)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return rgb2lab(shown[None, None])[0, 0]


@pytest.mark.parametrize("cones", SEEN_BY.values(), ids=SEEN_BY.keys())
@pytest.mark.parametrize("group", SIDE_BY_SIDE.values(), ids=SIDE_BY_SIDE.keys())
def test_what_has_a_meaning_is_told_apart_with_any_colour_vision(group, cones) -> None:
    for first, second in itertools.combinations(group, 2):
        assert deltaE_ciede2000(seen(first, cones), seen(second, cones)) > 3 * ALIKE


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_what_is_written_or_drawn_in_a_colour_can_be_read_on(theme: str) -> None:
    background = np.array(get_theme(theme).background.as_rgb_tuple()[:3]) / 255
    texts = (colours.BETTER, colours.WORSE, colours.RED, colours.BLUE, *plot.COLOURS)
    lines = (curve.LINE.name(), curve.INK.name())
    edged = {(icons.EDGE.name(), kind) for kind in colours.OF_KIND.values()}
    for colour in (*texts, *lines):
        assert contrast(rgb(colour), background) >= 2.5
    for choices in edged:  # a dot is seen by its edge or by what fills it
        assert max(contrast(rgb(colour), background) for colour in choices) >= 4.5


def contrast(first: np.ndarray, second: np.ndarray) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (first, second))
    return (high + 0.05) / (low + 0.05)
