"""Patches to learn from: the n-th patch of a run is a function of the seed and n alone.

So a run that was interrupted goes on with the very patches it would have seen, however many
workers load them, and two machines can share a run by dividing the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.training.augmentation import (
    AugmentationSettings,
    Warp,
    add_defects,
    draw_warp,
    vary_grey,
)
from napari_axonem.training.sources import Patch, TrainingSource
from napari_axonem.training.targets import affinities, eroded, is_planar

Floats = npt.NDArray[np.float32]

TRIES = 8
"""Places that are tried for a patch with enough known voxels; the last one is taken as it is."""


class Sample(NamedTuple):
    """What the network is shown and what it is to answer."""

    image: Floats
    """Shape (1, z, y, x), normalised."""

    values: npt.NDArray[np.bool_]
    """Targets, shape (c, z, y, x)."""

    known: npt.NDArray[np.bool_]
    """Where they count, the same shape."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a patch is made into a sample."""

    patch: Zyx
    offsets: tuple[Zyx, ...]
    """Of the target's channels."""

    mean: float
    std: float
    """A grey value g of 0..255 goes in as (g - mean) / std."""

    augmentation: AugmentationSettings
    erosion: bool = True
    """Whether a voxel on either side of a face between objects belongs to neither."""

    least_known: float = 0.2
    """Share of a patch's voxels that should be known."""


class PatchSampler:
    """Draws, reads and varies patches of any number of sources.

    A source is drawn as often as it has labelled voxels, a place in it uniformly.

    Parameters
    ----------
    sources
        All of one voxel size, about.
    recipe
        What is made of a patch.
    seed
        Equal seeds give equal patches.
    """

    def __init__(self, sources: Sequence[TrainingSource], recipe: Recipe, seed: int) -> None:
        self.sources = tuple(sources)
        self.recipe = recipe
        self.seed = seed
        self.shares = shares_of(self.sources)

    def __getitem__(self, number: int) -> Sample:
        """Return the sample of that number."""
        rng = np.random.default_rng([self.seed, number])
        recipe = self.recipe
        source = self.sources[int(rng.choice(len(self.sources), p=self.shares))]
        planar = is_planar(source.voxel_size)
        warp = draw_warp(recipe.augmentation, recipe.patch, source.voxel_size, rng)
        patch, corner = self._place(source, warp, rng)
        labels, known = patch.labels, patch.known
        if recipe.erosion:
            labels = eroded(labels, known, planar)
        target = affinities(warp.labels(labels, corner), recipe.offsets, warp.labels(known, corner))
        shown = shown_to_network(warp.image(patch.image, corner), recipe, planar, rng)
        return Sample(shown[None], target.values, target.known)

    def _place(
        self, source: TrainingSource, warp: Warp, rng: np.random.Generator
    ) -> tuple[Patch, Zyx]:
        """Return a patch with enough known voxels, and where it starts, if one is soon found."""
        for _ in range(TRIES):
            corner = draw_corner(source.region, warp.inner, rng)
            patch = source.read(warp.box(corner))
            if patch.known.mean() >= self.recipe.least_known:
                break
        return patch, corner


def shares_of(sources: Sequence[TrainingSource]) -> npt.NDArray[np.float64]:
    """Return how often each source is to be drawn: by its labelled voxels, summing to 1."""
    labelled = np.array([s.labelled_voxels() for s in sources], dtype=np.float64)
    even = np.full_like(labelled, 1 / len(labelled))
    return labelled / labelled.sum() if labelled.any() else even


class Shown(Protocol):
    """What a recipe says of the network's input."""

    @property
    def mean(self) -> float:
        """Grey value, of 0..255, that goes in as 0."""

    @property
    def std(self) -> float:
        """Difference of grey values that goes in as 1."""

    @property
    def augmentation(self) -> AugmentationSettings:
        """How greys are varied."""


def shown_to_network(
    image: Floats, recipe: Shown, planar: bool, rng: np.random.Generator
) -> Floats:
    """Return an image (z, y, x), 0..1, with defects and other greys, normalised."""
    image = add_defects(image, recipe.augmentation, planar, rng)
    image = vary_grey(image, recipe.augmentation, planar, rng)
    normal: Floats = (image * np.float32(255) - np.float32(recipe.mean)) / np.float32(recipe.std)
    return normal


def draw_corner(region: Box, shape: Zyx, rng: np.random.Generator) -> Zyx:
    """Return where a patch starts: anywhere inside, in the middle where it is larger."""
    room = np.subtract(region.shape, shape)
    drawn = rng.integers(0, np.maximum(room, 0) + 1)
    return zyx(np.add(region.start, np.where(room >= 0, drawn, room // 2)))
