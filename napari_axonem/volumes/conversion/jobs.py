"""What the workers of a conversion run: each function does one block, however often it is run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box
from napari_axonem.volumes.checksum import Checksum
from napari_axonem.volumes.conversion.reading import Reading
from napari_axonem.volumes.writers.registry import writer_called
from napari_axonem.volumes.writers.sink import Content, Layered, Sink


class Copied(TypedDict):
    """What is kept of a block that was written."""

    sum: str
    """`Checksum.total` of its voxels, in hexadecimal."""

    lost: list[str]
    """What of it could not be read."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every block of a conversion needs to know."""

    reading: Reading
    """The source."""

    content: Content
    """What is written."""

    format: str
    """Word of the writer; it is parallel."""

    path: Path
    """Where its sink was created."""

    def copy(self, box: Box) -> Copied:
        """Read one box from the source and write it."""
        voxels, lost = self.reading.read(box)
        self.sink().write(box, voxels)
        checksum = Checksum(self.content.shape, self.content.dtype)
        checksum.add(box, voxels)
        return {"sum": f"{checksum.total:x}", "lost": lost}

    def make(self, item: tuple[int, Box]) -> None:
        """Make one box of a coarser level."""
        sink = self.sink()
        if isinstance(sink, Layered):
            sink.make(*item)

    def sink(self) -> Sink:
        """Return the sink, opened once by each process."""
        return _resumed(self.format, self.path, self.content)


@dataclass(frozen=True, slots=True)
class Check:
    """Reads back what was written."""

    reading: Reading
    """The result."""

    content: Content
    """What should be in it."""

    def digest(self, box: Box) -> str:
        """Return `Checksum.total` of the voxels of one box, in hexadecimal."""
        voxels, _ = self.reading.read(box)
        checksum = Checksum(self.content.shape, self.content.dtype)
        checksum.add(box, voxels)
        return f"{checksum.total:x}"


@lru_cache(maxsize=4)
def _resumed(format: str, path: Path, content: Content) -> Sink:  # noqa: A002
    writer = writer_called(format)
    if writer.resume is None:  # the caller has seen to it that there is
        raise VolumeError(f"{writer.name} cannot be written by several processes", where=path)
    return writer.resume(path, content)


def forget_sinks() -> None:
    """Let go of the sinks that this process has opened."""
    _resumed.cache_clear()
