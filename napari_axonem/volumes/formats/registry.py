"""The formats that can be read: the one place where they are registered."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.volumes.formats import addresses
from napari_axonem.volumes.formats.hdf5 import HDF5
from napari_axonem.volumes.formats.n5 import N5
from napari_axonem.volumes.formats.nifti import NIFTI
from napari_axonem.volumes.formats.nrrd import NRRD
from napari_axonem.volumes.formats.precomputed import PRECOMPUTED
from napari_axonem.volumes.formats.remote import KeyValues, refused_error
from napari_axonem.volumes.formats.sections import PICTURE, SECTIONS
from napari_axonem.volumes.formats.source import Format, Location, Source
from napari_axonem.volumes.formats.stores import Store, StoreFormat, listed
from napari_axonem.volumes.formats.tiff import TIFF
from napari_axonem.volumes.formats.zarr_store import ZARR
from napari_axonem.volumes.formats.zipped import ZIP

T = TypeVar("T")

STORES: tuple[StoreFormat, ...] = (ZARR, PRECOMPUTED, N5)
"""What can be read far away as well, in the order in which it is looked for."""

FORMATS: tuple[Format, ...] = (
    HDF5,
    *(known.of_folders() for known in STORES[:-1]),
    TIFF,
    NRRD,
    NIFTI,
    ZIP,
    PICTURE,
    SECTIONS,
    N5.of_folders(),  # last, because it looks into folders
)
"""In the order in which they are asked whether a file or folder is theirs."""


SEGMENTS = "segmentation.zarr"
"""Where the segments lie in a folder that `segment` made: it stands for them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A location that some format claims."""

    place: Location | Store
    """What exists there, and what is meant inside of it."""

    inner: str
    """Name of an array or a group inside; may be empty."""

    format: str
    """What people call the format."""

    reason: str
    """Why it is taken for that format."""

    _read: Callable[[], Source]
    _names: Callable[[], list[str]]

    def read(self) -> Source:
        """Open it without reading voxels.

        Raises
        ------
        VolumeError
            It is damaged or of a kind that cannot be used.
        """
        with _damage(f"a {self.format} volume that cannot be opened", self.place):
            return self._read()

    def names(self) -> list[str]:
        """Return the names of the volumes inside, whatever `inner` is.

        Raises
        ------
        VolumeError
            It is damaged.
        """
        with _damage(f"a {self.format} store that cannot be listed", self.place):
            return self._names()


def find(location: str | Path) -> Found:
    """Return what a location means, its format, and the reason for that format.

    Content decides, names do not. A colon or a slash may stand in front of the name of an array
    as well as within the name of a folder: the first reading that some format claims is taken.

    Raises
    ------
    VolumeError
        There is nothing there, or no format claims it.
    VolumeLostError
        It is far away and cannot be reached.
    """
    address = addresses.parse(location)
    return _find_far(address) if address.is_remote else _find_near(address)


def _find_near(address: addresses.Address) -> Found:
    named = list(_readings(address.place))
    candidates = [*named, *_above(address.place)]
    for candidate in candidates:
        for known in (f for f in FORMATS if address.format in ("", f.name)):
            if candidate.inner and not known.has_inner:
                continue
            reason = _claim(known.claim, candidate.path)
            if reason is None and candidate in named:
                reason = _claim(known.holds, candidate.path)
            if reason is not None:
                return _near(candidate, address.inner, known, reason)
    for candidate in candidates:
        if not candidate.inner and (candidate.path / SEGMENTS).is_dir():
            return find(candidate.path / SEGMENTS)
    raise _unclaimed(address.place, candidates)


def _near(found: Location, inner: str, known: Format, reason: str) -> Found:
    place = Location(found.path, f"{found.inner}/{inner}".strip("/"))
    return Found(
        place,
        place.inner,
        known.name,
        reason,
        lambda: known.read(place),
        lambda: known.names(place.path),
    )


def _find_far(address: addresses.Address) -> Found:
    wanted = [f for f in STORES if address.format in ("", f.name)]
    stores = []
    for url, inner in address.readings():
        store = KeyValues.at(url)
        stores.append(store)
        for known in wanted:
            store.expect(known.keys)
        for known in wanted:
            reason = _claim(known.claim, store)
            if reason is not None:
                return _far(store, inner, known, reason)
    refused = next((s for s in stores if s.refusal), None)
    if refused:
        raise refused_error(refused)
    keys = [key for known in wanted for key in known.keys]
    raise VolumeError(
        f"nothing there of a known format: none of {', '.join(keys)}",
        where=stores[0],
        remedy="check the address; files such as HDF5 or TIFF must be downloaded first",
    )


def _far(store: KeyValues, inner: str, known: StoreFormat, reason: str) -> Found:
    return Found(
        store,
        inner,
        known.name,
        reason,
        lambda: known.read(store, inner),
        lambda: known.names(store),
    )


def _readings(location: str) -> Iterator[Location]:
    """Yield what a location names that exists: itself, or what stands before a colon."""
    if os.path.lexists(location):
        yield Location(Path(location))
    for at in (i for i in range(len(location) - 1, 0, -1) if location[i] == ":"):
        if os.path.lexists(location[:at]):
            yield Location(Path(location[:at]), location[at + 1 :].strip("/"))


def _above(location: str) -> Iterator[Location]:
    """Yield the nearest folder above a location that exists, and the rest as a name inside."""
    for parent in Path(location).parents:
        if os.path.lexists(parent):
            yield Location(parent, Path(location).relative_to(parent).as_posix())
            return


def _claim(claim: Callable[[T], str | None], place: T) -> str | None:
    try:
        return claim(place)
    except OSError as error:
        raise VolumeError(
            f"cannot be read ({error.strerror or error})",
            where=place,
            remedy="check that you may read it",
        ) from error


@contextlib.contextmanager
def _damage(seen: str, where: object) -> Iterator[None]:
    """Turn a library's error about something that nobody foresaw into one of ours."""
    try:
        yield
    except AxonemError:
        raise
    except Exception as error:
        raise VolumeError(
            f"{seen} ({type(error).__name__}: {error})",
            where=where,
            remedy="check that it is complete and not being written",
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
    volumes = _by_name(path) if path.is_dir() else []
    return VolumeError(
        f"not a {kind} of any known format{hint}",
        where=path,
        remedy=f"name one of the volumes in it: {listed(volumes)}"
        if volumes
        else f"give one of {', '.join(f.name for f in FORMATS)}",
    )


def _by_name(folder: Path) -> list[str]:
    """Return the names of what lies in a folder and by its name is a volume, sorted."""
    suffixes = tuple(s for f in FORMATS for s in f.suffixes)
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.name.lower().endswith(suffixes))
