"""The formats that can be read: the one place where they are registered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.formats.hdf5 import HDF5
from napari_axonem.volumes.formats.source import Format, Location
from napari_axonem.volumes.formats.tiff import TIFF
from napari_axonem.volumes.formats.zarr import ZARR

FORMATS: tuple[Format, ...] = (HDF5, ZARR, TIFF)
"""In the order in which they are asked whether a file or folder is theirs."""


def find(location: str | Path) -> tuple[Location, Format, str]:
    """Return what a location means, its format, and the reason for that format.

    Content decides, names do not. A colon or a slash may stand in front of the name of an array
    as well as within the name of a folder: the first reading that some format claims is taken.

    Raises
    ------
    VolumeError
        There is no such file or folder, or no format claims it.
    """
    candidates = list(_readings(str(location)))
    for candidate in candidates:
        for known in FORMATS:
            reason = _claim(known, candidate.path)
            if reason is not None:
                return candidate, known, reason
    raise _unclaimed(str(location), candidates)


def _readings(location: str) -> Iterator[Location]:
    """Yield the ways to cut a location into what exists and what is meant inside of it."""
    if os.path.lexists(location):
        yield Location(Path(location))
    for at in (i for i in range(len(location) - 1, 0, -1) if location[i] == ":"):
        if os.path.lexists(location[:at]):
            yield Location(Path(location[:at]), location[at + 1 :].strip("/"))
    for parent in Path(location).parents:
        if os.path.lexists(parent):
            yield Location(parent, Path(location).relative_to(parent).as_posix())
            return


def _claim(known: Format, path: Path) -> str | None:
    try:
        return known.claim(path)
    except OSError as error:
        raise VolumeError(
            f"cannot be read ({error.strerror or error})",
            where=path,
            remedy="check that you may read it",
        ) from error


def _unclaimed(location: str, candidates: list[Location]) -> VolumeError:
    """Return the error for a location that no format wants."""
    found = [c for c in candidates if c.path.is_file() or not c.inner]
    if not found:
        nearest = candidates[-1].path if candidates else Path()
        return VolumeError(
            "no such file or folder",
            where=location,
            remedy=f"check the path; the nearest folder that exists is {nearest.absolute()}",
        )
    path = found[0].path
    likely = [f.name for f in FORMATS if path.name.lower().endswith(f.suffixes)]
    hint = f"; by its name it should be {likely[0]}, so it may be damaged" if likely else ""
    kind = "folder" if path.is_dir() else "file"
    return VolumeError(
        f"not a {kind} of any known format{hint}",
        where=path,
        remedy=f"give one of {', '.join(f.name for f in FORMATS)}",
    )
