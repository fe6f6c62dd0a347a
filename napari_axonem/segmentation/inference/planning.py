"""What a prediction is to do, worked out before anything is written."""

from __future__ import annotations

import itertools
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from napari_axonem.blockwise import journal_about
from napari_axonem.errors import ModelError
from napari_axonem.geometry import Box, Zyx, zyx
from napari_axonem.networks.card import Card
from napari_axonem.networks.chain import Chain
from napari_axonem.networks.files import LoadedModel, load_model
from napari_axonem.networks.precision import number_type
from napari_axonem.networks.registry import Entry, Fit, fit_of
from napari_axonem.networks.rsunet import RsunetSettings
from napari_axonem.segmentation.greys import Mapping, mapping_of
from napari_axonem.segmentation.inference.augmentation import turns
from napari_axonem.segmentation.inference.devices import find_devices, free_memory
from napari_axonem.segmentation.inference.memory import bytes_per_voxel, fitting_block
from napari_axonem.segmentation.inference.predictor import Predictor
from napari_axonem.segmentation.inference.resampling import at_voxel_size
from napari_axonem.segmentation.inference.settings import InferenceSettings
from napari_axonem.segmentation.inference.store import AffinityVolume, chunk_for
from napari_axonem.segmentation.inference.tiling import Tiling
from napari_axonem.volumes import Volume, natural_chunk
from napari_axonem.volumes.conversion.reading import absolute, stamp_of

