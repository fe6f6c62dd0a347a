"""What can be set of a segmentation; this module does not load torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from napari_axonem.networks.precision import Precision
from napari_axonem.segmentation.fragments.settings import Rule
from napari_axonem.settings import ZYX_NM, Positional, TeamSettings, VoxelSize

_RULE = Rule()


class SegmentSettings(TeamSettings):
    """What `segment` takes."""

    volume: Annotated[str, Positional()] = Field("", description="the EM image")
    destination: Annotated[str, Positional("OUT")] = Field(
        "", description="folder NAME.segmentation, or NAME.axonem for a project beside it"
    )
    method: Literal["agglomeration", "flooding"] = Field(
        "agglomeration", description="how segments are made"
    )
    model: str = Field(
        "", description="name or file of a model (default: the one that fits the voxel size best)"
    )
    list_models: bool = Field(False, description="list the models, and do nothing else")
    affinities: str = Field(
        "",
        description="affinities (3, z, y, x) to start from, instead of a model; flood filling "
        "places its seeds by them",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="mean affinity from which on fragments are joined (default: the model's)",
    )
    voxel_size: VoxelSize | None = Field(
        None,
        description="voxel edges of VOLUME in nm, where it does not say",
        json_schema_extra=dict(ZYX_NM),
    )
    inside: float = Field(
        _RULE.inside, gt=0, lt=1, description="voxels of less mean affinity are membrane"
    )
    smoothing: float = Field(
        _RULE.smoothing,
        ge=0,
        le=8,
        description="of the distance to the membrane, in voxels: more gives fewer fragments",
    )
    smallest_fragment: int = Field(
        0, ge=0, description="fragments of fewer voxels of the affinities become background"
    )
    dust: int = Field(
        0, ge=0, description="segments of fewer voxels of the affinities become background"
    )
    truth: str | None = Field(None, description="ground-truth labels, for a project")
    device: str = Field("auto", description="auto, cpu, or GPUs such as cuda:0,cuda:1")
    precision: Precision = Field(
        "auto", description="of the network; auto: bfloat16 where the device computes it fast"
    )
    augment: Literal["none", "flips", "all"] = Field(
        "none", description="average over flipped blocks (8 times the work), or turned ones too"
    )
    invert: Literal["auto", "yes", "no"] = Field(
        "auto", description="whether membranes are bright; auto looks, and says what it found"
    )
    overwrite: bool = Field(False, description="replace OUT")

    @property
    def rule(self) -> Rule:
        """How fragments are made."""
        return Rule(inside=self.inside, smoothing=self.smoothing)
