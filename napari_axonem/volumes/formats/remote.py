"""Stores that tensorstore reaches: buckets, web servers, zip files."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

from napari_axonem.errors import VolumeError, VolumeLostError
from napari_axonem.volumes.formats.libraries import library

PATIENCE = 10.0
"""Seconds after which a store that says nothing counts as away."""

RETRIES = {"max_retries": 5, "initial_delay": "300ms", "max_delay": "2s"}
"""How often a request that failed is made again: over some six seconds in all."""

_CACHE_BYTES = 2**27
"""For what is read again and again: indices of shards, and chunks at the faces of blocks."""

_FOR_PROGRAMS = re.compile(r" \[\w+='.*", re.DOTALL)
"""Where tensorstore's messages go over to specifications and bodies of answers."""

_REFUSED = ("PERMISSION_DENIED", "UNAUTHENTICATED")

_LOGIN = {
    "gs": "log in with 'gcloud auth application-default login', or check that the bucket is public",
    "s3": "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or check that the "
    "bucket is public",
}


def tensorstore(where: object) -> Any:  # noqa: ANN401 - the module
    """Return the module tensorstore.

    Raises
    ------
    VolumeError
        It is not installed.
    """
    return library("tensorstore", "remote", where)


@functools.cache
def far_context() -> Any:  # noqa: ANN401 - tensorstore says no types
    """Return tensorstore's settings for what is not on this machine: patience and memory."""
    return tensorstore("").Context(
        {
            **{f"{kind}_request_retries": RETRIES for kind in ("http", "gcs", "s3")},
            "cache_pool": {"total_bytes_limit": _CACHE_BYTES},
        }
    )


