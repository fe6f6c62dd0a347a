"""A network on one device: from the greys of a block to its affinities."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from napari_axonem.errors import BlockError, SettingsError
from napari_axonem.geometry import Box, zyx
from napari_axonem.networks.files import LoadedModel
from napari_axonem.networks.rsunet import RsunetSettings, fold_norms
from napari_axonem.segmentation.inference.augmentation import Turn, augmented
from napari_axonem.segmentation.inference.blending import ONE, Counted
from napari_axonem.segmentation.inference.devices import is_out_of_memory, release
from napari_axonem.segmentation.inference.reading import Input
from napari_axonem.segmentation.inference.tiling import WEIGHT, Tiling

DEEPEST = 4
"""So many times a block is halved when the memory does not suffice."""


class Predictor:
    """Runs a network on a device.

    Batch normalisations are folded into the convolutions, numbers are bf16 or float32, and the
    channels of a voxel lie together: on a processor with instructions for bf16 that makes three
    times the voxels a second of the network as it was trained.

    A block that does not fit into the device's memory is done in overlapping parts of half its
    extent, which fade into each other; so are all that follow on this device.

    Parameters
    ----------
    model
        Its network is left as it is.
    device, dtype
        Where, and in which numbers.
    orientations
        Of the test-time augmentation, the untouched one first.
    compiled
        Have ``torch.compile`` make one program of the network first; worth it for many blocks of
        one shape.
    """

    def __init__(
        self,
        model: LoadedModel,
        device: torch.device,
        dtype: torch.dtype,
        orientations: list[Turn],
        compiled: bool = False,
    ) -> None:
        assert isinstance(model.settings, RsunetSettings)
        network = copy.deepcopy(model.network).eval()
        fold_norms(network)
        network = network.to(device, dtype).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.device = device
        self._dtype = dtype
        self._network: Callable[[Tensor], Tensor] = torch.compile(network) if compiled else network
        self._orientations = orientations
        self._offsets = [zyx(offset) for offset in model.card.offsets]
        self._multiple = model.settings.multiple
        self._halvings = 0

    def __call__(self, given: Input) -> Counted:
        """Return the affinities (c, z, y, x) of a block, counted in steps of ``1 / ONE``.

        Raises
        ------
        BlockError
            The network returned NaN.
        SettingsError
            The device's memory does not suffice for a small part of the block either.
        """
        with torch.inference_mode():
            result = self._fitted(given)
        for z in given.empty:
            result[:, z] = 0
        return result

    @property
    def halvings(self) -> int:
        """How often blocks are halved along each axis, because memory did not suffice."""
        return self._halvings

    def _fitted(self, given: Input) -> Counted:
        """Return the result for a block, in as many parts as must be."""
        while True:
            try:
                return self._in_parts(given)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                cause = str(error).splitlines()[0] if str(error) else type(error).__name__
            # Outside of the handler: the error holds on to the tensors that filled the memory.
            release(self.device)
            self._halvings += 1
            if self._halvings > DEEPEST:
                raise SettingsError(
                    f"the memory of {self.device} does not suffice for parts of a block ({cause})",
                    where=f"block at voxel {given.box.start}",
                    remedy="close other programs, or name another --device",
                )

    def _in_parts(self, given: Input) -> Counted:
        image = torch.from_numpy(given.greys)
        if not self._halvings:
            return self._counted(image, given)
        whole = Box.of_shape(image.shape)
        extent = zyx(np.maximum(np.array(whole.shape) >> self._halvings, self._multiple))
        overlap = zyx(np.array(extent) // 4)
        parts = Tiling.of(whole.shape, extent, overlap, self._multiple, reaches=False)
        total = np.zeros((len(self._offsets), *whole.shape), np.int32)
        for index in parts.indices():
            box = parts.block(index).intersect(whole)
            counted = self._counted(image[box.slices].contiguous(), given)
            for piece in parts.pieces(index):
                where = piece.of_tile.shift(parts.tile(piece.tile).start)
                total[(slice(None), *where.slices)] += counted[
                    (slice(None), *piece.of_block.slices)
                ] * parts.weights(piece.tile, index)
        total += WEIGHT**3 // 2
        total //= WEIGHT**3
        return total.astype(np.uint16)

    def _counted(self, image: Tensor, given: Input) -> Counted:
        """Run the network on one tensor (z, y, x)."""
        shown = image[None, None].to(self.device, non_blocking=True).to(self._dtype)
        affinities = augmented(self._run, shown, self._orientations, self._offsets)
        # NaN passes through minimum and maximum, and one number is soon fetched from a device.
        if not bool(torch.isfinite(affinities.sum())):
            raise BlockError(
                "the network returned NaN",
                where=f"block {given.box.start}..{given.box.stop}",
                remedy="try --precision float32; if that does not help, the model is damaged, or "
                "the image far from what it was trained on",
            )
        counted = (affinities * ONE).round_().to(torch.int16)
        return counted.cpu().numpy().view(np.uint16)

    def _run(self, image: Tensor) -> Tensor:
        image = image.contiguous(memory_format=torch.channels_last_3d)
        return torch.sigmoid(self._network(image)[0].float())
