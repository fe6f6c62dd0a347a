"""LeNet-5, AlexNet and VGG-16 for small pictures, as chains without skips."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from napari_axonem.networks.chain import Chain, On
from napari_axonem.networks.noise import Dropout


def _chain(operations: Iterable[tuple[str, list[nn.Module]]]) -> Chain:
    """Return operations on the main tensor, several modules in one where given."""
    return Chain([(name, On(m[0] if len(m) == 1 else nn.Sequential(*m))) for name, m in operations])


def lenet5(classes: int = 10) -> Chain:
    """Return LeNet-5 as it is used today: maxima and ReLU; input (n, 1, 28, 28).

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998.
    """
    return _chain(
        [
            ("conv1", [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU()]),
            ("pool1", [nn.MaxPool2d(2)]),
            ("conv2", [nn.Conv2d(6, 16, 5), nn.ReLU()]),
            ("pool2", [nn.MaxPool2d(2), nn.Flatten()]),
            ("full1", [nn.Linear(16 * 5 * 5, 120), nn.ReLU()]),
            ("full2", [nn.Linear(120, 84), nn.ReLU()]),
            ("full3", [nn.Linear(84, classes)]),
        ]
    )


def alexnet(classes: int = 10) -> Chain:
    """Return AlexNet for pictures of 32×32; input (n, 3, 32, 32).

    Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks",
    arXiv:1404.5997, with the first stride and kernel made smaller for small pictures. Weights are
    drawn as He et al. do (arXiv:1502.01852): without normalisation, smaller ones keep the network
    from learning anything for hundreds of mini-batches.
    """
    widths = [(3, 64, 2), (64, 192, 1), (192, 384, 1), (384, 256, 1), (256, 256, 1)]
    operations: list[tuple[str, list[nn.Module]]] = []
    for n, (before, after, stride) in enumerate(widths, start=1):
        convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1)
        operations.append((f"conv{n}", [convolution, nn.ReLU()]))
        if n in (1, 2, 5):
            operations.append((f"pool{n}", [nn.MaxPool2d(2)]))
    operations += [
        ("flat", [nn.Flatten(), Dropout()]),
        ("full1", [nn.Linear(256 * 2 * 2, 4096), nn.ReLU()]),
        ("drop1", [Dropout()]),
        ("full2", [nn.Linear(4096, 4096), nn.ReLU()]),
        ("full3", [nn.Linear(4096, classes)]),
    ]
    chain = _chain(operations)
    for module in chain.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return chain


def vgg16(classes: int = 10) -> Chain:
    """Return VGG-16 with batch normalisation for pictures of 32×32; input (n, 3, 32, 32).

    Source: Simonyan and Zisserman, arXiv:1409.1556; one matrix at the end, as is usual for
    CIFAR-10: 13 convolutions and one matrix hold weights.
    """
    groups = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
    operations: list[tuple[str, list[nn.Module]]] = []
    before, number = 3, 0
    for group, (width, count) in enumerate(groups, start=1):
        for _ in range(count):
            number += 1
            convolution = nn.Conv2d(before, width, 3, padding=1, bias=False)
            operations.append((f"conv{number}", [convolution, nn.BatchNorm2d(width), nn.ReLU()]))
            before = width
        operations.append((f"pool{group}", [nn.MaxPool2d(2)]))
    operations.append(("drop", [nn.Flatten(), Dropout()]))
    operations.append(("full", [nn.Linear(512, classes)]))
    return _chain(operations)
