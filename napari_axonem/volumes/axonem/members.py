"""Files of a folder or of a zip, and HDF5 files opened where they lie."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import h5py

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.volumes.disk import guarded

_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Of a zip's member: signature, then the lengths of name and extra field at byte 26."""

_PIECE = 2**20


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A file in a folder, or in a zip."""

    path: Path
    """The file, or the zip that it is in."""

    inner: str = ""
    """Its name inside of the zip; empty for a file in a folder."""

    def __str__(self) -> str:
        return f"{self.path}/{self.inner}" if self.inner else str(self.path)

    @property
    def full(self) -> Path:
        """Its path, as if the zip were a folder."""
        return self.path / self.inner

    @property
    def name(self) -> str:
        """The last part of its name."""
        return self.full.name

    @property
    def folder(self) -> Path:
        """What it lies in, as if the zip were a folder."""
        return self.full.parent


def members(root: Path) -> list[Member]:
    """Return all files below a folder, or in a zip, sorted; zips in a folder are looked into.

    Files in folders come first, then those in zips. A zip in a folder that cannot be read is
    returned as a file.

    Raises
    ------
    VolumeError
        There is nothing at `root`, it is neither a folder nor a zip, or a zip that is damaged.
    """
    if not root.exists():
        raise VolumeError("no such file or folder", where=root, remedy="check the path")
    if not root.is_dir():
        return _in_zip(root)
    plain: list[Member] = []
    zipped: list[Member] = []
    for folder, folders, names in os.walk(root, onerror=_raise):
        folders.sort()
        for path in (Path(folder, name) for name in sorted(names)):
            if path.suffix.lower() != ".zip":
                plain.append(Member(path))
                continue
            try:
                zipped += _in_zip(path)
            except VolumeError:
                plain.append(Member(path))
    return plain + zipped


def _raise(error: OSError) -> None:
    raise VolumeError(
        f"a folder that cannot be read ({error.strerror or error})",
        where=error.filename,
        remedy="check that you may read it",
    ) from error


def _in_zip(path: Path) -> list[Member]:
    with _zip(path) as archive:
        return sorted(Member(path, i.filename) for i in archive.infolist() if not i.is_dir())


@contextlib.contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise VolumeError(
            f"neither a folder nor a zip that can be read ({error})",
            where=path,
            remedy="if it was downloaded, check that it is complete, and fetch it again",
        ) from error
    with archive:
        yield archive


@contextlib.contextmanager
def opened(member: Member) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, wherever it lies.

    What a zip merely stores is read in its place, after a look at its checksum; what a zip
    compresses is unpacked to a temporary file, which is gone afterwards.

    Raises
    ------
    VolumeError
        It is damaged, or no HDF5 file.
    StorageError
        There is no room to unpack it.
    """
    if not member.inner:
        with _hdf5(member.path, member) as file:
            yield file
        return
    with _zip(member.path) as archive:
        info = archive.getinfo(member.inner)
        if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
            _copy(archive, info, None, member)
            with member.path.open("rb") as raw:
                inside = io.BufferedReader(_Window(raw, _data_start(raw, info), info.file_size))
                with _hdf5(inside, member) as file:
                    yield file
            return
        with tempfile.TemporaryDirectory(prefix="napari-axonem-") as folder:
            path = Path(folder, "member.h5")
            extract(archive, info, path, member)
            with _hdf5(path, member) as file:
                yield file


def extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, where: object) -> None:
    """Unpack one member of a zip to a new file.

    Raises
    ------
    VolumeError
        It is damaged or encrypted.
    StorageError
        There is no room for it.
    """
    free = shutil.disk_usage(path.parent).free
    if info.file_size > free:
        raise StorageError(
            f"unpacking it takes {info.file_size:,} bytes, and {free:,} are free",
            where=where,
            remedy=f"free some space below {path.parent}, or unpack it elsewhere by hand",
        )
    with guarded(path), path.open("xb") as file:
        _copy(archive, info, file, where)


def _copy(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, to: BinaryIO | None, where: object
) -> None:
    """Read a member to its end, where its checksum is compared, and write it to `to`."""
    try:
        source = archive.open(info)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
        raise _damaged(error, where) from error
    with source:
        while True:
            try:
                piece = source.read(_PIECE)
            except Exception as error:  # zlib's, zipfile's and the system's errors alike
                raise _damaged(error, where) from error
            if not piece:
                return
            if to is not None:
                to.write(piece)


def _damaged(error: Exception, where: object) -> VolumeError:
    return VolumeError(
        f"cannot be unpacked ({error or type(error).__name__})",
        where=where,
        remedy="check that the zip is complete, and fetch it again",
    )


def _data_start(raw: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Return where the bytes of a stored member begin in its zip."""
    raw.seek(info.header_offset)
    _, name, extra = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
    return info.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


class _Window(io.RawIOBase):
    """A range of bytes of a file as a file; seeking in `zipfile`'s own reads from the start."""

    def __init__(self, raw: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._raw, self._start, self._size, self._at = raw, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self._size - self._at))
        self._raw.seek(self._start + self._at)
        data = self._raw.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


@contextlib.contextmanager
def _hdf5(source: Path | BinaryIO, where: object) -> Iterator[h5py.File]:
    try:
        options = {"locking": "best-effort"} if isinstance(source, Path) else {}
        file = h5py.File(source, "r", **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise VolumeError(
            f"not an HDF5 file that can be opened ({str(error).splitlines()[0]})",
            where=where,
            remedy="check that it is complete, and fetch it again",
        ) from error
    with file:
        yield file
