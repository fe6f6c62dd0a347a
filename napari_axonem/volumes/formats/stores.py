"""Stores: formats that keep a volume as keys with values, on a disk or anywhere else.

N5, Neuroglancer precomputed and zarr say what they hold in small JSON documents. Those are read
through a `Store`, so that a format is the same code for a folder and for a bucket.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from napari_axonem.errors import VolumeError, VolumeLostError
from napari_axonem.volumes.formats.source import Format, Location, Source

_LISTED = 12
"""So many arrays are named in an error."""


class Store(Protocol):
    """Keys with values below one address. As text it is a location that `open_volume` takes."""

    @property
    def is_local(self) -> bool:
        """Whether reading a small value takes no time to speak of."""

    @property
    def word(self) -> str:
        """What people call it: ``"folder"`` or ``"store"``."""

    @property
    def name(self) -> str:
        """The last part of its address."""

    def expect(self, keys: Sequence[str]) -> None:
        """Say that `keys` are about to be read, so that they can be fetched at the same time."""

    def read(self, key: str) -> bytes | None:
        """Return a value, None where there is none.

        Raises
        ------
        VolumeLostError
            It is not known whether there is one: the store is away.
        """

    def version(self, key: str) -> object:
        """Return something that changes with the value of a key, None where that is not known."""

    def folders(self) -> list[str] | None:
        """Return the names of what lies directly below, sorted; None where that is not listed."""

    def below(self, path: str) -> Store:
        """Return the store at a path below."""

    def above(self) -> Store | None:
        """Return the store that holds this one, None at the top."""

    def fresh(self) -> Store:
        """Return the same store without any value that was read before."""

    def kvstore(self) -> Any:  # noqa: ANN401 - JSON
        """Return where it lies in the words of tensorstore."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on this machine as a store."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def is_local(self) -> bool:
        """True."""
        return True

    @property
    def word(self) -> str:
        """``"folder"``."""
        return "folder"

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.name

    def expect(self, keys: Sequence[str]) -> None:
        """Do nothing: a disk is near."""

    def read(self, key: str) -> bytes | None:
        """Return the content of a file, None where there is no such file."""
        path = self.path / key
        return path.read_bytes() if path.is_file() else None

    def version(self, key: str) -> object:
        """Return what the disk says of a file, None where there is no such file."""
        try:
            found = (self.path / key).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def folders(self) -> list[str]:
        """Return the names of the folders in this one, sorted."""
        if not self.path.is_dir():
            return []
        with os.scandir(self.path) as entries:  # there may be a million files beside them
            return sorted(entry.name for entry in entries if entry.is_dir())

    def below(self, path: str) -> Folder:
        """Return a folder in this one."""
        return Folder(self.path / path)

    def above(self) -> Folder | None:
        """Return the folder that holds this one."""
        return Folder(self.path.parent) if self.path.parent != self.path else None

    def fresh(self) -> Folder:
        """Return itself: nothing is remembered."""
        return self

    def kvstore(self) -> dict[str, str]:
        """Return where it lies in the words of tensorstore."""
        return {"driver": "file", "path": f"{self.path.absolute().as_posix()}/"}


@dataclass(frozen=True, slots=True)
class StoreFormat:
    """A format of stores that can be read."""

    name: str
    """What people call it."""

    suffixes: tuple[str, ...]
    """How names of its folders often end; they do not decide."""

    keys: tuple[str, ...]
    """Keys at its top by which it is known."""

    claim: Callable[[Store], str | None]
    """Looks at a store and says why it is of this format, None where it is not."""

    read: Callable[[Store, str], Source]
    """Opens what is meant inside of a claimed store, without reading voxels."""

    names: Callable[[Store], list[str]]
    """Lists the volumes in a claimed store, sorted; an empty name is the store itself."""

    holds: Callable[[Store], str | None] = lambda store: None
    """As `Format.holds`."""

    def of_folders(self) -> Format:
        """Return it as a format of files and folders."""

        def claim(path: Path) -> str | None:
            return self.claim(Folder(path)) if path.is_dir() else None

        def holds(path: Path) -> str | None:
            return self.holds(Folder(path)) if path.is_dir() else None

        def read(location: Location) -> Source:
            return self.read(Folder(location.path), location.inner)

        def names(path: Path) -> list[str]:
            return self.names(Folder(path))

        return Format(self.name, self.suffixes, claim, read, names, holds=holds)


