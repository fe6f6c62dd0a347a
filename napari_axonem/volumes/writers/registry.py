"""The formats that can be written: the one place where they are registered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.containers import store_above
from napari_axonem.volumes.reduction import Kind
from napari_axonem.volumes.writers.hdf5 import HDF5
from napari_axonem.volumes.writers.omezarr import OME_ZARR_04, OME_ZARR_05
from napari_axonem.volumes.writers.precomputed import PRECOMPUTED
from napari_axonem.volumes.writers.sink import Writer
from napari_axonem.volumes.writers.tiff import TIFF

WRITERS: tuple[Writer, ...] = (OME_ZARR_05, OME_ZARR_04, HDF5, TIFF, PRECOMPUTED)
"""In the order in which their suffixes are looked at."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a volume is to be written, and by which writer."""

    writer: Writer
    """The format."""

    path: Path
    """The file or folder that comes into being."""

    name: str
    """What to call the volume inside of it."""

    def location(self, path: Path | None = None) -> str:
        """Return where the volume lies, in the form that `open_volume` takes.

        Parameters
        ----------
        path
            The file or folder, where it does not have its final name yet.
        """
        file = path or self.path
        return f"{file}:{self.name}" if self.writer.has_datasets else str(file)


def find_target(destination: str | Path, kind: Kind, format: str = "") -> Target:  # noqa: A002
    """Return what a destination means.

    Parameters
    ----------
    destination
        A path whose suffix says the format, with ``:dataset`` behind it where files of that
        format hold named arrays; anything below a folder ``NAME.zarr`` is OME-Zarr.
    kind
        Names a dataset for which the destination has no name: ``image`` or ``labels``.
    format
        One of `format_words`, or how one begins, takes the place of the suffix.

    Raises
    ------
    VolumeError
        There is no such format, or the suffix is that of none.
    """
    text = str(destination)
    for writer in _named(format, destination) if format else WRITERS:
        parts = _pattern(writer).fullmatch(text)
        if parts and writer.has_datasets:
            dataset = (parts["dataset"] or "").strip("/")
            return Target(writer, Path(parts["file"]), dataset or kind)
        if format or (parts and not parts["dataset"]):
            name = kind if writer.has_datasets else Path(text).stem
            return Target(writer, Path(text), name)
    if store_above(Path(text)):
        return Target(OME_ZARR_05, Path(text), Path(text).stem)
    raise VolumeError(
        f"no known format for the suffix {Path(text).suffix!r}",
        where=destination,
        remedy=f"choose a name that ends in {', '.join(_suffixes())}, or say the format",
    )


def format_words() -> list[str]:
    """Return the words by which the formats are asked for, such as ``"ome-zarr-0.4"``."""
    return [word_of(writer) for writer in WRITERS]


def writer_called(word: str) -> Writer:
    """Return the writer with this word, one of `format_words`."""
    return next(writer for writer in WRITERS if word_of(writer) == word)


def word_of(writer: Writer) -> str:
    """Return the word by which a format is asked for."""
    return writer.name.lower().replace(" ", "-")


def _named(format: str, destination: str | Path) -> list[Writer]:  # noqa: A002
    wanted = format.lower().replace(" ", "-")
    found = [writer for writer in WRITERS if word_of(writer).startswith(wanted)]
    if not found:
        raise VolumeError(
            f"no known format {format!r}",
            where=destination,
            remedy=f"choose one of {', '.join(format_words())}",
        )
    return found[:1]


def _pattern(writer: Writer) -> re.Pattern[str]:
    suffixes = "|".join(re.escape(suffix) for suffix in writer.suffixes)
    return re.compile(
        rf"(?P<file>.*[^/](?:{suffixes}))(?::(?P<dataset>.+))?", re.IGNORECASE | re.DOTALL
    )


def _suffixes() -> list[str]:
    return list(dict.fromkeys(writer.suffixes[0] for writer in WRITERS if writer.suffixes))
