"""What a location says: a path or a URL, and perhaps a format and the name of an array.

Beside paths these are understood, as Neuroglancer and tensorstore write them::

    gs://bucket/key   s3://bucket/key   https://host/key   file:///path
    precomputed://URL   n5://URL   zarr://URL   zarr2://URL   zarr3://URL
    URL|neuroglancer-precomputed:   URL|n5:name   URL|zarr3:name   URL|zip:   and so on
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from napari_axonem.errors import VolumeError

REMOTE = ("gs", "s3", "http", "https")
"""Schemes of what is not on this machine."""

_FORMATS = {
    "precomputed": "precomputed",
    "neuroglancer-precomputed": "precomputed",
    "n5": "N5",
    "zarr": "zarr",
    "zarr2": "zarr",
    "zarr3": "zarr",
}
"""Word in a location -> name of the format."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_SLASH_LOST = re.compile(rf"({'|'.join((*REMOTE, 'file', *_FORMATS))}):/(?!/)")


@dataclass(frozen=True, slots=True)
class Address:
    """A location taken apart."""

    place: str
    """A path on this machine, or a URL of one of the schemes `REMOTE`."""

    is_remote: bool
    """Whether `place` is a URL."""

    format: str = ""
    """Name of the only format that is wanted, empty where the content decides."""

    inner: str = ""
    """Name of an array or a group inside, as far as it is set apart from the place."""

    def readings(self) -> Iterator[tuple[str, str]]:
        """Yield the ways to cut the URL of a remote place into a store and what is inside of it."""
        yield self.place, self.inner
        host = len("".join(urlsplit(self.place)[:2])) + len("://")
        for at in (i for i in range(len(self.place) - 1, host, -1) if self.place[i] == ":"):
            yield self.place[:at], self.place[at + 1 :].strip("/")


def parse(location: str | Path) -> Address:
    """Take a location apart; nothing is looked up but whether a path of that name exists.

    Raises
    ------
    VolumeError
        It is a URL of a kind that is not known.
    """
    text = str(location)
    if isinstance(location, Path):
        text = _SLASH_LOST.sub(r"\1://", text)  # a Path makes one slash of two
    if os.path.lexists(text):
        return Address(text, is_remote=False)
    text, wanted, inner = _without_suffix(text)
    scheme = _scheme(text)
    if scheme in _FORMATS:
        text, wanted = text[len(scheme) + 3 :], wanted or _FORMATS[scheme]
        scheme = _scheme(text)
    if scheme == "file":
        # Two slashes are enough for people: file://relative has no host worth its name.
        text = url2pathname(text[len("file://") :])
        scheme = ""
    if scheme and scheme not in REMOTE:
        raise VolumeError(
            f"an address that begins with {scheme}://, which is not known",
            where=location,
            remedy=f"give a path, or one of {', '.join(f'{s}://' for s in (*REMOTE, 'file'))}",
        )
    return Address(text, bool(scheme), wanted, inner)


def _scheme(text: str) -> str:
    found = _SCHEME.match(text)
    return found[1].lower() if found else ""


def _without_suffix(text: str) -> tuple[str, str, str]:
    """Return a location without ``|format:inner`` at its end, that format, and what is inside."""
    before, bar, last = text.rpartition("|")
    word, _, inner = last.partition(":")
    if bar and word in _FORMATS:
        return before, _FORMATS[word], inner.strip("/")
    return text, "", ""
