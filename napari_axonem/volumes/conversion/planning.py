"""What a conversion is to do, worked out from its settings before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Zyx
from napari_axonem.volumes.chunking import storable
from napari_axonem.volumes.conversion.reading import (
    Reading,
    Source,
    absolute,
    files_of,
    stamp_of,
)
from napari_axonem.volumes.conversion.settings import ConvertSettings
from napari_axonem.volumes.conversion.work import Work
from napari_axonem.volumes.kinds import kind_of
from napari_axonem.volumes.labels import require_labels
from napari_axonem.volumes.opening import open_volume
from napari_axonem.volumes.reduction import Kind
from napari_axonem.volumes.volume import Volume
from napari_axonem.volumes.writers.omezarr import OME_ZARR_05
from napari_axonem.volumes.writers.registry import Target, find_target, word_of
from napari_axonem.volumes.writers.sink import Content, Writer

_REVISION = 1
"""Raised when the same settings come to give other files."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, before anything is."""

    settings: ConvertSettings
    reading: Reading
    content: Content
    target: Target

    reason: str
    """Why the kind was taken."""

    read_at_once: Zyx | None
    """What is decoded of the source together, such as a chunk or a section, if that is known."""

    @property
    def destination(self) -> Path:
        """The final name, not depending on the current folder."""
        return self.target.path.absolute()

    @property
    def first_writer(self) -> Writer:
        """What writes the voxels that several processes read, in any order."""
        return self.target.writer if self.target.writer.resume else OME_ZARR_05

    def first_sink(self, work: Work) -> Path:
        """Return where it writes them."""
        return work.result if self.target.writer.resume else work.stage

    @property
    def about(self) -> dict[str, Any]:
        """What must be equal for an earlier run to be taken up."""
        made, read = self.content, self.reading
        return {
            "revision": _REVISION,
            "source": [read.location, read.stamp, list(read.start)],
            "format": word_of(self.target.writer),
            "name": made.name,
            "shape": list(made.shape),
            "dtype": made.dtype.str,
            "kind": made.kind,
            "voxel_size": list(made.grid.voxel_size),
            "origin": list(made.grid.origin),
        }


def plan_of(settings: ConvertSettings, given: Source | None = None) -> Plan:
    """Look at the source and the destination, and write nothing.

    Parameters
    ----------
    given
        Takes the place of what the settings name as the source.

    Raises
    ------
    VolumeError
        The source cannot be opened, or the destination cannot be what is asked for.
    """
    volume = given.volume if given else _opened(settings)
    location = absolute(volume.location)
    stamp = given.stamp if given else stamp_of(location)
    path = files_of(location)
    guess, reason = kind_of(volume)
    kind = settings.kind or guess
    box = _region(volume, settings)
    dtype = _dtype(volume, settings, kind)
    target = find_target(settings.destination, kind, settings.format)
    _refuse_within(target, path)
    return Plan(
        settings=settings,
        reading=Reading(
            location,
            volume.grid,
            stamp,
            box.start,
            dtype,
            settings.fill,
            given.volume if given else None,
        ),
        content=Content(
            shape=box.shape,
            dtype=storable(box.shape, dtype, kind, settings.destination),
            grid=volume.grid.beginning_at(box.start),
            kind=kind,
            name=target.name,
        ),
        target=target,
        reason="it was said so" if settings.kind else reason,
        read_at_once=getattr(volume.levels[0], "chunks", None),
    )


def _opened(settings: ConvertSettings) -> Volume:
    return open_volume(settings.source, voxel_size=settings.voxel_size, origin=settings.origin)


def _region(volume: Volume, settings: ConvertSettings) -> Box:
    ranges = settings.region or ((None, None),) * 3
    z, y, x = (a or 0 for a, _ in ranges)
    dz, dy, dx = (n if b is None else b for (_, b), n in zip(ranges, volume.shape, strict=True))
    box = Box((z, y, x), (dz, dy, dx))
    if not box.size or box != box.intersect(volume.box):
        raise VolumeError(
            f"region {box.start}..{box.stop} is not inside the shape {volume.shape}",
            where=volume.location,
            remedy="choose START:STOP inside of it along each of z, y, x",
        )
    return box


def _dtype(volume: Volume, settings: ConvertSettings, kind: Kind) -> np.dtype[Any]:
    """Return the type to write: ids are unsigned, truth values become 0 and 1."""
    if settings.dtype:
        return np.dtype(settings.dtype)
    if kind == "labels":
        return require_labels(volume).dtype
    return np.dtype(np.uint8) if volume.dtype.kind == "b" else volume.dtype


def _refuse_within(target: Target, source: Path | None) -> None:
    """Raise `VolumeError` where the source would be replaced or hold its own copy."""
    if source is None:
        return
    new, old = target.path.resolve(), source.resolve()
    if new == old or old in new.parents or new in old.parents:
        raise VolumeError(
            f"lies in the way of the source {source}",
            where=target.path,
            remedy="choose a destination outside of it",
        )