@dataclass(frozen=True, slots=True)
class Watch:
    """Sees to it that an array is still the one that was opened.

    Chunks that are missing count as empty in these formats: when a store is deleted or replaced,
    its arrays would go on as if nothing had happened, full of zeros.
    """

    store: Store
    """Where the array lies."""

    key: str
    """Of the document that describes it."""

    seen: bytes | None
    """What that said when the array was opened."""

    version: object
    """`Store.version` of it then: where that is the same, the rest need not be compared."""

    @classmethod
    def over(cls, store: Store, key: str) -> Watch:
        """Return a watch over the array that `key` describes now."""
        version = store.version(key)  # first: what changes in between is to be noticed
        return cls(store.fresh(), key, store.read(key), version)

    def __call__(self, voxels: npt.NDArray[Any] | None) -> None:
        """Look after the array once it was read.

        Parameters
        ----------
        voxels
            What was read, None where that failed. Far away, only what came out as nothing at
            all is looked after: that costs as much as a chunk.

        Raises
        ------
        VolumeLostError
            The array is gone, or another one.
        """
        if not self.store.is_local and voxels is not None and voxels.any():
            return
        try:
            if self.version is not None and self.store.version(self.key) == self.version:
                return
            found = self.store.fresh().read(self.key)
        except OSError as error:
            raise VolumeLostError(
                f"out of reach ({error.strerror or error})",
                where=self.store,
                remedy="check the disk, then open it again",
            ) from error
        if found != self.seen:
            change = "changed" if found is not None else "was deleted"
            raise VolumeLostError(
                f"{change} while it was open", where=self.store, remedy="open it again"
            )


def document(store: Store, key: str) -> Mapping[str, Any] | None:
    """Return the JSON object that is the value of a key; None for nothing and anything else."""
    value = store.read(key)
    try:
        found = json.loads(value) if value is not None else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def only(names: list[str], store: Store, kind: str) -> str:
    """Return the name of the only volume in a group.

    Raises
    ------
    VolumeError
        There are several or none; it lists them.
    """
    if len(names) == 1:
        return names[0]
    if store.folders() is None:
        raise VolumeError(
            f"a {kind} group whose arrays cannot be listed from afar",
            where=store,
            remedy="add the name of one of them to the address",
        )
    raise VolumeError(
        f"a {kind} group of {len(names)} arrays and images",
        where=store,
        remedy=f"add the name of one of them: {listed(names)}",
    )


def missing(inner: str, store: Store, names: list[str]) -> VolumeError:
    """Return the error for a name that is not in a store."""
    return VolumeError(
        f"nothing named {inner!r}",
        where=store,
        remedy=f"name one of those there: {listed(names)}"
        if store.folders() is not None
        else "check the address",
    )


def listed(names: list[str]) -> str:
    """Return names as one line."""
    few = names[:_LISTED] + ["..."] * (len(names) > _LISTED)
    return ", ".join(few) or "there are none"


def refuse_losing(path: Path, things: str, others: Callable[[], list[str]]) -> None:
    """See whether what is at `path` may be replaced.

    Parameters
    ----------
    things
        What `others` names, such as ``"datasets"``.
    others
        Names all that it holds besides what takes its place.

    Raises
    ------
    VolumeError
        It holds others, or cannot be read, so that nothing says what it holds.
    """
    try:
        names = others()
    except VolumeError as error:
        raise VolumeError(
            f"{error.seen}, so that nothing says what would be lost",
            where=path,
            remedy="remove it, or choose another name",
        ) from error
    if names:
        raise VolumeError(
            f"holds other {things} ({listed(names)}), which would be lost",
            where=path,
            remedy="choose another name",
        )
