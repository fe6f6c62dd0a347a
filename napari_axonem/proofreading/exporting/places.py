"""Which part of a project is exported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import numpy as np
from pydantic import BeforeValidator

from napari_axonem.errors import SettingsError
from napari_axonem.geometry import SNAP, Box, Grid, zyx
from napari_axonem.proofreading.project import Project
from napari_axonem.volumes import Volume


def _range(text: str) -> tuple[float, float]:
    start, colon, stop = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is not START:STOP")
    return float(start), float(stop)


def _ranges(value: object) -> object:
    return tuple(_range(part) for part in value.split(",")) if isinstance(value, str) else value


BoxNm: TypeAlias = Annotated[
    tuple[tuple[float, float], tuple[float, float], tuple[float, float]], BeforeValidator(_ranges)
]
"""Half-open ranges along z, y, x in nm, written as ``z0:z1,y0:y1,x0:x1``."""


def voxels_of(box_nm: BoxNm | None, volume: Volume) -> Box:
    """Return the voxels of a volume that a box in nm touches; all of them where it is None.

    Raises
    ------
    SettingsError
        It touches none.
    """
    if box_nm is None:
        return volume.box
    found = touched(box_nm, volume.grid).intersect(volume.box)
    if not found.size:
        raise SettingsError(
            f"no voxel lies in the box {box_nm}",
            where="--box",
            remedy=f"the volume is Z0:Z1,Y0:Y1,X0:X1 = {volume.grid.ranges_nm(volume.box)} nm",
        )
    return found


def touched(box_nm: BoxNm, grid: Grid) -> Box:
    """Return the voxels of a grid that a box in nm touches; it may lie anywhere."""
    edges = (np.array(box_nm).T - grid.origin) / grid.voxel_size
    nearest = np.rint(edges)
    close = np.abs(edges - nearest) <= SNAP * np.maximum(1.0, np.abs(edges))
    start = np.where(close[0], nearest[0], np.floor(edges[0]))
    stop = np.where(close[1], nearest[1], np.ceil(edges[1]))
    return Box(zyx(start), zyx(np.maximum(start, stop)))


def region_of(box: Box) -> tuple[tuple[int, int], ...]:
    """Return a box as `ConvertSettings` takes it."""
    return tuple(zip(box.start, box.stop, strict=True))


def box_around(project: Project, objects: Sequence[int]) -> Box:
    """Return the smallest box, in voxels of full size, that holds all of some segments."""
    cells = project.state.cells
    rows = np.isin(project.segment[cells.fragment], np.asarray(objects, np.int64))
    if not rows.any():
        return Box((0, 0, 0), (0, 0, 0))
    return Box(zyx(cells.start[rows].min(axis=0)), zyx(cells.stop[rows].max(axis=0)))
