"""What can be set of the making of a project."""

from __future__ import annotations

from pydantic import Field, model_validator

from napari_axonem.settings import ZYX_NM, TeamSettings, VoxelSize


class CreateSettings(TeamSettings):
    """What a project is made of. Volumes are named as `file.h5:dataset` or `store.zarr/path`."""

    fragments: str | None = Field(None, description="supervoxels, never cut by merging")
    segmentation: str | None = Field(
        None, description="segmentation to start from; without --fragments its objects are those"
    )
    cut_objects: float | None = Field(
        None,
        gt=0,
        description="without --fragments, cut the objects of the segmentation into fragments of "
        "about this size in nm",
        json_schema_extra={"metavar": "NM"},
    )
    truth: str | None = Field(None, description="ground-truth labels")
    image: str | None = Field(None, description="the EM image")
    affinities: str | None = Field(
        None, description="affinities (3, z, y, x) to the next lower voxel; weigh contacts and cuts"
    )
    scores: str | None = Field(
        None,
        description="merge tree of an agglomeration: npz with columns u, v (ids of fragments) and "
        "score in 0..1; thresholds are compared with it instead of the mean affinity",
    )
    threshold: float | None = Field(
        None, ge=0, le=1, description="join fragments whose score is at least this"
    )
    skeletons: str | None = Field(
        None, description="skeletons of the truth: em_erl npz, SWC, HDF5 or precomputed"
    )
    voxel_size: VoxelSize | None = Field(
        None,
        description="voxel edges in nm, where the files do not say",
        json_schema_extra=dict(ZYX_NM),
    )

    @model_validator(mode="after")
    def _fits_together(self) -> CreateSettings:
        if self.fragments is None and self.segmentation is None:
            raise ValueError("a project needs fragments or a segmentation")
        if self.cut_objects and (self.fragments or not self.segmentation):
            raise ValueError("--cut-objects is for a segmentation without fragments")
        if self.threshold is not None and self.affinities is None and self.scores is None:
            raise ValueError("a threshold needs affinities or the scores of a merge tree")
        if self.threshold is not None and self.segmentation is not None:
            raise ValueError("a segmentation and a threshold cannot both say what is joined")
        return self
