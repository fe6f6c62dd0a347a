"""OME-Zarr pyramids: 0.5 in zarr 3, and 0.4 in zarr 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_axonem.geometry import Box, Zyx
from napari_axonem.progress import Progress
from napari_axonem.volumes import containers
from napari_axonem.volumes.disk import guarded
from napari_axonem.volumes.formats import ngff
from napari_axonem.volumes.pyramid import Pyramid
from napari_axonem.volumes.writers.sink import Content, Writer

_TORN = "*.partial"
"""What zarr calls a chunk while it writes it; one is left where a process was killed then."""


@dataclass(frozen=True, slots=True)
class _Levels:
    """A pyramid that is being written; every chunk file takes its name when it is whole."""

    pyramid: Pyramid

    @property
    def block(self) -> Zyx:
        """A chunk, so that none is written by two processes."""
        return self.pyramid.chunk

    @property
    def is_parallel(self) -> bool:
        """Each block has its own chunks."""
        return True

    def write(self, box: Box, voxels: npt.NDArray[Any]) -> None:
        """Write one block of the finest level."""
        self.pyramid.write(box, voxels)

    @property
    def coarser(self) -> Sequence[Sequence[Box]]:
        """The blocks of level 1, 2 and so on."""
        return self.pyramid.coarser_blocks()

    def make(self, level: int, box: Box) -> None:
        """Make one block of a coarser level."""
        self.pyramid.refresh_block(level, box)

    def finish(self, progress: Progress) -> None:
        """Remove what killed processes have left between the chunks."""
        with guarded(self.pyramid.path):
            for file in self.pyramid.path.rglob(_TORN):
                file.unlink()

    def close(self) -> None:
        """Nothing is held open."""


def _create(version: ngff.Version, path: Path, content: Content) -> _Levels:
    made = Pyramid.create(
        path,
        content.shape,
        content.dtype,
        content.grid,
        content.kind,
        name=content.name,
        version=version,
    )
    return _Levels(made)


def _resume(path: Path, content: Content) -> _Levels:
    return _Levels(Pyramid.open(path, writable=True))


def _check(version: ngff.Version, path: Path, content: Content) -> None:
    containers.check(path, version)
    containers.refuse_loss(path)


def _writer(version: ngff.Version) -> Writer:
    return Writer(
        name=f"OME-Zarr {version}",
        suffixes=(".zarr",),
        create=partial(_create, version),
        resume=_resume,
        check=partial(_check, version),
        announce=partial(containers.register, version=version),
    )


OME_ZARR_05 = _writer("0.5")
OME_ZARR_04 = _writer("0.4")
"""Registered in `napari_axonem.volumes.writers.registry`."""
