"""How affinities are predicted; this module does not load torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_axonem.networks.precision import Precision
from napari_axonem.settings import Shape, TeamSettings


class InferenceSettings(TeamSettings):
    """Settings of `napari_axonem.segmentation.inference.prediction.predict_affinities`."""

    device: str = Field(
        "auto",
        description="auto, cpu, or GPUs such as cuda:0,cuda:1 (default: all that there are)",
    )
    precision: Precision = Field(
        "auto", description="of the network; auto: bfloat16 where the device computes it fast"
    )
    block: Shape | None = Field(
        None,
        description="largest extent z,y,x in voxels that the network sees at once (default: what "
        "fits into memory)",
    )
    overlap: Shape | None = Field(
        None,
        description="voxels z,y,x over which neighbouring blocks fade into each other (default: "
        "half of the extent the model was trained on)",
    )
    augment: Literal["none", "flips", "all"] = Field(
        "none",
        description="average over flipped blocks (8 times the work), or over flipped and turned "
        "ones (16, or 48 where voxels are isotropic)",
    )
    contrast: Literal["auto", "as is", "stretch", "match"] = Field(
        "auto",
        description="stretch: the 0.1 and 99.9 percentiles of the greys become 0 and 255; match: "
        "mean and spread become the model's; auto: uint8 as is, others stretched",
    )
    invert: Literal["auto", "yes", "no"] = Field(
        "auto", description="whether membranes are bright; auto looks, and says what it found"
    )
    compile: bool = Field(
        False, description="let torch.compile make one program of the network first"
    )
    memory: float = Field(
        0.0,
        ge=0,
        description="GB that a block may take on each device (default: 60 percent of what is free)",
    )
    overwrite: bool = Field(False, description="replace what is at the destination")
