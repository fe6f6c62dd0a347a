"""A folder of sections: one file of grey values for each, numbered in their names.

A stack from a microscope has thousands of files. At opening the folder is listed and the header
of the first section is read; the others only where they are few. What is wrong with one section
shows when that section is read, and does not keep the others from being read.
"""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.volumes.formats.pictures import (
    PICTURE_SUFFIXES,
    SUFFIXES,
    Picture,
    kind_of,
    look,
)
from napari_axonem.volumes.formats.section_cache import SectionCache
from napari_axonem.volumes.formats.section_names import Numbering, arrange
from napari_axonem.volumes.formats.source import Format, Location, Source
from napari_axonem.volumes.lazy import Level

_FEW = 64
"""Up to this many files are looked into at opening."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """What lies in a folder."""

    pictures: list[str]
    """Files that are sections."""

    others: list[str]
    """Files and folders that are passed over."""

    def arrange(self, folder: Path) -> Numbering:
        """Return the sections in their order; raises as `arrange` does."""
        return arrange(self.pictures, folder)


def _list(folder: Path) -> _Listing:
    """List a folder: names decide, or first bytes where no name is that of a picture."""
    with os.scandir(folder) as entries:
        kinds = {e.name: e.is_file() for e in entries if not e.name.startswith(".")}
    names = sorted(kinds)
    files = [name for name in names if kinds[name]]
    pictures = [name for name in files if name.lower().endswith(SUFFIXES)]
    if not pictures and len(files) <= _FEW:
        pictures = [name for name in files if kind_of(folder / name)]
    known = set(pictures)
    return _Listing(pictures, [name for name in names if name not in known])


def _claim(path: Path) -> str | None:
    if not path.is_dir():
        return None
    listing = _list(path)
    if not listing.pictures:
        return "its folders hold pictures" if _tile(path) else None
    kind = next(filter(None, (kind_of(path / n) for n in listing.pictures[:_FEW])), None)
    return f"the folder holds {_described(listing, path, kind)}" if kind else None


def _described(listing: _Listing, folder: Path, kind: str) -> str:
    """Return which sections there are, which are missing, and what is passed over."""
    text = f"{len(listing.pictures)} {kind} file{'s'[: len(listing.pictures) != 1]}"
    try:
        numbering = listing.arrange(folder)
    except VolumeError as error:  # told again, and better, when the folder is opened
        return f"{text}, {error.seen}"
    if len(listing.pictures) > 1:
        text += f" numbered {numbering.first} to {numbering.number(numbering.extent - 1)}"
    if numbering.step > 1:
        text += f" in steps of {numbering.step}"
    if numbering.missing:
        text += f"; missing: {_listed(numbering.missing)}"
    if listing.others:
        text += f"; passed over: {_listed(listing.others)}"
    return text


def _listed(things: list[Any]) -> str:
    """Return the first few of many as one line."""
    more = f" and {len(things) - 5} more" if len(things) > 5 else ""
    return ", ".join(str(thing) for thing in things[:5]) + more


def _tile(folder: Path) -> Path | None:
    """Return a picture in a numbered folder below `folder`; None where a short look finds none."""
    for path in itertools.islice(folder.rglob("*"), 4 * _FEW):
        is_numbered = re.search("[0-9]", path.relative_to(folder).parts[0])
        if is_numbered and path.suffix.lower() in SUFFIXES and path.is_file() and kind_of(path):
            return path
    return None


class _Sections:
    """The voxels of a folder; several threads may read."""

    def __init__(self, folder: Path, numbering: Numbering, first: Picture) -> None:
        self._folder = folder
        self._numbering = numbering
        self._first = first
        self._cache = SectionCache(self._decode)

    def __call__(self, box: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Read a box, section by section."""
        along_z, *window = box
        out = np.empty([s.stop - s.start for s in box], self._first.dtype)
        for voxels, z in zip(out, range(along_z.start, along_z.stop), strict=True):
            voxels[...] = self._section(z, (window[0], window[1]))
        return out

    def _section(self, z: int, window: tuple[slice, slice]) -> npt.NDArray[Any]:
        whole = self._cache.get(z)
        if whole is not None:
            return whole[window]
        picture = self.picture(z)
        return self._cache.decoded(z)[window] if picture.is_whole else picture.read(window)

    def _decode(self, z: int) -> npt.NDArray[Any]:
        return self.picture(z).read_all()

    def picture(self, z: int) -> Picture:
        """Return the picture of a section.

        Raises
        ------
        VolumeError
            It is missing, cannot be read, or does not fit the first section.
        """
        if z not in self._numbering.names:
            raise VolumeError(
                f"section {self._numbering.number(z)} (z = {z}) is missing",
                where=self._folder,
                remedy="add its file, or leave that section out",
            )
        picture = look(self._folder / self._numbering.names[z])
        _check_fit(picture, self._first)
        return picture


