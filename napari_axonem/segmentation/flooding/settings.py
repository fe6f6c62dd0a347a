"""How a volume is flooded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from napari_axonem.networks.precision import Precision
from napari_axonem.settings import Settings, Shape

Probability = Annotated[float, Field(gt=0, lt=1)]


class FloodSettings(Settings):
    """What flood filling takes; the defaults are the published ones."""

    seed_probability: Probability = Field(
        0.95, description="of the voxel that an object begins with"
    )
    unknown_probability: Probability = Field(
        0.05, description="of voxels that the network has not looked at yet"
    )
    move_probability: Probability = Field(
        0.9, description="that the centre of the field of view must have to go there"
    )
    segment_probability: Probability = Field(
        0.6, description="from which on a voxel belongs to the object"
    )
    freeze: bool = Field(
        True,
        description="a voxel that was once said not to belong to the object cannot return to it",
    )
    min_size: int = Field(1000, ge=0, description="objects of fewer voxels stay background")
    seed_distance: int = Field(
        1, ge=0, description="voxels between a seed and any object that is there already"
    )
    affinities: str = Field(
        "",
        description="affinities (3, z, y, x) to place seeds by; by edges of the image where empty",
    )
    seed_affinity: Probability = Field(
        0.5, description="mean affinity from which on a voxel is inside of something"
    )
    seed_order: Literal["forward", "reverse", "both"] = Field(
        "forward",
        description="order of the seeds; both floods twice, and parts objects wherever the two "
        "results disagree",
    )
    at_once: int = Field(
        0, ge=0, description="fields of view that are computed together (default: by device)"
    )
    agreement: float = Field(
        0.5,
        gt=0,
        le=1,
        description="part of the smaller of two objects of neighbouring blocks, where both know "
        "them, that must be common to make them one",
    )
    invert: Literal["auto", "yes", "no"] = Field(
        "no", description="whether membranes are bright; auto looks, and says what it found"
    )
    device: str = Field("auto", description="auto, cpu, or a GPU such as cuda:0")
    precision: Precision = Field(
        "auto", description="of the convolutions; auto: bfloat16 where the device computes it fast"
    )
    block: Shape = Field(
        (256, 256, 256), description="voxels z,y,x that are flooded at once, without their margin"
    )
    margin: Shape = Field(
        (40, 40, 40),
        description="voxels z,y,x around a block that are flooded with it, to compare neighbours",
    )
    checkpoint_every: float = Field(
        60.0, gt=0, description="seconds between checkpoints within a block"
    )