class KeyValues:
    """A key-value store of tensorstore as a `Store`.

    Parameters
    ----------
    keys
        The open store of tensorstore.
    location
        What to call it; a location that `open_volume` takes.
    name
        The last part of its address.
    joint
        What stands in a location between this store and a name in it.
    parent
        The store that holds this one, where it is known.
    """

    is_local = False
    word = "store"

    def __init__(
        self,
        keys: Any,  # noqa: ANN401
        location: str,
        name: str,
        joint: str = "/",
        parent: KeyValues | None = None,
    ) -> None:
        self.name = name
        """The last part of its address."""
        self._keys = keys
        self._location = location
        self._joint = joint
        self._parent = parent
        self._under_way: dict[str, Any] = {}
        self.refusal = ""
        """What was said when a value was refused; empty where none was."""

    @classmethod
    def at(cls, url: str) -> Self:
        """Open the store at a URL; nothing is read.

        Raises
        ------
        VolumeError
            The URL cannot be understood, or tensorstore is not installed.
        """
        module = tensorstore(url)
        try:
            keys = module.KvStore.open(_spec(url), context=far_context()).result(PATIENCE)
        except Exception as error:  # tensorstore's, about the URL
            raise VolumeError(
                f"an address that cannot be used ({plain(error)})",
                where=url,
                remedy="check it; buckets are written as gs://BUCKET/PATH or s3://BUCKET/PATH",
            ) from error
        location = url.rstrip("/")
        return cls(keys, location, unquote(location.rpartition("/")[2]))

    @classmethod
    def in_zip(cls, path: Path) -> Self:
        """Open a zip file as a store; its list of contents is read.

        Raises
        ------
        VolumeError
            It is damaged, or tensorstore is not installed.
        """
        module = tensorstore(path)
        base = {"driver": "file", "path": path.absolute().as_posix()}
        keys = module.KvStore.open({"driver": "zip", "base": base}).result()
        store = cls(keys, str(path), path.name, joint=":")
        store.folders()
        return store

    def __str__(self) -> str:
        return self._location

    def expect(self, keys: Sequence[str]) -> None:
        """Begin to fetch values."""
        for key in keys:
            if key not in self._under_way:
                self._under_way[key] = (self._keys / key).read("")

    def read(self, key: str) -> bytes | None:
        """Return a value, None where there is none or where it is refused.

        Buckets that may be read but not listed refuse what they do not have.

        Raises
        ------
        VolumeLostError
            The store is away.
        """
        self.expect((key,))
        try:
            result = self._under_way[key].result(PATIENCE)
        except TimeoutError as error:
            raise silent_error(self) from error
        except Exception as error:  # whatever tensorstore says
            if is_refusal(error):
                self.refusal = plain(error)
                return None
            raise VolumeLostError(
                f"cannot be reached ({plain(error)})",
                where=self,
                remedy="check the address and the network, then try again",
            ) from error
        return bytes(result.value) if result.state == "value" else None

    def version(self, key: str) -> None:
        """Return None: asking takes as long as reading."""

    def folders(self) -> list[str] | None:
        """Return the names of the folders of a zip file; of what is far away none are listed.

        tensorstore lists all keys there are or none, and a bucket has millions of chunks.
        """
        if self.kvstore()["driver"] != "zip":
            return None
        try:
            keys = [key.decode() for key in self._keys.list().result()]
        except Exception as error:  # whatever tensorstore says
            raise VolumeError(
                f"a zip file that cannot be read ({plain(error)})",
                where=self,
                remedy="check that it is complete",
            ) from error
        return sorted({key.lstrip("/").partition("/")[0] for key in keys if "/" in key.lstrip("/")})

    def below(self, path: str) -> KeyValues:
        """Return the store at a path below."""
        store = self
        for name in filter(None, path.split("/")):
            shown = quote(name) if "://" in self._location else name
            location = f"{store._location}{store._joint}{shown}"
            store = KeyValues(store._keys / f"{name}/", location, name, parent=store)
        return store

    def above(self) -> KeyValues | None:
        """Return the store that holds this one, None at the top of a host, bucket or file."""
        above = self._location.rpartition("/")[0]
        if self._parent is None and "://" in above and urlsplit(above).path.strip("/"):
            return KeyValues.at(above)
        return self._parent

    def fresh(self) -> KeyValues:
        """Return the same store without any value that was read before."""
        return KeyValues(self._keys, self._location, self.name, self._joint, self._parent)

    def kvstore(self) -> Any:  # noqa: ANN401 - JSON
        """Return where it lies in the words of tensorstore."""
        return self._keys.spec().to_json()


def refused_error(store: KeyValues) -> VolumeError:
    """Return the error for a store that may not be read."""
    scheme = urlsplit(str(store)).scheme
    return VolumeError(
        f"access is refused ({store.refusal})",
        where=store,
        remedy=_LOGIN.get(scheme, "check the address, and whether it may be read without login"),
    )


def silent_error(where: object, seconds: float = PATIENCE) -> VolumeLostError:
    """Return the error for a store that does not answer."""
    return VolumeLostError(
        f"no answer within {seconds:.0f} s",
        where=where,
        remedy="check the address and the network, then try again",
    )


def is_refusal(error: Exception) -> bool:
    """Tell whether an error of tensorstore says that something may not be read."""
    return str(error).startswith(_REFUSED)


def plain(error: Exception) -> str:
    """Return what an error of tensorstore says, without status and what it adds for programs."""
    text = _FOR_PROGRAMS.sub("", str(error)).strip()
    status, colon, rest = text.partition(": ")
    return rest if colon and status.isupper() else text


def _spec(url: str) -> Any:  # noqa: ANN401 - JSON
    """Return the words of tensorstore for a URL.

    Like the tools of AWS this takes another server that speaks S3 from AWS_ENDPOINT_URL.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    parts = urlsplit(url)
    if parts.scheme == "s3" and endpoint:
        path = parts.path.lstrip("/")
        return {"driver": "s3", "bucket": parts.netloc, "path": path, "endpoint": endpoint}
    return url