def _check_fit(picture: Picture, first: Picture) -> None:
    if (picture.shape, picture.dtype) != (first.shape, first.dtype):
        sizes = [f"{p.shape[0]} x {p.shape[1]} {p.dtype}" for p in (picture, first)]
        raise VolumeError(
            f"a section of {sizes[0]}, while {first.path.name} has {sizes[1]}",
            where=picture.path,
            remedy="make all sections of one size and type",
        )


def _read(location: Location) -> Source:
    folder = location.path
    listing = _list(folder)
    if not listing.pictures:
        raise VolumeError(
            f"folders of pictures ({_tile(folder)}), as those of tiles are, and no sections",
            where=folder,
            remedy="stitch the tiles of each section into one picture and put those into one "
            "folder, or open one of the folders in it",
        )
    return _source(folder, folder, listing.arrange(folder))


def _read_file(location: Location) -> Source:
    path = location.path
    if location.inner:
        raise VolumeError(
            f"a picture has no datasets, but {location.inner!r} was asked for",
            where=path,
            remedy="leave out what follows the name of the file",
        )
    return _source(path, path.parent, arrange([path.name], path))


def _source(where: Path, folder: Path, numbering: Numbering) -> Source:
    headers = _headers(folder, list(numbering.names.values()))
    first = headers[0]
    for other in headers[1:]:
        _check_fit(other, first)
    if first.channels > 2:
        first.read_all()  # of colours it is better told now than at every section
    level = Level(
        stored=_Sections(folder, numbering, first),
        stored_shape=(numbering.extent, *first.shape),
        dtype=first.dtype,
        where=str(where),
        stored_chunks=(1, *(first.tile or first.shape)),
    )
    return Source(
        location=str(where),
        format=f"{kind_of(first.path)} section{'s' * (where == folder)}",
        levels=(level,),
        voxel_size=first.spacing.voxel_size,
        origin=first.spacing.origin,
        note=first.spacing.note,
    )


def _headers(folder: Path, names: list[str]) -> list[Picture]:
    """Return what the first section says whose header can be read; of few files, what all say.

    A damaged file is no reason not to show the others: it is told of when it is read.
    """
    found: list[Picture] = []
    failed: list[VolumeError] = []
    for name in names[:_FEW]:
        try:
            found.append(look(folder / name))
        except VolumeError as error:
            failed.append(error)
        if found and len(names) > _FEW:
            break
    if not found:
        raise failed[0]
    return found


def _claim_file(path: Path) -> str | None:
    kind = kind_of(path) if path.is_file() else None
    return f"the file has the {kind} signature" if kind else None


SECTIONS = Format("folder of sections", (), _claim, _read, lambda _: [""], has_inner=False)
"""Registered in `napari_axonem.volumes.formats.registry`."""

PICTURE = Format("PNG, JPEG or BMP", PICTURE_SUFFIXES, _claim_file, _read_file, lambda _: [""])
"""A file of a single section; registered after TIFF, which takes its own."""
