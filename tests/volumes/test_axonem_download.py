"""Blocks from the public place: a server on this machine stands in for it."""

import dataclasses
import hashlib
import http.server
import shutil
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pooch
import pytest

from napari_axonem.errors import AxonemError, StorageError, VolumeError
from napari_axonem.volumes import axonem
from napari_axonem.volumes.axonem import HUMAN
from napari_axonem.volumes.axonem.download import (
    CACHE_VARIABLE,
    cache_folder,
    fetch_block,
    kept_block,
)

from .axonem_files import SMALL, write_release, zipped

NAME = "475-1792-1792"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    cut_after = -1

    def log_message(self, *_):
        pass

    def log_request(self, *_):
        self.server.asked.append(self.path)

    def copyfile(self, source, outputfile):
        data = source.read()
        outputfile.write(data if self.cut_after < 0 else data[: self.cut_after])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[http.server.ThreadingHTTPServer]:
    """A public place: nothing in it yet."""
    folder = tmp_path / "public"
    folder.mkdir()
    handler = type("Here", (Handler,), {})
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(folder))
    ) as server:
        server.asked, server.handler, server.folder = [], handler, folder
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def volume(place, tmp_path: Path) -> axonem.ReleaseVolume:
    """The human volume, whose archive is small and in the public place."""
    folder = write_release(tmp_path / "made" / HUMAN.archive.removesuffix(".zip"))
    archive = zipped(folder, place.folder / HUMAN.archive)
    shutil.rmtree(folder)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return dataclasses.replace(HUMAN, archive_sha256=digest)


@pytest.fixture
def fetch(place, tmp_path: Path):
    """Fetch a block from that place."""
    return partial(fetch_block, place=place.url, cache=tmp_path / "cache", timeout=(5, 5))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_the_archive_is_fetched_once_and_a_block_unpacked_once(place, volume, fetch):
    told = []
    folder = fetch(volume, volume.centre, lambda *now: told.append(now))
    assert sorted(p.name for p in folder.iterdir()) == [f"im_{NAME}_pad.h5", f"seg_{NAME}_pad.h5"]
    assert told[-1][0] == told[-1][1]
    assert told[-1][2] == f"downloading {HUMAN.archive} (MB)"
    assert fetch(volume, volume.held_out).name == "950-3584-3584"
    assert len(place.asked) == 1
    (folder.parents[1] / HUMAN.archive).unlink()
    assert fetch(volume, volume.centre) == folder
    assert len(place.asked) == 1


def test_what_was_fetched_opens_as_a_block(volume, fetch, tmp_path: Path):
    folder = fetch(volume, volume.centre)
    assert kept_block(volume, volume.centre, tmp_path / "cache") == folder
    assert kept_block(volume, volume.held_out, tmp_path / "cache") is None
    block = axonem.block_at(folder, layout=SMALL)
    assert block.title == f"human {NAME}"
    assert block.labels.shape == SMALL.block


def test_a_wrong_checksum_is_never_taken(volume, fetch, tmp_path: Path):
    wrong = dataclasses.replace(volume, archive_sha256="0" * 64)
    with pytest.raises(VolumeError, match="not the known archive: its SHA-256 is not 000"):
        fetch(wrong, volume.centre)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_closed_port_says_what_to_do(volume, tmp_path: Path):
    port = free_port()
    place = f"http://127.0.0.1:{port}"
    with pytest.raises(VolumeError) as refused:
        fetch_block(volume, volume.centre, place=place, cache=tmp_path / "cache")
    said = str(refused.value)
    assert said.startswith(f"cannot reach 127.0.0.1:{port} (")
    assert f"download {place}/{HUMAN.archive} by hand" in said
    assert str(tmp_path / "cache" / HUMAN.archive) in said
    assert "\n" not in said


def test_a_silent_server_is_left_in_bounded_time(volume, tmp_path: Path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        place = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(VolumeError, match="no answer in time"):
            fetch_block(
                volume, volume.centre, place=place, cache=tmp_path / "cache", timeout=(0.2, 0.2)
            )


def test_an_archive_that_is_not_there(place, fetch):
    with pytest.raises(VolumeError, match=r"does not give the archive \(404"):
        fetch(HUMAN, HUMAN.centre)
    assert place.asked == [f"/{HUMAN.archive}"]


def test_a_download_that_breaks_off_leaves_nothing(place, volume, fetch, tmp_path: Path):
    place.handler.cut_after = 1000
    with pytest.raises(VolumeError, match=r"broke off|cannot reach"):
        fetch(volume, volume.centre)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_download_that_is_stopped_leaves_nothing(volume, fetch, tmp_path: Path):
    def stop(*_):
        raise AxonemError("stopped")

    with pytest.raises(AxonemError, match="stopped"):
        fetch(volume, volume.centre, stop)
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_archive_put_there_by_hand_is_taken(place, volume, fetch, tmp_path: Path):
    cache = tmp_path / "cache"
    cache.mkdir()
    shutil.move(place.folder / HUMAN.archive, cache)
    assert fetch(volume, volume.centre).name == NAME
    assert place.asked == []


def test_no_room_is_said_before_anything_is_stored(
    volume, fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    free = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr("shutil.disk_usage", lambda _: free)
    with pytest.raises(StorageError, match=f"0 MB are free.*{CACHE_VARIABLE}"):
        fetch(volume, volume.centre)
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_archive_without_the_block(place, volume, fetch):
    with pytest.raises(VolumeError, match=r"no im_1-2-3_pad\.h5 in it"):
        fetch(volume, (1, 2, 3))


def test_downloads_are_kept_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert cache_folder() == Path(pooch.os_cache("napari-axonem"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path
