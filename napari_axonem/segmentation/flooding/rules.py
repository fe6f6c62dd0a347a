"""The numbers that decide how objects grow, as logits and voxels."""

from __future__ import annotations

from dataclasses import dataclass

from napari_axonem.geometry import Zyx
from napari_axonem.networks.ffn import logit
from napari_axonem.segmentation.flooding.settings import FloodSettings


@dataclass(frozen=True, slots=True)
class Rules:
    """What the growth of an object follows."""

    fov: Zyx
    """Extent (z, y, x) of the field of view in voxels, odd."""

    step: Zyx
    """How far (z, y, x) the field of view moves, in voxels."""

    seed: float
    """Logit that the first voxel begins with."""

    unknown: float
    """Logit of voxels that the network has not looked at."""

    move: float
    """Logit from which on the field of view goes somewhere."""

    segment: float
    """Logit from which on a voxel belongs to the object."""

    freeze: bool
    """Whether voxels that were said to be outside stay there."""

    min_size: int
    """Voxels that an object has at least."""

    seed_distance: int
    """Voxels between a seed and what is segmented already."""

    @classmethod
    def of(cls, settings: FloodSettings, fov: Zyx, step: Zyx) -> Rules:
        """Return the rules of settings, for a network of this field of view and step."""
        return cls(
            fov=fov,
            step=step,
            seed=logit(settings.seed_probability),
            unknown=logit(settings.unknown_probability),
            move=logit(settings.move_probability),
            segment=logit(settings.segment_probability),
            freeze=settings.freeze,
            min_size=settings.min_size,
            seed_distance=settings.seed_distance,
        )

    @property
    def reach(self) -> Zyx:
        """Voxels (z, y, x) that the field of view reaches from its centre."""
        z, y, x = (n // 2 for n in self.fov)
        return z, y, x
