"""What every writer of a format is: a sink that takes the voxels of a volume block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from napari_axonem.geometry import Box, Grid, Zyx
from napari_axonem.progress import Progress
from napari_axonem.volumes.reduction import Kind


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be written."""

    shape: Zyx
    """Extent (z, y, x) in voxels."""

    dtype: np.dtype[Any]
    """Type of a voxel, in the byte order of this machine."""

    grid: Grid
    """Voxel size and origin in nm."""

    kind: Kind
    """Whether the voxels are grey values or ids."""

    name: str
    """What to call the volume inside of its file or store."""


class Sink(Protocol):
    """A volume on its way to disk, at a temporary place that takes its name later.

    Everything it needs to go on after a crash is in that place.
    """

    @property
    def block(self) -> Zyx:
        """Lattice (z, y, x) of the boxes that `write` takes; those at the far edges are cut off.

        A parallel sink takes boxes of any number of its cells. One that is not takes one cell a
        time, which along y and x is a multiple of 64 voxels or the whole extent.
        """

    @property
    def is_parallel(self) -> bool:
        """Whether blocks may be written in any order, by several processes, and again.

        The processes then `resume` the sink each for itself, and must leave the same bytes
        whoever writes what when. Otherwise blocks come in raster order, each once, from one
        thread.
        """

    def write(self, box: Box, voxels: npt.NDArray[Any]) -> None:
        """Write one box: `voxels` (z, y, x), of the content's type and the box's shape."""

    def finish(self, progress: Progress) -> None:
        """Do what is left when all blocks, and coarser levels if any, are written, and close."""

    def close(self) -> None:
        """Let go of files, finished or not; may be called twice."""


@runtime_checkable
class Layered(Protocol):
    """What a parallel sink may offer besides: coarser levels that are made block by block.

    The boxes of one level may be made in any order, by several processes, and again, once the
    level before it is complete. Its `Sink.finish` leaves them to whoever drives the sink.
    """

    @property
    def coarser(self) -> Sequence[Sequence[Box]]:
        """The boxes of level 1, 2 and so on, in voxels of that level."""

    def make(self, level: int, box: Box) -> None:
        """Make one box of a coarser level from the next finer one."""


def nothing_to_check(path: Path, content: Content) -> None:
    """Let the content be written anywhere."""


def nothing_to_announce(path: Path) -> None:
    """Leave the surroundings as they are."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A format that can be written."""

    name: str
    """What people call it, such as ``"OME-Zarr 0.5"``."""

    suffixes: tuple[str, ...]
    """How names of its files or folders end; the first writer whose suffix fits is taken."""

    create: Callable[[Path, Content], Sink]
    """Begins a new volume at a path where nothing is."""

    resume: Callable[[Path, Content], Sink] | None = None
    """Opens a begun volume again to go on; None where the format cannot, and it is then not
    parallel."""

    has_datasets: bool = False
    """Whether a file holds named arrays, as in ``file.h5:dataset``."""

    check: Callable[[Path, Content], None] = nothing_to_check
    """Raises `VolumeError` where the content cannot be had, or may not lie at its final path."""

    announce: Callable[[Path], None] = nothing_to_announce
    """Makes the volume known to what is around it, once it has its final name."""
