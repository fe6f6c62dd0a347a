"""Small networks and data for the tests of the pipeline."""

import torch
from torch import Tensor, nn

from napari_axonem.networks.chain import Add, Chain, Keep, Live, On
from napari_axonem.networks.noise import Dropout


def norm(kind: str, channels: int) -> nn.Module:
    return nn.GroupNorm(2, channels) if kind == "group" else nn.BatchNorm2d(channels)


def small(kind: str = "group", *, share: float = 0.0) -> Chain:
    """Return a network with a skip over most of it, eight operations, fresh weights."""
    torch.manual_seed(3)
    return Chain(
        [
            ("first", On(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), norm(kind, 4)))),
            ("keep", Keep()),
            ("down", On(nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.Tanh()))),
            ("inner", On(nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), norm(kind, 6)))),
            ("drop", On(Dropout(share))),
            ("up", On(nn.ConvTranspose2d(6, 4, 2, stride=2))),
            ("add", Add(nn.Conv2d(4, 4, 1))),
            ("last", On(nn.Conv2d(4, 1, 3, padding=1))),
        ]
    )


CUTS = {1: (), 2: (4,), 3: (3, 6), 4: (2, 4, 6)}
"""By the number of stages; each cut but the last of 4 lies under the skip."""


def mse(live: Live, targets: Tensor) -> Tensor:
    return ((live[0] - targets) ** 2).mean()


def batches(count: int, size: int = 4) -> list[tuple[Tensor, Tensor]]:
    g = torch.Generator().manual_seed(5)
    shape = (size, 1, 6, 8)
    return [
        (torch.randn(shape, generator=g), torch.randn(shape, generator=g)) for _ in range(count)
    ]


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
