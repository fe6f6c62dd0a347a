"""The voxels of a source, as they are to be written, in whatever process they are needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Grid, Zyx
from napari_axonem.volumes.conversion.casting import cast_exactly
from napari_axonem.volumes.opening import open_volume
from napari_axonem.volumes.salvage import read_what_can_be_read
from napari_axonem.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class Source:
    """A volume to convert that is worked out from files, and not one that `open_volume` opens."""

    volume: Volume
    """Goes to the workers with every block: its levels are small when pickled. Its location names
    the file or folder that it is made from, which no destination may lie in."""

    stamp: str
    """Changes with its voxels: what an earlier run has done counts as long as it is the same."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read, and how: small enough to be sent along with every block."""

    location: str
    """In the form that `open_volume` takes, not depending on the current folder."""

    grid: Grid
    """Of the volume at `location`."""

    stamp: str
    """Changes with the files, so that no process reads from ones that it opened before that."""

    start: Zyx
    """Voxel of the source that becomes voxel (0, 0, 0)."""

    dtype: np.dtype[Any]
    """Type that the voxels get, each keeping its value."""

    fill: bool = False
    """Read 0 where the source is damaged."""

    volume: Volume | None = None
    """What to read in place of what lies at `location`; it is small when pickled."""

    def read(self, box: Box) -> tuple[npt.NDArray[Any], list[str]]:
        """Return the voxels (z, y, x) of a box, and what of it could not be read.

        Raises
        ------
        VolumeError
            The source is damaged there and `fill` is false, or a value does not fit the type.
        """
        volume = self.volume or _opened(self.location, self.grid, self.stamp)
        wanted = box.shift(self.start)
        lost: list[str] = []
        if self.fill:
            voxels, errors = read_what_can_be_read(volume, wanted)
            lost = [error.seen for error in errors]
        else:
            voxels = volume.read(wanted)
        return cast_exactly(voxels, self.dtype, wanted.start, self.location), lost


@lru_cache(maxsize=4)
def _opened(location: str, grid: Grid, stamp: str) -> Volume:
    return open_volume(location, voxel_size=grid.voxel_size, origin=grid.origin)


def forget_opened() -> None:
    """Let go of the files that this process has opened for reading."""
    _opened.cache_clear()


def absolute(location: str) -> str:
    """Return a location that does not depend on the current folder."""
    return location if "://" in location else os.path.abspath(location)  # noqa: PTH100


def files_of(location: str) -> Path | None:
    """Return the file or folder that holds a volume, None where it is not on a local disk."""
    if "://" in location:
        return None
    cuts = [len(location), *(i for i in range(len(location) - 1, 0, -1) if location[i] == ":")]
    for at in cuts:
        if os.path.lexists(location[:at]):
            return Path(location[:at])
    return next(parent for parent in Path(location).absolute().parents if parent.exists())


def stamp_of(location: str) -> str:
    """Return a word that changes when the files of a volume change.

    Made of their names, sizes and times of change. A volume that is not on a local disk has
    none: of it only what its metadata say is compared.
    """
    path = files_of(location)
    if path is None:
        return ""
    digest = hashlib.sha256()
    for file in _walk(path):
        status = file.stat()
        digest.update(f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _walk(path: Path) -> Iterator[Path]:
    """Yield all files at or below `path`, sorted; but hidden ones, which may be our own work."""
    if path.is_file():
        yield path
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith("."))
