"""Training blocks from their public place on the net, kept for the next time."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.geometry import Zyx
from napari_axonem.progress import Progress, silent
from napari_axonem.volumes.axonem.members import Member, extract
from napari_axonem.volumes.axonem.release import (
    PUBLIC_PLACE,
    Part,
    ReleaseVolume,
    block_name,
    file_name,
)
from napari_axonem.volumes.disk import guarded, replacing

CACHE_VARIABLE = "AXONEM_CACHE"
"""Set to a folder to keep downloads there, for those with little room in their home."""

PLACE_VARIABLE = "AXONEM_PLACE"
"""Set to the address of a folder that has the archives, such as a copy in one's own lab."""

TIMEOUT_S = (10.0, 30.0)
"""How long to wait for a connection, and for the next bytes of a download."""

_MEGABYTE = 1_000_000

_PARTS: tuple[Part, ...] = ("im", "seg")


def cache_folder() -> Path:
    """Return where downloads are kept: pooch's place for this system, or `CACHE_VARIABLE`."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    import pooch  # here, because it is slow to import and seldom wanted

    return Path(pooch.os_cache("napari-axonem"))


def kept_block(volume: ReleaseVolume, offset: Zyx, cache: Path | None = None) -> Path | None:
    """Return the folder of a block that was fetched before, None where it was not."""
    folder = _folder(volume, offset, cache or cache_folder())
    there = all((folder / file_name(part, offset)).is_file() for part in _PARTS)
    return folder if there else None


def fetch_block(
    volume: ReleaseVolume,
    offset: Zyx,
    progress: Progress = silent,
    *,
    place: str = "",
    cache: Path | None = None,
    timeout: tuple[float, float] = TIMEOUT_S,
) -> Path:
    """Return a folder with the two files of a training block, fetched if they are not kept.

    The whole archive is fetched once, by pooch, and taken only with its known SHA-256; the block
    is unpacked beside it.

    Parameters
    ----------
    progress
        Told of megabytes; when it raises, the download ends and leaves nothing behind.
    place
        Address of the folder of the archives; `PLACE_VARIABLE`, or else the public place, where
        empty.
    cache
        Folder to keep them in; `cache_folder` where None.
    timeout
        Seconds to wait for a connection, and for the next bytes.

    Raises
    ------
    VolumeError
        The public place cannot be reached or does not have the archive, or its checksum is not
        the known one.
    StorageError
        There is no room for it.
    """
    cache = cache or cache_folder()
    kept = kept_block(volume, offset, cache)
    if kept is not None:
        return kept
    place = (place or os.environ.get(PLACE_VARIABLE) or PUBLIC_PLACE).rstrip("/")
    archive = _fetch_archive(volume, progress, place, cache, timeout)
    folder = _folder(volume, offset, cache)
    _unpack(archive, [file_name(part, offset) for part in _PARTS], folder)
    return folder


def _folder(volume: ReleaseVolume, offset: Zyx, cache: Path) -> Path:
    """Return where a block is unpacked; the archive's name in it tells the volume."""
    return cache / volume.archive.removesuffix(".zip") / block_name(offset)


def _fetch_archive(
    volume: ReleaseVolume,
    progress: Progress,
    place: str,
    cache: Path,
    timeout: tuple[float, float],
) -> Path:
    import pooch
    from requests.exceptions import RequestException

    target = cache / volume.archive
    with guarded(cache):
        cache.mkdir(parents=True, exist_ok=True)
    url = f"{place}/{volume.archive}"
    download = pooch.HTTPDownloader(
        progressbar=_Bar(progress, target), chunk_size=2**20, timeout=timeout
    )
    pooch.get_logger().setLevel("WARNING")  # what it says of a download, our progress says too
    known = f"sha256:{volume.archive_sha256}"
    try:
        pooch.retrieve(url, known, volume.archive, cache, downloader=download)
    except RequestException as error:  # an OSError too, but not one of the disk
        raise VolumeError(
            _what_failed(error, url),
            remedy=f"try again when the machine is online; or download {url} by hand elsewhere "
            f"and put it at {target}, or unpack it anywhere and open the files from there",
        ) from error
    except ValueError as error:  # pooch's word for a wrong checksum
        raise VolumeError(
            f"what came is not the known archive: its SHA-256 is not {volume.archive_sha256}",
            where=url,
            remedy="try again; if it stays so, the release has changed",
        ) from error
    except OSError as error:
        with guarded(target):
            raise error from error
    return target


def _what_failed(error: Exception, url: str) -> str:
    """Return in one clause why nothing came from `url`."""
    from requests import exceptions

    host = urlsplit(url).netloc
    if isinstance(error, exceptions.HTTPError):
        return f"{host} does not give the archive ({error})"
    if isinstance(error, exceptions.Timeout):
        return f"cannot reach {host} (no answer in time)"
    # The system's own words are the last of a long message.
    reason = str(error).rsplit(": ", 1)[-1].strip("'\")> ") or type(error).__name__
    if isinstance(error, exceptions.ConnectionError):
        return f"cannot reach {host} ({reason})"
    return f"the download from {host} broke off ({reason})"


def _unpack(archive: Path, names: Sequence[str], folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as file:
            inside = {PurePosixPath(info.filename).name: info for info in file.infolist()}
            absent = [name for name in names if name not in inside]
            if absent:
                raise VolumeError(f"no {absent[0]} in it", where=archive)
            with replacing(folder, overwrite=True) as temporary:
                temporary.mkdir()
                for name in names:
                    where = Member(archive, inside[name].filename)
                    extract(file, inside[name], temporary / name, where)
    except zipfile.BadZipFile as error:
        raise VolumeError(f"no zip that can be read ({error})", where=archive) from error


class _Bar:
    """What pooch tells its progress to, in bytes: a part of tqdm's interface."""

    def __init__(self, progress: Progress, target: Path) -> None:
        self._progress, self._target = progress, target
        self._done = self._total = 0

    @property
    def total(self) -> int:
        """How many bytes are to come, 0 where the server does not say."""
        return self._total

    @total.setter
    def total(self, total: int) -> None:
        free = shutil.disk_usage(self._target.parent).free
        if free < total:
            raise StorageError(
                f"it takes {total // _MEGABYTE:,} MB, and {free // _MEGABYTE:,} MB are free",
                where=self._target,
                remedy=f"free some space, or set {CACHE_VARIABLE} to a folder on another disk",
            )
        self._total = total

    def update(self, count: int) -> None:
        """Count bytes."""
        self._done = min(self._done + count, self._total or self._done + count)
        total = self._total // _MEGABYTE if self._total else -1
        doing = f"downloading {self._target.name} (MB)"
        self._progress(self._done // _MEGABYTE, total, doing)

    def reset(self) -> None:
        """Begin counting anew."""
        self._done = 0

    def close(self) -> None:
        """Nothing is left open."""
