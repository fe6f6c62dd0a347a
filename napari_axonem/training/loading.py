"""Mini-batches, read and varied by other processes while the device computes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from dask.system import cpu_count
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from napari_axonem.training.task import Arrays, Samples

Batch = tuple[Tensor, tuple[Tensor, ...]]
"""Inputs and targets; the first axis counts the batch."""

AHEAD = 3
"""Mini-batches that each process holds ready."""

MOST_LOADERS = 16


def usual_loaders(device: str) -> int:
    """Return how many processes shall load for a device: on the processor they would compete."""
    if not device.startswith("cuda"):
        return 0
    return max(1, min(MOST_LOADERS, cpu_count() - 1))


class _ByNumber(Dataset[tuple[Tensor, ...]]):
    """What torch's loader wants: samples as tensors."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __getitem__(self, number: int) -> tuple[Tensor, ...]:
        return tuple(torch.from_numpy(np.ascontiguousarray(a)) for a in self.samples[number])


def batches(
    samples: Samples,
    first: int,
    size: int,
    *,
    loaders: int = 0,
    pinned: bool = False,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Batch]:
    """Yield mini-batches without end.

    Mini-batch k holds the samples ``k * size`` to ``(k + 1) * size - 1``, whoever loads them, in
    order: a run that is taken up again at k sees what it would have seen.

    Parameters
    ----------
    first
        Number of the first mini-batch.
    size
        Samples in one, over all ranks.
    loaders
        Processes that load; 0 loads in this one, between steps.
    pinned
        Whether tensors lie in memory that a GPU copies from without waiting.
    share
        Rank and number of ranks: each gets every so-manieth sample.
    """
    rank, ranks = share
    numbers = (list(range(k * size + rank, (k + 1) * size, ranks)) for k in itertools.count(first))
    if loaders == 0:
        for chosen in numbers:
            yield _stacked([samples[n] for n in chosen])
    loader: DataLoader[tuple[Tensor, ...]] = DataLoader(
        _ByNumber(samples),
        batch_sampler=_Endless(numbers),
        num_workers=loaders,
        prefetch_factor=AHEAD,
        pin_memory=pinned,
        multiprocessing_context="spawn",  # open files do not survive a fork
    )
    for tensors in loader:
        inputs, *targets = tensors
        yield inputs, tuple(targets)


class _Endless:
    """Lists of numbers without end: what torch's loader takes for a sampler of batches."""

    def __init__(self, numbers: Iterator[list[int]]) -> None:
        self._numbers = numbers

    def __iter__(self) -> Iterator[list[int]]:
        return self._numbers


def _stacked(samples: Sequence[Arrays]) -> Batch:
    inputs, *targets = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*samples, strict=True))
    return inputs, tuple(targets)
