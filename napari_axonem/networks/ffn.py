"""The flood-filling network: a stack of residual convolutions that grows one object's mask.

It sees a field of view of the image and what is known of one object's mask there, as logits, and
returns the mask's new logits. Inference moves the field of view to wherever the mask is likely to
go on (`napari_axonem.segmentation.flooding`).

References
----------
.. [1] M. Januszewski et al., "High-precision automated reconstruction of neurons with
   flood-filling networks", Nature Methods 15 (2018) 605-610; first in arXiv 1611.00421.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn

from napari_axonem.errors import ModelError
from napari_axonem.geometry import Zyx
from napari_axonem.networks.architecture import Architecture
from napari_axonem.networks.chain import Add, Chain, Keep, On
from napari_axonem.settings import Settings, Shape

PUBLISHED_SCOPE = "seed_update"
"""What the names of published arrays begin with."""

WANTED = "give the weights of a flood-filling network (convstack_3d)"

START_DEVIATION = 0.01
"""Standard deviation of the weights before training, as published."""


class ObjectMask(nn.Module):
    """Takes the object's mask out of the network's input."""

    def forward(self, x: Tensor) -> Tensor:
        """Return channel 1 of (batch, 2, z, y, x) as (batch, 1, z, y, x)."""
        return x[:, 1:2]


class FfnSettings(Settings):
    """What a flood-filling network is made of, and how far its field of view moves."""

    depth: int = Field(12, ge=1, description="pairs of convolutions")
    features: int = Field(32, ge=1, description="channels between convolutions")
    step: Shape = Field(
        (8, 8, 8), description="voxels z,y,x by which the field of view moves in training"
    )


def can_move(field_of_view: Zyx, step: Zyx) -> bool:
    """Tell whether a field of view (z, y, x) has a centre, and still sees it after a step."""
    pairs = zip(field_of_view, step, strict=True)
    return all(n % 2 == 1 and n > 2 * s for n, s in pairs)


def build(settings: FfnSettings) -> Chain:
    """Return a flood-filling network [1]_ with weights as they are before training.

    Its input is (batch, 2, z, y, x): the normalised image, and the object's mask as logits. Its
    output is (batch, 1, z, y, x): the mask's new logits, which are the old ones plus what the
    convolutions say. Convolutions see zeros beyond the field of view, which may have any extent.
    """
    features = settings.features
    operations: list[tuple[str, nn.Module]] = [
        ("keep_mask", Keep()),
        ("conv0_a", On(nn.Conv3d(2, features, 3, padding=1))),
        ("relu0", On(nn.ReLU(inplace=True))),
        ("conv0_b", On(nn.Conv3d(features, features, 3, padding=1))),
    ]
    for index in range(1, settings.depth):
        operations += [
            (f"keep{index}", Keep()),
            (f"relu{index}_a", On(nn.ReLU())),  # not in place: the skip is the same tensor
            (f"conv{index}_a", On(nn.Conv3d(features, features, 3, padding=1))),
            (f"relu{index}_b", On(nn.ReLU(inplace=True))),
            (f"conv{index}_b", On(nn.Conv3d(features, features, 3, padding=1))),
            (f"add{index}", Add()),
        ]
    operations += [
        ("relu_last", On(nn.ReLU(inplace=True))),
        ("conv_lom", On(nn.Conv3d(features, 1, 1))),
        ("add_mask", Add(ObjectMask())),
    ]
    network = Chain(operations)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.trunc_normal_(parameter, std=START_DEVIATION)
    return network


def logit(probability: float) -> float:
    """Return the logarithm of the odds: what the network calls a probability."""
    return math.log(probability / (1 - probability))


def mask_update(network: Chain) -> Chain:
    """Return the part of a flood-filling network that says what is added to the mask.

    It shares the weights. With it the mask itself stays in full precision when the convolutions
    work in less: `run` returns the update and the input, which is a skip that is left over.
    """
    return network.piece(0, len(network) - 1)


def import_published(
    arrays: Mapping[str, npt.NDArray[Any]], where: object = "published weights"
) -> tuple[FfnSettings, Chain]:
    """Return a published flood-filling network; depth and features are those of the arrays.

    Parameters
    ----------
    arrays
        Named ``seed_update.conv{i}_{a,b}.{weights,biases}`` and ``seed_update.conv_lom.*``, with
        ``.``, ``/`` or ``__`` between the parts of a name; kernels are (z, y, x, in, out). Arrays
        outside of ``seed_update`` count something during training, and are left out.
    where
        What to call them in errors.

    Raises
    ------
    ModelError
        The arrays are not those of a flood-filling network; it names the first that does not fit
        and both shapes.
    """
    found = dict(
        _published(name, array, where)
        for name, array in arrays.items()
        if name.startswith(PUBLISHED_SCOPE)
    )
    first = found.get("conv0_a.module.weight")
    if first is None:
        raise ModelError(f"no tensor {PUBLISHED_SCOPE}.conv0_a.weights", where=where, remedy=WANTED)
    depth = sum(name.endswith("_a.module.weight") for name in found)
    settings = FfnSettings(depth=depth, features=int(first.shape[0]))
    network = build(settings)
    expected = network.state_dict()
    for name in sorted(expected.keys() | found.keys()):
        theirs = tuple(found[name].shape) if name in found else "missing"
        ours = tuple(expected[name].shape) if name in expected else "not part of it"
        if theirs != ours:
            raise ModelError(
                f"tensor {name} is {theirs}; in a flood-filling network of depth {depth} and "
                f"{settings.features} features it is {ours}",
                where=where,
                remedy=WANTED,
            )
    network.load_state_dict(found)
    return settings, network


def _published(name: str, array: npt.NDArray[Any], where: object) -> tuple[str, Tensor]:
    parts = name.replace("__", ".").replace("/", ".").split(".")
    kinds = {"weights": ("weight", 5), "biases": ("bias", 1)}
    if len(parts) != 3 or parts[0] != PUBLISHED_SCOPE or parts[2] not in kinds:
        raise ModelError(
            f"tensor {name!r} is not part of a flood-filling network",
            where=where,
            remedy=WANTED,
        )
    kind, axes = kinds[parts[2]]
    if array.ndim != axes:
        raise ModelError(
            f"tensor {name} has shape {array.shape}, not {axes} axes",
            where=where,
            remedy=WANTED,
        )
    # kernels are published as (z, y, x, in, out); torch wants (out, in, z, y, x)
    ours = array.transpose(4, 3, 0, 1, 2) if axes == 5 else array
    return f"{parts[1]}.module.{kind}", torch.from_numpy(np.array(ours, np.float32, order="C"))


ARCHITECTURE = Architecture("ffn", FfnSettings, build)
"""How files and the registry know this network."""
