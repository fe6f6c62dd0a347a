"""What can be set of a conversion."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from napari_axonem.settings import ZYX_NM, Point, Positional, TeamSettings, VoxelSize
from napari_axonem.volumes.reduction import Kind

Dtype: TypeAlias = Literal[
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float32",
    "float64",
]


def _range(text: str) -> tuple[int | None, int | None]:
    start, colon, stop = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is not START:STOP")
    return (int(start) if start.strip() else None), (int(stop) if stop.strip() else None)


def _ranges(value: object) -> object:
    """Let three ranges be written as ``z0:z1,y0:y1,x0:x1``; an end may be left out."""
    return tuple(_range(part) for part in value.split(",")) if isinstance(value, str) else value


_Range: TypeAlias = tuple[Annotated[int, Field(ge=0)] | None, Annotated[int, Field(ge=1)] | None]

Region = Annotated[tuple[_Range, _Range, _Range], BeforeValidator(_ranges)]
"""Half-open ranges of voxels along z, y, x; None where a range goes to the edge."""


class ConvertSettings(TeamSettings):
    """What `convert` takes."""

    source: Annotated[str, Positional("SRC")] = Field(
        description="file.h5:dataset, store.zarr/path, file.tif, or whatever 'info' can read"
    )
    destination: Annotated[str, Positional("DST")] = Field(
        description="NAME.zarr, NAME.h5:DATASET and others; the suffix says the format"
    )
    voxel_size: VoxelSize | None = Field(
        None,
        description="voxel edges of SRC in nm, where it does not say or is wrong",
        json_schema_extra=dict(ZYX_NM),
    )
    origin: Point | None = Field(
        None,
        description="corner of the first voxel of SRC in nm, where it does not say or is wrong "
        "(--origin=-8,0,0 where it begins with a minus)",
        json_schema_extra=dict(ZYX_NM),
    )
    kind: Kind | None = Field(
        None, description="grey values or ids (default: what SRC says, else by its type)"
    )
    dtype: Dtype | None = Field(
        None, description="type of voxels to write; every value must be kept exactly"
    )
    region: Region | None = Field(
        None,
        description="voxels of SRC to convert (default: all)",
        json_schema_extra={"metavar": "Z0:Z1,Y0:Y1,X0:X1"},
    )
    format: str = Field(
        "", description="format to write where the suffix does not say it, such as ome-zarr-0.4"
    )
    overwrite: bool = Field(False, description="replace DST")
    fill: bool = Field(
        False, description="write 0 where SRC is damaged, and list where, instead of stopping"
    )
    check: bool = Field(True, description="read DST back and compare it with what SRC gave")
