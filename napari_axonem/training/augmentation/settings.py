"""How much the field is varied: probabilities a patch, amounts in nm and grey levels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from napari_axonem.settings import Settings

Chance = Annotated[float, Field(ge=0, le=1)]
"""A probability."""


class AugmentationSettings(Settings):
    """What is done to a patch before the network sees it. Lengths are in nm.

    Chances of defects are per section where sections are thick, and per patch where voxels are
    isotropic: such volumes are milled, and have few.
    """

    flips: bool = Field(True, description="mirror along each axis")
    transposes: bool = Field(
        True, description="exchange axes of equal voxel size (y and x, or all three)"
    )
    rotation: Chance = Field(0.3, description="chance that a patch is turned in the section plane")
    scale: float = Field(
        0.1, ge=0, le=0.5, description="largest change of size when a patch is turned or bent"
    )
    elastic: Chance = Field(0.3, description="chance that a patch is bent")
    elastic_spacing: float = Field(
        250.0, gt=0, description="distance in nm between points that move independently"
    )
    elastic_amount: float = Field(
        20.0, ge=0, description="standard deviation in nm of how far they move"
    )
    contrast: float = Field(0.25, ge=0, le=0.9, description="largest relative change of contrast")
    brightness: float = Field(
        0.12, ge=0, le=0.9, description="largest change of brightness, as a share of the range"
    )
    gamma: float = Field(0.3, ge=0, le=1, description="largest exponent's logarithm (base 2)")
    noise: float = Field(
        0.04, ge=0, le=0.5, description="largest standard deviation of noise, share of the range"
    )
    blur: Chance = Field(0.1, description="chance that the whole patch is blurred")
    missing: Chance = Field(0.03, description="chance that a section is missing, whole or half")
    blurred: Chance = Field(0.03, description="chance that a section is out of focus")
    shifted: Chance = Field(0.03, description="chance that a section, or all from it on, moves")
    largest_shift: float = Field(60.0, ge=0, description="largest shift of a section in nm")


NONE = AugmentationSettings(
    flips=False, transposes=False, rotation=0, scale=0, elastic=0, contrast=0, brightness=0,
    gamma=0, noise=0, blur=0, missing=0, blurred=0, shifted=0,
)  # fmt: skip
"""Leaves patches as they are."""
