"""Conversions that are cut off and taken up again, and those that may not be."""

import errno
import os
import random
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import zarr
from distributed import LocalCluster

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.volumes import disk, open_volume
from napari_axonem.volumes.conversion import ConvertSettings, convert

from . import killed_conversion

FORMS = ["a.zarr", "a.h5", "a.tif", "a.precomputed"]
NAMES = pytest.mark.parametrize("name", FORMS)
SHAPE = (70, 150, 140)
CHILD = Path(killed_conversion.__file__)


class StopError(Exception):
    """Raised by a user who has seen enough."""


def stop_after(steps):
    said = []

    def progress(done, total, doing):
        said.append(doing)
        if len(said) > steps:
            raise StopError

    return progress


def count(steps, done, total, doing):
    steps.append(doing)


def run(src, dst, progress=lambda done, total, doing: None, **options):
    settings = {"source": str(src), "destination": str(dst), "workers": 1, **options}
    return convert(ConvertSettings(**settings), progress)


def tree(path):
    """Return the bytes of a file, or of every file of a folder."""
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    return {str(f.relative_to(path)): f.read_bytes() for f in files}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Cut the volume into 18 blocks of 64³ voxels, each taken down at once."""
    for module, name, value in killed_conversion.PATCHES:
        monkeypatch.setattr(module, name, value)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Labels in zarr, none of them 0, so that every chunk has a file."""
    rng = np.random.default_rng(0)
    small = rng.integers(1, 250, [n // 5 for n in SHAPE], dtype=np.uint32)
    array = small.repeat(5, 0).repeat(5, 1).repeat(5, 2)
    path = tmp_path_factory.mktemp("source") / "labels.zarr"
    zarr.create_array(
        path, data=array, chunks=(32, 64, 64), attributes={"voxel_size_nm": (10.0, 10.0, 10.0)}
    )
    return path


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """What conversions give that nobody interrupts, and the number of their steps."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in killed_conversion.PATCHES:
            patch.setattr(module, name, value)
        found = {}
        for name in FORMS:
            steps = []
            path = tmp_path_factory.mktemp("whole") / name
            run(source, path, partial(count, steps))
            found[name] = tree(path), len(steps)
    return found


def killed(source, destination, steps, workers=1):
    """Convert in another process that dies after so many steps."""
    arguments = [str(a) for a in (CHILD, source, destination, steps, workers)]
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[2])}
    left = subprocess.run([sys.executable, *arguments], check=False, env=environment)
    assert left.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("name", "seed"), [*((n, i) for i, n in enumerate(FORMS)), ("a.zarr", 9)])
def test_killed_and_started_again_gives_the_same_bytes(tmp_path, source, whole, name, seed):
    expected, steps = whole[name]
    path = tmp_path / name
    killed(source, path, random.Random(seed).randrange(3, steps))
    assert [p.name for p in tmp_path.iterdir()] == [f".{name}.partial"]
    done = run(source, path)
    assert done.resumed > 0
    assert tree(path) == expected
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_killed_with_processes_at_work(tmp_path, source, whole):
    path = tmp_path / "a.zarr"
    killed(source, path, 6, workers=2)
    assert run(source, path).resumed >= 4
    assert tree(path) == whole["a.zarr"][0]


@NAMES
def test_stopped_at_every_step(tmp_path, source, whole, name):
    """Each run does one more step than the last; what is done is never done again."""
    expected, steps = whole[name]
    path = tmp_path / name
    blocks = []
    for at in range(0, steps + 40, 5):
        try:
            blocks.append(run(source, path, stop_after(at)).resumed)
            break
        except StopError:
            assert not path.exists()
    assert blocks == [18]
    assert tree(path) == expected


def test_what_a_kill_leaves_between_the_chunks_goes(tmp_path, source, whole):
    path = tmp_path / "a.zarr"
    with pytest.raises(StopError):
        run(source, path, stop_after(5))
    torn = tmp_path / ".a.zarr.partial/result/a.zarr/0/c/0/0/1.0123456789abcdef.partial"
    torn.write_bytes(b"half a chunk")
    run(source, path)
    assert tree(path) == whole["a.zarr"][0]


def test_cluster_of_which_a_worker_dies(tmp_path, source, whole):
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        worker = cluster.workers[0].pid
        steps = []

        def progress(done, total, doing):
            steps.append(doing)
            if len(steps) == 6:
                os.kill(worker, signal.SIGKILL)

        run(source, tmp_path / "a.zarr", progress, scheduler=cluster.scheduler_address)
    assert len(steps) > 6
    assert tree(tmp_path / "a.zarr") == whole["a.zarr"][0]


@NAMES
def test_only_one_at_a_time(tmp_path, source, whole, name):
    path = tmp_path / name
    refused = []

    def progress(done, total, doing):
        if not refused:
            with pytest.raises(VolumeError, match="is being written by another process") as caught:
                run(source, path)
            refused.append(caught.value)

    run(source, path, progress)
    assert refused
    assert tree(path) == whole[name][0]


def test_other_settings_begin_anew(tmp_path, source):
    path = tmp_path / "a.zarr"
    with pytest.raises(StopError):
        run(source, path, stop_after(5))
    done = run(source, path, kind="image")
    assert done.resumed == 0
    assert "have changed" in done.anew
    assert open_volume(path).kind is None


def test_changed_source_begins_anew(tmp_path):
    source, path = tmp_path / "s.zarr", tmp_path / "a.zarr"
    attributes = {"voxel_size_nm": (10.0, 10.0, 10.0)}
    array = zarr.create_array(
        source, shape=SHAPE, chunks=(64, 64, 64), dtype="u4", attributes=attributes
    )
    array[:] = 1
    with pytest.raises(StopError):
        run(source, path, stop_after(5))
    array[:2] = 77
    done = run(source, path)
    assert done.resumed == 0
    assert done.anew
    np.testing.assert_array_equal(open_volume(path).levels[0][:], array[:])


def test_other_workers_go_on(tmp_path, source, whole):
    path = tmp_path / "a.zarr"
    with pytest.raises(StopError):
        run(source, path, stop_after(5))
    done = run(source, path, check=False, overwrite=True, fill=True)
    assert (done.resumed, done.anew) == (5, "")
    assert tree(path) == whole["a.zarr"][0]


def test_full_disk_then_space_again(tmp_path, source, whole, monkeypatch):
    path = tmp_path / "a.zarr"
    real, calls = zarr.Array.__setitem__, []

    def write(self, *arguments):
        calls.append(1)
        if len(calls) > 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", write)
        with pytest.raises(
            StorageError, match=r"/a\.zarr: cannot be written .* free some space .* goes on where"
        ):
            run(source, path)
    assert not path.exists()
    assert run(source, path).resumed == 7
    assert tree(path) == whole["a.zarr"][0]


def test_nothing_stays_where_nothing_was_done(tmp_path, source):
    with pytest.raises(StopError):
        run(source, tmp_path / "a.zarr", stop_after(0))
    assert not list(tmp_path.iterdir())


@NAMES
def test_killed_between_the_last_two_steps(tmp_path, source, whole, monkeypatch, name):
    path = tmp_path / name
    real = disk.publish

    def publish(*arguments, **options):
        real(*arguments, **options)
        raise StopError

    with monkeypatch.context() as patch:
        patch.setattr(disk, "publish", publish)
        with pytest.raises(StopError):
            run(source, path)
    done = run(source, path)
    assert done.resumed == done.blocks == 18
    assert tree(path) == whole[name][0]
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with pytest.raises(VolumeError, match="exists already"):
        run(source, path)


def test_damage_found_with_fill_is_not_passed_over_without(tmp_path, source):
    damaged = tmp_path / "damaged.zarr"
    codec = zarr.codecs.ZstdCodec(checksum=True)
    array = zarr.open_array(source, mode="r")
    zarr.create_array(
        damaged,
        data=array[:],
        chunks=(64, 64, 64),
        compressors=codec,
        attributes={"voxel_size_nm": (10.0, 10.0, 10.0)},
    )
    (damaged / "c/0/0/0").write_bytes(b"damaged")
    path = tmp_path / "a.zarr"
    with pytest.raises(StopError):
        run(damaged, path, stop_after(5), fill=True)
    with pytest.raises(VolumeError, match=r"chunk c/0/0/0.*pass --fill again"):
        run(damaged, path)
    done = run(damaged, path, fill=True)
    assert done.resumed == 5
    assert len(done.unreadable) == 1