_REVISION = 1
"""Raised when the same settings come to give other affinities."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is to be done; small enough to be sent to other processes."""

    settings: InferenceSettings
    image: Volume
    """As it was opened."""

    card: Card
    model_path: Path

    mapping: Mapping
    """How greys become the network's input."""

    tiling: Tiling
    dtype: str
    """In which numbers the network works: ``"bfloat16"`` or ``"float32"``."""

    about: MappingOf[str, Any]
    """What must be equal for an earlier run to be taken up."""

    @property
    def fit(self) -> Fit:
        """How well the model suits the image."""
        entry = Entry(self.card, self.model_path, shipped=False)
        return fit_of(entry, self.image.grid.voxel_size)

    @property
    def shown(self) -> Volume:
        """The image as the network is shown it: at its own scale, or the model's."""
        return _shown(self.image, self.fit)

    @property
    def multiple(self) -> Zyx:
        """Extents of blocks are multiples of this."""
        return RsunetSettings.parse(self.card.settings).multiple

    @property
    def offsets(self) -> list[Zyx]:
        """Of the affinities."""
        return [zyx(offset) for offset in self.card.offsets]

    def create_store(self, path: Path) -> AffinityVolume:
        """Make a store for the affinities."""
        tiling = self.tiling
        natural = natural_chunk(self.shown.grid.voxel_size)
        chunk = chunk_for(tiling.tile_shape, tiling.counts, natural)
        return AffinityVolume.create(path, tiling.shape, self.shown.grid, self.offsets, chunk)

    def predictors(self, model: LoadedModel | None = None) -> list[Predictor]:
        """Return the network on every device of this machine that is to be used."""
        model = model or _loaded(self.model_path)
        orientations = turns(self.settings.augment, self.card.voxel_size)
        dtype: torch.dtype = getattr(torch, self.dtype)
        return [
            Predictor(model, device, dtype, orientations, self.settings.compile)
            for device in find_devices(self.settings.device)
        ]

    def units(self) -> list[Box]:
        """Return boxes of tiles for several machines: slabs along the axis with most tiles.

        A machine computes the blocks before its first tiles, too, so that slabs are not thin.
        """
        counts = self.tiling.counts
        axis = counts.index(max(counts))
        return slabs(counts, axis, max(2, counts[axis] // 4))

    def columns(self, limit: int) -> list[Box]:
        """Return boxes of tiles to be made one after the other, cut along y.

        Between two layers of blocks along z, what they have in common waits in memory: that of
        one column takes at most `limit` bytes, as far as a column of one tile's width does.
        """
        tiling = self.tiling
        z, y, x = tiling.axes
        waiting = len(self.offsets) * 2 * z.overlap * (y.tile + y.overlap) * y.count * x.extent
        waiting = waiting * (x.tile + x.overlap) // x.tile
        return slabs(tiling.counts, 1, -(-waiting // max(1, limit)))


def slabs(counts: Zyx, axis: int, parts: int) -> list[Box]:
    """Cut a box of tiles along an axis into at most so many parts of about equal thickness."""
    parts = max(1, min(counts[axis], parts))
    edges = [round(i * counts[axis] / parts) for i in range(parts + 1)]
    found = []
    for a, b in itertools.pairwise(edges):
        start, stop = [0, 0, 0], list(counts)
        start[axis], stop[axis] = a, b
        found.append(Box(zyx(start), zyx(stop)))
    return found


def plan_of(image: Volume, model: LoadedModel, settings: InferenceSettings, journal: Path) -> Plan:
    """Look at image, model and devices.

    What depends on the machine of the day (how large a block is, in which numbers the network
    works) is taken from an earlier run that `journal` tells of, where everything else is equal.

    Raises
    ------
    ModelError
        The model gives no affinities.
    SettingsError
        A device is not there, or no block fits its memory.
    VolumeError
        The image cannot be read.
    """
    network = model.settings
    if not isinstance(network, RsunetSettings) or len(model.card.offsets) != network.out_channels:
        raise ModelError(
            f"gives no affinities (architecture {model.card.architecture}, "
            f"{len(model.card.offsets)} offsets)",
            where=model.path,
            remedy="use a residual symmetric U-Net, with one offset for each channel",
        )
    fit = fit_of(Entry(model.card, model.path, shipped=False), image.grid.voxel_size)
    shown = _shown(image, fit)
    asked = _asked(image, model, settings)
    earlier = journal_about(journal)
    if isinstance(earlier, dict) and earlier.get("asked") == asked:
        resolved = earlier["resolved"]
    else:
        resolved = _resolved(shown, model, network, settings)
    return Plan(
        settings=settings,
        image=image,
        card=model.card,
        model_path=model.path.absolute(),
        mapping=mapping_of(shown, model.card.normalisation, settings.contrast, settings.invert),
        tiling=Tiling.of(
            shown.shape, zyx(resolved["block"]), zyx(resolved["overlap"]), network.multiple
        ),
        dtype=resolved["dtype"],
        about={"asked": asked, "resolved": resolved},
    )


def _asked(image: Volume, model: LoadedModel, settings: InferenceSettings) -> dict[str, Any]:
    location = absolute(image.location)
    shaping = {"precision", "block", "overlap", "augment", "contrast", "invert"}
    return {
        "revision": _REVISION,
        "image": [location, stamp_of(location), list(image.shape), image.dtype.str],
        "grid": [list(image.grid.voxel_size), list(image.grid.origin)],
        "model": [model.card.model_dump(mode="json"), stamp_of(str(model.path.absolute()))],
        "settings": settings.model_dump(mode="json", include=shaping),
    }


def _resolved(
    shown: Volume, model: LoadedModel, network: RsunetSettings, settings: InferenceSettings
) -> dict[str, Any]:
    """Return what is chosen for the machine: block, overlap and type of numbers."""
    devices = find_devices(settings.device)
    dtypes = [number_type(settings.precision, device) for device in devices]
    # One type for all devices, so that it makes no difference which one a block comes to.
    dtype = torch.bfloat16 if all(d == torch.bfloat16 for d in dtypes) else torch.float32
    block = settings.block
    if block is None and network.sees_the_block:
        block = model.card.patch  # as in training: its normalisation depends on the extent
    if block is None:
        assert isinstance(model.network, Chain)
        needed = bytes_per_voxel(model.network, network.in_channels, network.multiple, dtype)
        free = min(int(settings.memory * 1e9) or free_memory(device) for device in devices)
        block = fitting_block(
            free, needed, devices[0].type, network.multiple, shown.grid.voxel_size
        )
    overlap = settings.overlap or zyx([n // 2 for n in model.card.patch])
    return {
        "block": list(block),
        "overlap": list(overlap),
        "dtype": str(dtype).removeprefix("torch."),
    }


def _shown(image: Volume, fit: Fit) -> Volume:
    return at_voxel_size(image, fit.entry.card.voxel_size) if fit.resamples else image


@lru_cache(maxsize=1)
def _loaded(path: Path) -> LoadedModel:
    return load_model(path)
