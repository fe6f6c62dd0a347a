"""What a project is to be made of, looked at before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_axonem.errors import MismatchError
from napari_axonem.evaluation.cells import check_affinities
from napari_axonem.geometry import Grid, Zyx
from napari_axonem.proofreading.creation.settings import CreateSettings
from napari_axonem.volumes import Volume, open_affinities, open_volume
from napari_axonem.volumes.conversion.reading import Reading, absolute, stamp_of
from napari_axonem.volumes.kinds import refuse_image
from napari_axonem.volumes.labels import require_labels

_REVISION = 1
"""Raised when the same settings come to give other files."""

_ROLES = ("fragments", "segmentation", "truth", "image", "affinities", "scores", "skeletons")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, before anything is."""

    settings: CreateSettings

    shape: Zyx
    """Extent (z, y, x) in voxels."""

    grid: Grid
    """Voxel size and origin in nm."""

    labels: Reading
    """What the fragments are made of."""

    segmentation: Reading | None
    """What says which fragments are joined; None where nothing does."""

    truth: Reading | None

    affinities: str | None
    """Where the affinities lie, not depending on the current folder."""

    affinity_scale: float
    """What affinity 1 is in the terms of a table; nan without affinities."""

    @property
    def said(self) -> dict[str, Any]:
        """What the project says of its making."""
        values = self.settings.model_dump(exclude={"workers", "scheduler"})
        for role in _ROLES:
            if values[role] is not None:
                values[role] = absolute(values[role])
        return {**values, "voxel_size": list(self.grid.voxel_size)}

    @property
    def about(self) -> dict[str, Any]:
        """What must be equal for an earlier run to be taken up."""
        values = self.said
        stamps = {role: stamp_of(values[role]) for role in _ROLES if values[role] is not None}
        return {
            "revision": _REVISION,
            **values,
            "stamps": stamps,
            "shape": list(self.shape),
            "origin": list(self.grid.origin),
        }


def plan_of(settings: CreateSettings) -> Plan:
    """Look at the volumes, and write nothing.

    Raises
    ------
    MismatchError
        They do not lie on one grid.
    VolumeError
        One cannot be opened, or holds no labels but an image.
    """
    volumes = {
        role: open_volume(location, voxel_size=settings.voxel_size)
        for role in _ROLES[:4]
        if (location := getattr(settings, role)) is not None
    }
    _require_one_grid(volumes)
    (role, main), *_ = volumes.items()
    scale = float("nan")
    if settings.affinities is not None:
        scale = check_affinities(open_affinities(settings.affinities), main)
    read = {
        name: _reading(volume)
        for name, volume in volumes.items()
        if name in ("fragments", "segmentation", "truth")
    }
    is_grouped = settings.fragments is not None or settings.cut_objects is not None
    return Plan(
        settings=settings,
        shape=main.shape,
        grid=main.grid,
        labels=read[role],
        segmentation=read.get("segmentation") if is_grouped else None,
        truth=read.get("truth"),
        affinities=None if settings.affinities is None else absolute(settings.affinities),
        affinity_scale=scale,
    )


def _reading(volume: Volume) -> Reading:
    location = absolute(volume.location)
    dtype = np.dtype(require_labels(volume).dtype)
    refuse_image(volume)
    return Reading(location, volume.grid, stamp_of(location), (0, 0, 0), dtype)


def _require_one_grid(volumes: dict[str, Volume]) -> None:
    first, *others = volumes.items()
    for role, volume in others:
        for name, mine, theirs in (
            ("shape", first[1].shape, volume.shape),
            ("voxel size", first[1].grid.voxel_size, volume.grid.voxel_size),
        ):
            if mine != theirs:
                raise MismatchError(
                    f"the {name} of the {first[0]} is {mine}, that of the {role} is {theirs}",
                    where=volume.location,
                    remedy="give volumes on one grid",
                )
