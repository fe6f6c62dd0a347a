"""What an export can be told: the flags of `export`, and the form in the window."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from napari_axonem.evaluation.meshes import MeshFormat
from napari_axonem.evaluation.skeletons.tracing import Preset
from napari_axonem.proofreading.exporting.crops import AROUND_NM
from napari_axonem.proofreading.exporting.places import BoxNm
from napari_axonem.settings import Positional, TeamSettings

FILE = {"metavar": "FILE"}


class ExportSettings(TeamSettings):
    """What `export` takes."""

    project: Annotated[str, Positional()] = Field(description="folder NAME.axonem")
    destination: Annotated[str, Positional("DST")] = Field(
        "",
        description="corrected labels: NAME.zarr (OME-Zarr), NAME.h5[:DATASET], NAME.tif or "
        "NAME.precomputed",
    )
    level: int = Field(
        0, ge=0, description="scale of labels, meshes and skeletons, 0 for full size"
    )
    box: BoxNm | None = Field(
        None,
        description="part of the volume in nm; everything stays where it was",
        json_schema_extra={"metavar": "Z0:Z1,Y0:Y1,X0:X1"},
    )
    format: str = Field(
        "", description="format to write where the suffix does not say it, such as ome-zarr-0.4"
    )
    table: str = Field(
        "",
        description="the segment of each fragment, as NAME.csv or NAME.npz",
        json_schema_extra=dict(FILE),
    )
    points: str = Field(
        "",
        description="where the edits in force were made, as NAME.csv or NAME.json",
        json_schema_extra=dict(FILE),
    )
    objects: list[int] = Field(
        [], description="objects to write labels, meshes and skeletons of, as the window numbers "
        "them (default: all)", json_schema_extra={"metavar": "N"},
    )  # fmt: skip
    meshes: str = Field(
        "", description="folder for a mesh of each object", json_schema_extra={"metavar": "DIR"}
    )
    mesh_format: MeshFormat = Field(
        "precomputed", description="precomputed (Neuroglancer's legacy meshes), ply or obj"
    )
    mesh_error: float = Field(
        40.0,
        ge=0,
        description="most by which a surface may move so that there are fewer triangles",
        json_schema_extra={"metavar": "NM"},
    )
    skeletons: str = Field(
        "",
        description="centre lines: NAME/ (SWC files), NAME.swc, NAME.precomputed or NAME.npz",
        json_schema_extra={"metavar": "OUT"},
    )
    preset: Preset = Field("em_erl", description="published parameters of TEASAR for skeletons")
    crops: str = Field(
        "",
        description="folder for training crops (image, labels, mask of what was checked), one "
        "wherever something was checked, or one of --box",
        json_schema_extra={"metavar": "DIR"},
    )
    checked: list[int] = Field(
        [], description="objects that were looked through, besides those marked done, for --crops",
        json_schema_extra={"metavar": "N"},
    )  # fmt: skip
    around: float = Field(
        AROUND_NM,
        gt=0,
        description="how far around an edit's points crops count as checked",
        json_schema_extra={"metavar": "NM"},
    )
    overwrite: bool = Field(False, description="replace what is there")
