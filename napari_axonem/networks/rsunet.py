"""The residual symmetric 3-D U-Net, as a chain that can be cut between any two convolutions.

K. Lee, J. Zung, P. Li, V. Jain, H. S. Seung: "Superhuman accuracy on the SNEMI3D connectomics
challenge", arXiv 1706.00120, 2017. From there come the feature maps 28-36-48-64-80, modules of a
convolution and a residual pair, skips that are summed, and kernels and pooling that are planar
where sections are thick. Ours differs in that the head is one convolution of a single voxel, that
upsampling projects before it interpolates (linear both: the same function at an eighth of the
cost), and in ReLU where nothing else is asked for, which is cheaper than ELU on every device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self, cast

import numpy as np
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from napari_axonem.geometry import Nm, Zyx, zyx
from napari_axonem.networks.architecture import Architecture
from napari_axonem.networks.chain import Add, Chain, Keep, Live, On
from napari_axonem.settings import Settings, Shape

Normalisation = Literal["batch", "group", "instance", "none"]
Activation = Literal["relu", "elu"]
Upsampling = Literal["trilinear", "transposed"]
Operation = tuple[str, nn.Module]

COARSE = math.sqrt(2)
"""An axis whose voxels are this much longer than the shortest edge is left alone by pooling; the
pyramids of `napari_axonem.volumes` are halved by the same rule."""

WIDTHS = (28, 36, 48, 64, 80)


class RsunetSettings(Settings):
    """What a residual symmetric U-Net is made of; everything a file must say to build it again."""

    in_channels: int = Field(1, ge=1, description="channels of the image")
    out_channels: int = Field(3, ge=1, description="affinities for each voxel")
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        WIDTHS, min_length=1, description="feature maps of each level, finest first"
    )
    pools: tuple[Shape, ...] = Field(
        ((2, 2, 2),) * 4, description="window z,y,x of the pooling between two levels"
    )
    kernels: tuple[Shape, ...] = Field(
        ((3, 3, 3),) * 5, description="kernel z,y,x of the first convolution of each level"
    )
    embedding: Shape = Field((5, 5, 5), description="kernel z,y,x of the very first convolution")
    normalisation: Normalisation = Field(
        "batch",
        description="after each convolution; with 'group' and 'instance' the result at a voxel "
        "depends on how large the block around it is",
    )
    activation: Activation = Field("relu", description="after each normalisation")
    upsampling: Upsampling = Field("trilinear", description="on the way back to finer levels")

    @classmethod
    def for_voxel_size(
        cls,
        voxel_size: Nm,
        *,
        widths: Sequence[int] = WIDTHS,
        out_channels: int = 3,
        normalisation: Normalisation = "batch",
        activation: Activation = "relu",
        upsampling: Upsampling = "trilinear",
    ) -> Self:
        """Return settings whose kernels and pooling suit voxels of this size.

        Along an axis whose voxels are longer than the shortest edge by more than `COARSE`, pooling
        waits, and first convolutions of a level reach over one voxel only, until pooling has made
        voxels about isotropic. The residual pairs reach over three voxels along every axis.

        Parameters
        ----------
        voxel_size
            Edges (z, y, x) in nm; only their ratios matter.
        widths
            Feature maps of each level, finest first; their number is the depth.
        """
        size = list(voxel_size)
        fine = [_fine(size)]
        for _ in widths[1:]:
            size = [s * 2 if f else s for s, f in zip(size, fine[-1], strict=True)]
            fine.append(_fine(size))
        return cls(
            out_channels=out_channels,
            widths=tuple(widths),
            pools=tuple(_extent(f, 2) for f in fine[:-1]),
            kernels=tuple(_extent(f, 3) for f in fine),
            embedding=_extent(fine[0], 5),
            normalisation=normalisation,
            activation=activation,
            upsampling=upsampling,
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        depth = len(self.widths)
        if len(self.pools) != depth - 1 or len(self.kernels) != depth:
            raise ValueError(
                f"{depth} widths need {depth - 1} pools and {depth} kernels, "
                f"not {len(self.pools)} and {len(self.kernels)}"
            )
        if any(n % 2 == 0 for kernel in (*self.kernels, self.embedding) for n in kernel):
            raise ValueError("kernels have odd extents")
        return self

    @property
    def multiple(self) -> Zyx:
        """Extents (z, y, x) of an input are multiples of this."""
        z, y, x = (math.prod(pool[axis] for pool in self.pools) for axis in range(3))
        return z, y, x

    @property
    def sees_the_block(self) -> bool:
        """Whether a result depends on the whole block, not on what lies near the voxel alone."""
        return self.normalisation in ("group", "instance")


def build(settings: RsunetSettings) -> Chain:
    """Return the network, freshly initialised.

    It takes an image (n, channels, z, y, x), normalised, whose extents are multiples of
    ``settings.multiple``, and returns logits (n, affinities, z, y, x). Operations are named
    ``embed``, ``enc0_first``, ``enc0_second`` …, ``down0``, ``up0``, ``dec0_first`` …, ``head``.

    Initial weights are drawn from torch's global generator: seed it for the same ones.
    """
    return Chain(_operations(settings))


def _operations(settings: RsunetSettings) -> Iterator[Operation]:
    """Yield encoder, bottom, decoder and head in order."""
    widths, bottom = settings.widths, len(settings.widths) - 1
    yield "embed", On(_Convolution(settings, settings.in_channels, widths[0], settings.embedding))
    for level, width in enumerate(widths):
        before = widths[max(0, level - 1)]
        yield from _module(settings, f"enc{level}", before, width, settings.kernels[level])
        if level < bottom:
            yield f"skip{level}", Keep()
            yield f"down{level}", On(nn.MaxPool3d(settings.pools[level]))
    for level in reversed(range(bottom)):
        width = widths[level]
        yield f"up{level}", On(_upsampling(settings, level))
        yield f"join{level}", Add()
        yield from _module(settings, f"dec{level}", width, width, settings.kernels[level])
    yield "head", On(nn.Conv3d(widths[0], settings.out_channels, 1))


def _module(
    settings: RsunetSettings, name: str, before: int, width: int, kernel: Zyx
) -> Iterator[Operation]:
    """Yield a convolution and a residual pair."""
    yield f"{name}_first", On(_Convolution(settings, before, width, kernel))
    yield f"{name}_keep", Keep()
    yield f"{name}_second", On(_Convolution(settings, width, width, (3, 3, 3)))
    yield f"{name}_third", On(_Convolution(settings, width, width, (3, 3, 3), active=False))
    yield f"{name}_add", _AddThenActivate(_activation(settings.activation))


class _Convolution(nn.Sequential):
    """Convolution, normalisation, activation, at equal extents (zeros beyond the block)."""

    def __init__(
        self, settings: RsunetSettings, before: int, width: int, kernel: Zyx, active: bool = True
    ) -> None:
        bare = settings.normalisation == "none"
        super().__init__()
        padding = zyx(np.asarray(kernel) // 2)
        conv = nn.Conv3d(before, width, kernel, padding=padding, bias=bare)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
        self.add_module("conv", conv)
        if not bare:
            self.add_module("norm", _norm(settings.normalisation, width))
        if active:
            self.add_module("act", _activation(settings.activation))


class _AddThenActivate(nn.Module):
    """Adds the newest skip and activates the sum."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.act = activation

    def forward(self, live: Live) -> Live:
        """Return ``(act(main + newest), *others)``."""
        main, newest, *others = live
        total: Tensor = self.act(main + newest)
        return (total, *others)


