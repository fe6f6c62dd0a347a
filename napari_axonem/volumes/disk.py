"""Writing to disk so that a reader sees all of it or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sqlite3
import struct
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from napari_axonem.errors import StorageError, VolumeError

_REMEDIES = {
    errno.ENOSPC: "free some space on that disk or choose another destination",
    errno.EDQUOT: "free some of your quota or choose another destination",
    errno.EACCES: "choose a destination that you may write to",
    errno.EPERM: "choose a destination that you may write to",
    errno.EROFS: "choose a destination that is not read-only",
    errno.ENAMETOOLONG: "choose a shorter name",
}


DAMAGES = (
    *(OSError, ValueError, KeyError, EOFError, TypeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
    tokenize.TokenError,  # numpy, of a damaged header
    RuntimeError,  # zipfile, of a flipped bit that says encrypted or of a strange compression
    MemoryError,  # numpy, of a flipped digit in a shape
)
"""What reading an npz file may raise where it is missing, cut off or damaged. The file is to be
opened before: `numpy.load` leaves one open that is no
archive."""


@contextlib.contextmanager
def guarded(where: object) -> Iterator[None]:
    """Turn an `OSError` while writing to `where` into a `StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        code = error.errno or _code_in(str(error))
        raise StorageError(
            f"cannot be written ({os.strerror(code) if code else error})",
            where=where,
            remedy=_REMEDIES.get(code, "check the disk, then try again"),
        ) from error


def _code_in(message: str) -> int:
    """Return the error number in a message of HDF5, whose exceptions carry it only there."""
    known = [code for code in _REMEDIES if f"errno = {code}," in message]
    return known[0] if known else 0


@contextlib.contextmanager
def replacing(destination: Path, *, overwrite: bool | None) -> Iterator[Path]:
    """Give a path to write a file or folder to that becomes `destination` on success.

    The path is a hidden neighbour, so that it is on the same disk. When the body succeeds, what
    it wrote is flushed to disk and takes the name `destination` in one step; when the body
    fails, what it wrote is removed and `destination` is left as it was.

    Parameters
    ----------
    destination
        File or folder to come into being.
    overwrite
        Replace what is there already instead of refusing; None where nobody could ask for that.

    Raises
    ------
    VolumeError
        There is something at `destination` and `overwrite` is not true.
    StorageError
        The disk is full, read-only or failing.
    """
    refuse_existing(destination, overwrite=overwrite)
    suffix = f".{secrets.token_hex(4)}.partial"
    temporary = destination.with_name(f".{destination.name}{suffix}")
    try:
        with guarded(destination):
            destination.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            publish(temporary, destination, overwrite=overwrite)
    except StorageError as error:  # of something inside, known by its temporary name
        raise StorageError(error.seen, where=destination, remedy=error.remedy) from error
    finally:
        remove(temporary)


def publish(new: Path, destination: Path, *, overwrite: bool | None) -> None:
    """Flush the file or folder `new` to disk and give it the name `destination` in one step.

    Raises
    ------
    VolumeError
        There is something at `destination` and `overwrite` is not true.
    StorageError
        The disk is full, read-only or failing.
    """
    with guarded(destination):
        _flush(new)
        # Looked at now, whatever was seen before: writing may have taken hours.
        refuse_existing(destination, overwrite=overwrite)
        _swap(new, destination)
        flush_folder(destination.parent)


def settle() -> None:
    """Bring everything that was written so far onto the disk, where one call can do that."""
    if sys.platform == "linux":
        os.sync()


@contextlib.contextmanager
def exclusive(path: Path, taken: str, *, patience: float = 0) -> Iterator[None]:
    """Hold a file at `path` that only one process can hold, until the body ends or it dies.

    The file is a database with an open exclusive transaction: SQLite knows how files are locked
    everywhere, and a killed process leaves nothing behind that blocks the next.

    Parameters
    ----------
    path
        The file, made where there is none.
    taken
        What it means that another process holds it.
    patience
        Seconds to wait for that process.

    Raises
    ------
    VolumeError
        Another process holds it; `taken` says what that means.
    StorageError
        The disk is full, read-only or failing.
    """
    with guarded(path.parent):
        path.touch()
    with contextlib.closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise VolumeError(
                    taken, where=path.parent, remedy="wait until it is done"
                ) from error
            raise StorageError(
                f"cannot be locked ({error})", where=path, remedy="choose another destination"
            ) from error
        yield


@contextlib.contextmanager
def reserved(beside: Path, size: int = 2**23) -> Iterator[None]:
    """Keep `size` bytes of the disk, in the folder of `beside`, free for what follows the body.

    For libraries that must write in order to close a file: HDF5 crashes the process when the
    disk is full at that moment.
    """
    reserve = beside.with_name(f"{beside.name}.reserve")
    try:
        # Random bytes, because a disk that compresses would keep nothing free for zeros.
        reserve.write_bytes(os.urandom(size))
        yield
    finally:
        remove(reserve)


def refuse_existing(destination: Path, *, overwrite: bool | None) -> None:
    """Raise `VolumeError` where `destination` exists and may not be replaced.

    Where `overwrite` is None nobody can ask for that, and the error does not say how.
    """
    if not overwrite and os.path.lexists(destination):
        replacing = ", or let it be replaced (--overwrite)" if overwrite is False else ""
        remedy = f"choose another name{replacing}"
        raise VolumeError("exists already", where=destination, remedy=remedy)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _swap(new: Path, destination: Path) -> None:
    """Give `new` the name `destination`, whatever has it now."""
    folders = [p.is_dir() and not p.is_symlink() for p in (new, destination)]
    if not os.path.lexists(destination) or not any(folders):
        new.replace(destination)
        return
    # A folder cannot be replaced in one step: the old one steps aside, and comes back if the
    # new one cannot take its place.
    aside = new.with_name(f"{new.name}.old")
    destination.replace(aside)
    try:
        new.replace(destination)
    except OSError:
        aside.replace(destination)
        raise
    remove(aside)


def _flush(path: Path) -> None:
    """Bring a file, or all files of a folder, from the cache onto the disk."""
    if path.is_dir() and sys.platform == "linux":
        # One call that waits for everything: a pyramid has too many files for one call each.
        os.sync()
    elif path.is_dir():
        for file in path.rglob("*"):
            if file.is_file():
                _flush_file(file)
    else:
        _flush_file(path)


def _flush_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Bring the names in a folder onto the disk, where the system can; may raise `OSError`."""
    if sys.platform != "win32":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
