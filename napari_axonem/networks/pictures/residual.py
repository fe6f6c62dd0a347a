"""Residual networks for pictures of 32×32, as chains whose skip lives through a block."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_axonem.networks.chain import Add, Chain, Keep, On


class Shrink(nn.Module):
    """Takes every second row and column and pads channels with zeros: a skip without weights.

    Parameters
    ----------
    channels
        After it; twice as many as before.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor with half the rows and columns."""
        missing = self.channels - x.shape[1]
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, missing // 2, missing - missing // 2))


class Mean(nn.Module):
    """Takes the mean of each channel, in the layout of a matrix's input."""

    def forward(self, x: Tensor) -> Tensor:
        """Return shape (n, channels)."""
        return torch.mean(x, dim=(2, 3))


def resnet(depth: int, classes: int = 10) -> Chain:
    """Return a residual network; input (n, 3, 32, 32).

    Source: He et al., arXiv:1512.03385, section 4.2, with skips without weights (option A).

    Parameters
    ----------
    depth
        Layers with weights: 20, 32, 44, 56, 110, 6n + 2 in general.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        raise ValueError(f"a residual network of depth {depth} is not of the form 6n + 2")
    operations: list[tuple[str, nn.Module]] = [("conv", _convolution(3, 16, 1, is_active=True))]
    before = 16
    for group, width in enumerate((16, 32, 64), start=1):
        for block in range(1, blocks + 1):
            stride = 2 if width != before else 1
            skip = Shrink(width) if stride == 2 else None
            name = f"group{group}_{block}"
            operations += [
                (f"{name}_keep", Keep()),
                (f"{name}_a", _convolution(before, width, stride, is_active=True)),
                (f"{name}_b", _convolution(width, width, 1, is_active=False)),
                (f"{name}_add", Add(skip)),
                (f"{name}_relu", On(nn.ReLU())),
            ]
            before = width
    operations += [("mean", On(Mean())), ("full", On(nn.Linear(64, classes)))]
    chain = Chain(operations)
    for module in chain.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return chain


def _convolution(before: int, after: int, stride: int, *, is_active: bool) -> On:
    """Return a 3×3 convolution with batch normalisation, and ReLU where active."""
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    modules: list[nn.Module] = [convolution, nn.BatchNorm2d(after)]
    return On(nn.Sequential(*modules, *([nn.ReLU()] if is_active else [])))