def _upsampling(settings: RsunetSettings, level: int) -> nn.Module:
    """Return what brings level + 1 to the extents and feature maps of `level`."""
    wide, width = settings.widths[level + 1], settings.widths[level]
    pool: Zyx = settings.pools[level]
    if settings.upsampling == "transposed":
        return nn.ConvTranspose3d(wide, width, pool, stride=pool)
    scale = tuple(float(n) for n in pool)
    # Projected first: the same function as after interpolation, at a fraction of the cost.
    return nn.Sequential(
        nn.Conv3d(wide, width, 1),
        nn.Upsample(scale_factor=scale, mode="trilinear", align_corners=False),
    )


def _norm(kind: Normalisation, width: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm3d(width)
    if kind == "instance":
        return nn.InstanceNorm3d(width, affine=True)
    return nn.GroupNorm(max(n for n in range(1, 9) if width % n == 0), width)


def _activation(kind: Activation) -> nn.Module:
    # In place: each follows an operation whose backward does not need its result.
    return nn.ELU(inplace=True) if kind == "elu" else nn.ReLU(inplace=True)


def _fine(size: Sequence[float]) -> tuple[bool, bool, bool]:
    z, y, x = (s <= min(size) * COARSE for s in size)
    return z, y, x


def _extent(fine: Sequence[bool], extent: int) -> Zyx:
    z, y, x = (extent if f else 1 for f in fine)
    return z, y, x


def fold_norms(network: nn.Module) -> None:
    """Put the batch normalisations of a network in evaluation into its convolutions, in place.

    The function stays the same up to rounding, and a pass over every feature map is saved.
    """
    for module in network.modules():
        norm = getattr(module, "norm", None)
        if isinstance(module, _Convolution) and isinstance(norm, nn.BatchNorm3d):
            module.conv = fuse_conv_bn_eval(cast(nn.Conv3d, module.conv), norm)
            module.norm = nn.Identity()


ARCHITECTURE = Architecture("rsunet", RsunetSettings, build)
"""How files and the registry know this network."""
