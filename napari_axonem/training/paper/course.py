"""The training of one picture network in one way, taken up and laid down between mini-batches.

Which pictures make up a mini-batch, and how they are varied, follows from its number and the seed
alone: a course that goes on from a state gives what it would have given without a break.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from napari_axonem.errors import PartitionError
from napari_axonem.networks.chain import Chain, Live
from napari_axonem.networks.pictures import cuts_of_layers
from napari_axonem.pipeline.engine import Batch, Engine
from napari_axonem.pipeline.messages import Done, Targets
from napari_axonem.pipeline.optimizers import Optimizer
from napari_axonem.pipeline.plan import Plan
from napari_axonem.pipeline.schedules import Order
from napari_axonem.training.paper.pictures import Pictures
from napari_axonem.training.paper.recipes import Recipe, Way

SHIFT = 4
"""Pixels that pictures are shifted by at most."""

WARM_UP = 0.05
"""Share of a run in which the learning rate rises."""

TEST_BATCH = 500


@dataclass(frozen=True, slots=True)
class Score:
    """How well pictures that were not learned from are named."""

    accuracy: float
    loss: float
    """Mean cross-entropy."""


class Course:
    """One training.

    Parameters
    ----------
    recipe, way
        What is trained, and in which way.
    pictures
        To learn from.
    epochs
        Times that all pictures are seen; the learning rate ends there.
    seed
        Of weights, order and noise.
    plan
        Devices, executor and precision; the order comes from the way, and so do the cuts where the
        plan has none.
    """

    def __init__(
        self,
        recipe: Recipe,
        way: Way,
        pictures: Pictures,
        epochs: float,
        seed: int,
        plan: Plan | None = None,
    ) -> None:
        self._recipe, self._way, self._pictures, self._seed = recipe, way, pictures, seed
        self._an_epoch = len(pictures) // recipe.batch
        self.total = max(1, round(self._an_epoch * epochs))
        """Mini-batches of the whole course."""

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            chain = recipe.build()
        optimizer = Optimizer(
            rate=self.rate_at,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
            compensation=way.compensation,
        )
        plan = plan or Plan(executor="serial")
        own = Plan(
            cuts=plan.cuts or _cuts(chain, way),
            order=way.order,
            devices=plan.devices,
            executor=plan.executor,
            threads=plan.threads,
            stash=plan.stash,
            recompute=plan.recompute,
            dtype=plan.dtype,
            seed=seed,
        )
        self.engine = Engine(chain, cross_entropy, own, optimizer)
        values = pictures.pixels[:2000].float() / 255
        self._mean = values.mean(dim=(0, 2, 3), keepdim=True)
        self._deviation = values.std(dim=(0, 2, 3), keepdim=True)

    @property
    def pipelined(self) -> int:
        """Mini-batches of the part that is pipelined."""
        return round(self.total * self._way.pipelined)

    def rate_at(self, index: int) -> float:
        """Return the learning rate for a mini-batch."""
        rising = min(1.0, (index + 1) / max(1.0, WARM_UP * self.total))
        return self._recipe.rate * rising * (1 + math.cos(math.pi * index / self.total)) / 2

    def advance(self, until: int) -> Iterator[Done]:
        """Learn up to mini-batch `until`, or to where a hybrid course changes its order.

        Call again while ``engine.steps`` is short of it.
        """
        begin = self.engine.steps
        if begin >= self.pipelined:
            self.engine.order = Order.SEQUENTIAL
        else:
            until = min(until, self.pipelined)
        yield from self.engine.train(self._batches(begin, min(until, self.total)))

    def score(self, pictures: Pictures) -> Score:
        """Name pictures that were not learned from."""
        right, loss = 0, 0.0
        for start in range(0, len(pictures), TEST_BATCH):
            classes = pictures.classes[start : start + TEST_BATCH]
            inputs = self._normalised(pictures.pixels[start : start + TEST_BATCH])
            outputs = self.engine.predict(inputs).cpu()
            right += int((outputs.argmax(dim=1) == classes).sum())
            loss += float(functional.cross_entropy(outputs, classes, reduction="sum"))
        return Score(right / len(pictures), loss / len(pictures))

    def _batches(self, begin: int, end: int) -> Iterator[Batch]:
        for index in range(begin, end):
            yield self._batch(index)

    def _batch(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the mini-batch of a number."""
        epoch, place = divmod(index, self._an_epoch)
        order = torch.randperm(len(self._pictures), generator=self._generator(epoch, 1))
        chosen = order[place * self._recipe.batch : (place + 1) * self._recipe.batch]
        pixels = self._pictures.pixels[chosen]
        if self._recipe.is_varied:
            pixels = varied(pixels, self._generator(index, 2))
        return self._normalised(pixels), self._pictures.classes[chosen]

    def _generator(self, number: int, use: int) -> torch.Generator:
        return torch.Generator().manual_seed((self._seed * 4 + use) * 1_000_003 + number)

    def _normalised(self, pixels: Tensor) -> Tensor:
        values = (pixels.float() / 255 - self._mean) / self._deviation
        return values.contiguous(memory_format=torch.channels_last)


def _cuts(chain: Chain, way: Way) -> tuple[int, ...]:
    """Return the cuts that a way counts in layers.

    Raises
    ------
    PartitionError
        When there are no such layers.
    """
    try:
        return cuts_of_layers(chain, way.layers)
    except ValueError as error:
        raise PartitionError(str(error), where="setting 'ppv'") from error


def cross_entropy(outputs: Live, targets: Targets) -> Tensor:
    """Return the mean cross-entropy of classes, shape (n,), under outputs, shape (n, classes)."""
    assert isinstance(targets, Tensor)
    return functional.cross_entropy(outputs[0], targets)


def varied(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each picture by up to `SHIFT` pixels, with zeros around it, and mirror half of them.

    Parameters
    ----------
    pixels
        Shape (n, channels, y, x).
    """
    count, _, height, width = pixels.shape
    around = functional.pad(pixels, (SHIFT,) * 4)
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, count), generator=generator)
    is_mirrored = torch.rand(count, generator=generator) < 0.5
    rows = down[:, None] + torch.arange(height)
    columns = torch.arange(width).repeat(count, 1)
    columns[is_mirrored] = columns[is_mirrored].flip(1)
    columns += right[:, None]
    numbers = torch.arange(count)[:, None, None]
    return around.permute(0, 2, 3, 1)[numbers, rows[:, :, None], columns[:, None, :]].permute(
        0, 3, 1, 2
    )
