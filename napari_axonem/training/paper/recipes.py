"""What is trained on what and how, for the networks of the paper, and in which ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from napari_axonem.networks.chain import Chain
from napari_axonem.networks.pictures import alexnet, lenet5, resnet, vgg16
from napari_axonem.pipeline.optimizers import Compensation
from napari_axonem.pipeline.schedules import Order


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained, whatever the order of work."""

    build: Callable[[], Chain]
    data: Literal["mnist", "cifar10"]
    rate: float
    """Highest learning rate; it rises to it in the first 5 %, then follows half a cosine to 0."""

    weight_decay: float
    is_varied: bool
    """Pictures are shifted by up to 4 pixels and mirrored at random."""

    batch: int = 128
    momentum: float = 0.9
    nesterov: bool = False


RECIPES: dict[str, Recipe] = {
    "lenet5": Recipe(lenet5, "mnist", 0.005, 5e-4, is_varied=False),
    "alexnet": Recipe(alexnet, "cifar10", 0.01, 5e-4, is_varied=True),
    "vgg16": Recipe(vgg16, "cifar10", 0.05, 5e-4, is_varied=True, nesterov=True),
    "resnet20": Recipe(partial(resnet, 20), "cifar10", 0.05, 1e-4, is_varied=True),
    "resnet56": Recipe(partial(resnet, 56), "cifar10", 0.05, 1e-4, is_varied=True),
    "resnet110": Recipe(partial(resnet, 110), "cifar10", 0.05, 1e-4, is_varied=True),
}
"""By the name of the network. Batch, momentum and weight decay are the paper's; the learning rate
is one for all ways of a network, so that only the way differs; it is half the paper's for LeNet-5,
which in the paper's order with ten stages ended in NaN at 0.01, and half of that of plain training
for the residual networks."""


@dataclass(frozen=True, slots=True)
class Way:
    """In which way a network is trained."""

    name: str
    layers: tuple[int, ...] = ()
    """Pipeline placement vector of the paper, in layers with weights; empty for one stage."""

    order: Order = Order.SEQUENTIAL
    compensation: Compensation = Compensation.NONE
    pipelined: float = 1.0
    """Share of the run that is pipelined; the rest is sequential, on the same cuts."""


def ways(*vectors: tuple[int, ...]) -> list[Way]:
    """Return plain training, and for each placement vector the orders to compare, deepest first."""
    found = [Way("plain")]
    for layers in vectors:
        found += [
            Way("paper", layers, Order.PAPER),
            Way("1f1b, spike", layers, Order.ONE_F_ONE_B, Compensation.SPIKE),
            Way("1f1b", layers, Order.ONE_F_ONE_B),
            Way("hybrid", layers, Order.PAPER, pipelined=0.5),
        ]
    return found
