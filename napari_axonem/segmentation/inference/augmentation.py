"""Test-time augmentation: the network sees a block in several orientations, results are averaged.

An affinity says whether a voxel and the one at an offset from it belong together. In a flipped
image that offset points elsewhere, so that channels are not simply flipped back: each takes the
channel whose offset, turned back, is its own. Where it is its own but backwards, the pair is the
same one seen from its other end, and the channel is shifted by the offset.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from napari_axonem.geometry import Nm, Zyx, zyx
from napari_axonem.networks.registry import CLOSE

Augment = Literal["none", "flips", "all"]
Run = Callable[[Tensor], Tensor]
"""From an image (1, 1, z, y, x) to affinities (c, z, y, x)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One orientation: axes in another order, then some of them flipped."""

    order: Zyx
    """Axis k of the turned image is axis ``order[k]`` of the image."""

    flips: tuple[int, ...]
    """Axes of the turned image that are flipped."""

    def of(self, image: Tensor) -> Tensor:
        """Return an image (…, z, y, x) turned."""
        lead = range(image.ndim - 3)
        turned = image.permute(*lead, *(len(lead) + a for a in self.order))
        return turned.flip([len(lead) + a for a in self.flips])

    def back(self, turned: Tensor) -> Tensor:
        """Return what was turned as it was."""
        first = turned.ndim - 3
        image = turned.flip([first + a for a in self.flips])
        return image.permute(*range(first), *(first + self.order.index(a) for a in range(3)))

    def offset_back(self, offset: Zyx) -> Zyx:
        """Return which offset of the image is `offset` of the turned image."""
        flipped = [-o if k in self.flips else o for k, o in enumerate(offset)]
        return zyx([flipped[self.order.index(a)] for a in range(3)])


@dataclass(frozen=True, slots=True)
class Source:
    """Where a channel of the image is found in the result for a turned image."""

    channel: int
    """Of the turned result."""

    backwards: bool
    """Whether the pair is seen from its other end there."""


def turns(augment: Augment, voxel_size: Nm) -> list[Turn]:
    """Return the orientations of an augmentation, the untouched one first.

    Parameters
    ----------
    augment
        ``"flips"``: 8. ``"all"``: with y and x exchanged as well where their voxel sizes are about
        equal, and z with either where it is, too: 16 or 48.
    voxel_size
        Of the model (z, y, x).
    """
    if augment == "none":
        return [Turn((0, 1, 2), ())]
    orders = [zyx(p) for p in itertools.permutations(range(3))] if augment == "all" else []
    kept = [order for order in orders if _alike(order, voxel_size)] or [(0, 1, 2)]
    flips = [f for count in range(4) for f in itertools.combinations(range(3), count)]
    return [Turn(order, f) for order in kept for f in flips]


def sources(turn: Turn, offsets: Sequence[Zyx]) -> list[Source | None]:
    """Return where each channel is found; None for one that the turned result does not hold."""
    given = [turn.offset_back(offset) for offset in offsets]
    found: list[Source | None] = []
    for offset in offsets:
        opposite = zyx([-o for o in offset])
        if offset in given:
            found.append(Source(given.index(offset), backwards=False))
        elif opposite in given:
            found.append(Source(given.index(opposite), backwards=True))
        else:
            found.append(None)
    return found


def augmented(run: Run, image: Tensor, orientations: list[Turn], offsets: Sequence[Zyx]) -> Tensor:
    """Return affinities averaged over orientations.

    Parameters
    ----------
    image
        Shape (1, 1, z, y, x).
    orientations
        The untouched one first.

    Returns
    -------
    Affinities (c, z, y, x), float32. A channel is the mean over the orientations that hold it;
    where its pair reaches over the block in one of them, the untouched one stands in.
    """
    plain = run(image).float()
    total = plain.clone()
    count = [1] * len(offsets)
    for turn in orientations[1:]:
        seen = turn.back(run(turn.of(image).contiguous())).float()
        for channel, source in enumerate(sources(turn, offsets)):
            if source is not None:
                one = seen[source.channel]
                if source.backwards:
                    one = _shifted(one, offsets[channel], plain[channel])
                total[channel] += one
                count[channel] += 1
    return total / torch.tensor(count, dtype=total.dtype, device=total.device).view(-1, 1, 1, 1)


def _shifted(values: Tensor, offset: Zyx, beyond: Tensor) -> Tensor:
    """Return ``values[v + offset]`` at each voxel v, and `beyond` where that lies outside."""
    result = beyond.clone()
    here, there = [], []
    for step, extent in zip(offset, values.shape, strict=True):
        reach = min(abs(step), extent)
        upper, lower = slice(reach, None), slice(None, extent - reach)
        here.append(upper if step < 0 else lower)
        there.append(lower if step < 0 else upper)
    result[tuple(here)] = values[tuple(there)]
    return result


def _alike(order: Zyx, voxel_size: Nm) -> bool:
    return all(
        max(voxel_size[a] / voxel_size[b], voxel_size[b] / voxel_size[a]) <= CLOSE
        for a, b in enumerate(order)
    )
