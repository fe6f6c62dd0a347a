"""Learning to flood: examples of one object, and steps of a field of view that moves over it.

References
----------
.. [1] M. Januszewski et al., Nature Methods 15 (2018) 605-610.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.networks.ffn import logit
from napari_axonem.training.augmentation import AugmentationSettings, Warp, draw_warp
from napari_axonem.training.sampling import draw_corner, shares_of, shown_to_network
from napari_axonem.training.sources import TrainingSource
from napari_axonem.training.targets import is_planar

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

BANDS = (0.0, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of a patch that an object may fill, as published: each band is drawn as often, so that
thin axons are not lost among cell bodies."""

TRIES = 24
"""Places that are tried for an object of the band; the nearest of them is taken then."""

INSIDE, OUTSIDE = 0.95, 0.05
"""Probabilities that the network is taught, as published: logits stay within bounds."""

SEED, UNKNOWN, MOVE = 0.95, 0.05, 0.9
"""Probabilities of the first voxel, of what was not looked at, and to move; as in inference."""


class FloodExample(NamedTuple):
    """One object, in a patch whose middle voxel belongs to it."""

    image: Floats
    """Shape (1, z, y, x), normalised."""

    inside: Floats
    """1 where the object is, the same shape."""

    known: Bools
    """Where that counts, the same shape."""


@dataclass(frozen=True, slots=True)
class FloodRecipe:
    """How an example is made."""

    fov: Zyx
    """Extent of the network's field of view."""

    step: Zyx
    """How far it moves."""

    mean: float
    std: float
    """A grey value g of 0..255 goes in as (g - mean) / std."""

    augmentation: AugmentationSettings

    @property
    def patch(self) -> Zyx:
        """Extent of an example: the field of view reaches all of it in one move."""
        return zyx(np.add(self.fov, np.multiply(2, self.step)))


class FloodSampler:
    """Draws objects so that each share of a patch which they fill is equally frequent [1]_.

    The n-th example is a function of the seed and n alone.

    Parameters
    ----------
    sources
        All of one voxel size, about.
    recipe
        What is made of a place.
    seed
        Equal seeds give equal examples.
    """

    def __init__(self, sources: Sequence[TrainingSource], recipe: FloodRecipe, seed: int) -> None:
        self.sources, self.recipe, self.seed = tuple(sources), recipe, seed
        self.shares = shares_of(self.sources)

    def __getitem__(self, number: int) -> FloodExample:
        """Return the example of that number."""
        rng = np.random.default_rng([self.seed, number])
        source = self.sources[int(rng.choice(len(self.sources), p=self.shares))]
        band = int(rng.integers(len(BANDS) - 1))
        recipe, planar = self.recipe, is_planar(source.voxel_size)
        warp = draw_warp(recipe.augmentation, recipe.patch, source.voxel_size, rng)
        corner, inside, known = self._object(source, warp, BANDS[band : band + 2], rng)
        image = warp.image(source.read(warp.box(corner)).image, corner)
        shown = shown_to_network(image, recipe, planar, rng)
        return FloodExample(shown[None], inside.astype(np.float32)[None], known[None])

    def _object(
        self,
        source: TrainingSource,
        warp: Warp,
        band: tuple[float, ...],
        rng: np.random.Generator,
    ) -> tuple[Zyx, Bools, Bools]:
        """Return a patch's corner, its middle object, and what is known of it.

        Where nothing labelled is found the object is empty and nothing is known.
        """
        best, chosen = np.inf, None
        corner: Zyx = source.region.start
        for _ in range(TRIES):
            corner = _draw_labelled(source, warp.inner, rng)
            read = source.read(warp.box(corner))
            labels, known = warp.labels(read.labels, corner), warp.labels(read.known, corner) > 0
            z, y, x = (n // 2 for n in labels.shape)
            if labels[z, y, x] == 0 or not known[z, y, x]:
                continue
            inside = labels == labels[z, y, x]
            share = float(inside.mean())
            away = max(band[0] - share, share - band[1], 0.0)
            if away < best:
                best, chosen = away, (corner, inside, known)
            if away == 0:
                break
        if chosen is not None:
            return chosen
        nothing = np.zeros(self.recipe.patch, np.bool_)
        return corner, nothing, nothing


def moving_losses(
    network: nn.Module,
    image: Tensor,
    inside: Tensor,
    known: Tensor,
    recipe: FloodRecipe,
    rng: np.random.Generator,
) -> Iterator[Tensor]:
    """Move the field of view over examples, and yield the loss of each move to learn from.

    First it is in the middle, where only the seed is known; then one step away along each axis or
    several, in an order by chance, wherever the mask so far reaches the probability to move [1]_.
    The mask is what the network said, so it learns to go on from its own mistakes. Between two
    yields the caller takes the gradient and changes the weights.

    Parameters
    ----------
    network
        A flood-filling network, in training mode.
    image, inside, known
        A batch of examples, shape (n, 1, z, y, x), on the network's device.
    rng
        Decides the order of moves.
    """
    mask = torch.full_like(image, logit(UNKNOWN))
    middle = zyx(np.floor_divide(recipe.patch, 2))
    mask[:, 0, middle[0], middle[1], middle[2]] = logit(SEED)
    taught = torch.where(inside > 0.5, INSIDE, OUTSIDE)
    moves = [m for m in product(*((-s, 0, s) for s in recipe.step)) if any(m)]
    order = [(0, 0, 0), *(moves[i] for i in rng.permutation(len(moves)))]
    for move in order:
        centre = zyx(np.add(middle, move))
        goes = mask[:, 0, centre[0], centre[1], centre[2]] >= logit(MOVE)
        which = torch.nonzero(goes).flatten()
        if not len(which):
            continue
        start = np.subtract(centre, np.floor_divide(recipe.fov, 2))
        box = (slice(None), *Box(zyx(start), zyx(start + recipe.fov)).slices)
        grey, before, weight, target = (
            torch.stack([whole[i][box] for i in which]) for whole in (image, mask, known, taught)
        )
        logits = network(torch.cat([grey, before], dim=1)).float()
        each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        yield (each * weight).sum() / weight.sum().clamp(min=1)
        for place, index in enumerate(which):
            mask[index][box] = logits[place].detach()


def _draw_labelled(source: TrainingSource, shape: Zyx, rng: np.random.Generator) -> Zyx:
    """Return where a patch starts that has an object in its middle, if one is near.

    Of the objects in a box by chance each is as likely, however few voxels it has there.
    """
    corner = draw_corner(source.region, shape, rng)
    labels = source.read(Box(corner, zyx(np.add(corner, shape)))).labels
    objects = np.unique(labels[labels > 0])
    if not len(objects):
        return corner
    voxels = np.flatnonzero(labels == rng.choice(objects))
    chosen = np.unravel_index(int(rng.choice(voxels)), labels.shape)
    return zyx(np.add(corner, chosen) - np.floor_divide(shape, 2))
