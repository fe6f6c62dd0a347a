"""A flood-filling network on a device: many fields of view at once, in bf16 where that is fast."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_axonem.errors import ModelError
from napari_axonem.networks.chain import Chain
from napari_axonem.networks.ffn import mask_update
from napari_axonem.networks.precision import Precision, number_type
from napari_axonem.segmentation.inference.devices import find_device, is_out_of_memory, release

Fields = npt.NDArray[np.float32]
"""Fields of view, shape (n, z, y, x)."""

AT_ONCE_ON_GPU = 32
AT_ONCE_ON_CPU = 1
"""One field of view keeps all cores busy, and a batch of them no longer fits the caches."""


class Predictor:
    """Says how the masks of objects change in fields of view.

    The convolutions work in bf16 where asked, and in channels-last order, in which one voxel's
    features lie together: the processor's and the GPU's matrix units want both. The mask itself,
    to which the convolutions' result is added, stays in full precision.

    Parameters
    ----------
    network
        From `napari_axonem.networks.ffn.build`; it is left as it is.
    device
        ``"auto"``, ``"cpu"`` or a GPU such as ``"cuda:0"``.
    precision
        ``"auto"`` takes bf16 where the device has instructions for it.

    Raises
    ------
    SettingsError
        There is no such device.
    ModelError
        It is another kind of network.
    """

    def __init__(
        self,
        network: nn.Module,
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        if not isinstance(network, Chain):
            raise ModelError("no chain of operations", where=type(network).__name__)
        auto = "cuda:0" if torch.cuda.is_available() else "cpu"
        self.device = find_device(auto if device == "auto" else device)
        self._type = number_type(precision, self.device)
        self.precision = str(self._type).removeprefix("torch.")
        self._update = mask_update(copy.deepcopy(network)).eval().to(self.device, self._type)
        self._update.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    @property
    def at_once(self) -> int:
        """Fields of view that this device had better compute together."""
        return AT_ONCE_ON_CPU if self.device.type == "cpu" else AT_ONCE_ON_GPU

    def __call__(self, images: Fields, masks: Fields) -> Fields:
        """Return the new logits of masks.

        Parameters
        ----------
        images
            Normalised grey values.
        masks
            Logits, of the same shape; left as they are.

        Raises
        ------
        ModelError
            The network returned NaN or an infinity, or not even one field of view fits into memory.
        """
        logits = self._logits(images, masks)
        if not np.isfinite(logits.sum()):  # NaN and infinities survive a sum
            raise ModelError(
                "the network returned NaN or infinities",
                where=f"flood-filling network on {self.device} in {self.precision}",
                remedy="check the image for values far beyond those that it was trained on",
            )
        return logits

    def _logits(self, images: Fields, masks: Fields) -> Fields:
        """Return new masks; in halves where the device has too little memory."""
        try:
            with torch.inference_mode():
                shown, before = (torch.from_numpy(a).to(self.device) for a in (images, masks))
                both = torch.stack([shown, before], dim=1).to(self._type)
                seen = both.contiguous(memory_format=torch.channels_last_3d)
                found: Fields = self._update.run((seen,))[0][:, 0].add(before).cpu().numpy()
                return found
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(images) == 1:
                raise ModelError(
                    "one field of view does not fit into memory",
                    where=f"flood-filling network on {self.device}",
                    remedy="let other programs end, or use --device cpu",
                ) from error
        release(self.device)  # after the handler, which holds on to memory
        half = len(images) // 2
        parts = [
            self._logits(images[part], masks[part]) for part in (slice(half), slice(half, None))
        ]
        return np.concatenate(parts)
