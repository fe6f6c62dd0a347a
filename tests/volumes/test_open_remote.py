"""Volumes behind addresses: from a web server on this machine, or from none at all."""

import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_axonem.errors import AxonemError, VolumeError, VolumeLostError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import (
    Pyramid,
    describe,
    list_volumes,
    open_affinities,
    open_volume,
    read_what_can_be_read,
)
from napari_axonem.volumes.formats import remote
from tests.volumes import test_open_n5 as n5
from tests.volumes import test_open_precomputed as precomputed
from tests.volumes.web import closed_port, serving, silent

SHAPE = (9, 20, 24)
SIZE = (30.0, 8.0, 4.0)
GRID = Grid(SIZE, (60.0, 8.0, -4.0))


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Give up soon, and keep no values from one test for the next."""
    monkeypatch.setattr(remote, "RETRIES", {**remote.RETRIES, "max_retries": 1, "max_delay": "0s"})
    remote.far_context.cache_clear()
    yield
    remote.far_context.cache_clear()


@pytest.fixture
def web(tmp_path):
    with serving(tmp_path) as server:
        yield server


def voxels(dtype="u4", shape=SHAPE):
    return np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(dtype)


def write(path, version=3, **options):
    attributes = {"voxel_size_nm": SIZE, "origin_nm": GRID.origin}
    options = {"chunks": (4, 10, 10), "attributes": attributes, **options}
    zarr.create_array(path, data=voxels(), zarr_format=version, **options)
    return path


def pyramid(path, version="0.5"):
    made = Pyramid.create(path, SHAPE, "u4", GRID, "labels", chunk=(4, 16, 16), version=version)
    made.write(made.volume.box, voxels())
    made.build_levels()
    return made.volume


def same(volume, expected):
    assert (volume.grid, volume.factors) == (expected.grid, expected.factors)
    assert (volume.dtype, volume.kind) == (expected.dtype, expected.kind)
    for level, other in zip(volume.levels, expected.levels, strict=True):
        np.testing.assert_array_equal(level, other)


@pytest.mark.parametrize(
    ("version", "options", "chunks"),
    [
        (2, {}, (4, 10, 10)),
        (2, {"chunk_key_encoding": {"name": "v2", "separator": "/"}}, (4, 10, 10)),
        (3, {}, (4, 10, 10)),
        (3, {"shards": (8, 20, 20)}, (4, 10, 10)),
    ],
)
def test_zarr_array(tmp_path, web, version, options, chunks):
    path = write(tmp_path / "my store.zarr" / "a", version, **options)
    for address in (
        f"{web.address}/my%20store.zarr/a",
        f"zarr{version}://{web.address}/my store.zarr/a",
    ):
        volume = open_volume(address)
        same(volume, open_volume(path))
        assert volume.format == f"zarr {version}"
    same(open_volume(Path(address)), open_volume(path))  # which loses a slash
    info = describe(address)
    assert (info.chunks, info.location) == (chunks, f"{web.address}/my store.zarr/a")
    assert info.reason.startswith("the store holds ")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr(tmp_path, web, version):
    path = tmp_path / "a.zarr"
    expected = pyramid(path, version)
    address = f"{web.address}/a.zarr"
    volume = open_volume(address)
    same(volume, expected)
    assert volume.format == f"OME-Zarr {version}"
    assert list_volumes(address) == [""]
    for level in (f"{address}/0", f"{address}:0", f"{address}|zarr:0"):
        assert open_volume(level).grid == GRID
    again = open_volume(volume.location)
    assert again.location == volume.location


def test_labels_beside_an_image(tmp_path, web):
    root = tmp_path / "a.zarr"
    pyramid(root)
    pyramid(root / "labels" / "truth")
    group = zarr.create_group(root / "labels", zarr_format=3)
    group.attrs["ome"] = {"version": "0.5", "labels": ["truth"]}
    assert list_volumes(f"{web.address}/a.zarr") == ["", "labels/truth"]
    assert open_volume(f"{web.address}/a.zarr:labels/truth").shape == SHAPE
    with pytest.raises(VolumeError, match="nothing named 'labels/nope'; check the address"):
        open_volume(f"{web.address}/a.zarr:labels/nope")


@pytest.mark.parametrize("version", [2, 3])
def test_group_with_a_list_of_what_it_holds(tmp_path, web, version):
    root = zarr.create_group(tmp_path / "a.zarr", zarr_format=version)
    root.create_array("volumes/raw", data=voxels())
    address = f"{web.address}/a.zarr"
    with pytest.raises(VolumeError, match="cannot be listed from afar; add the name"):
        open_volume(address)
    with warnings.catch_warnings(action="ignore"):  # zarr 3 has no word on it yet
        zarr.consolidate_metadata(tmp_path / "a.zarr", zarr_format=version)
    assert list_volumes(address) == ["volumes/raw"]
    assert open_volume(address, voxel_size=SIZE).location == f"{address}/volumes/raw"


def test_n5(tmp_path, web):
    n5.multiscale(tmp_path / "a.n5" / "em", *n5.CONVENTIONS["n5-viewer"])
    for address in (f"{web.address}/a.n5/em", f"n5://{web.address}/a.n5/em/"):
        same(open_volume(address), open_volume(tmp_path / "a.n5" / "em"))
    assert open_volume(f"{web.address}/a.n5/em/s1").grid == Grid((30.0, 16.0, 8.0))
    n5.write(tmp_path / "b.n5", n5.voxels("f4", (3, *n5.SHAPE)))
    assert open_affinities(f"{web.address}/b.n5").shape == (3, *n5.SHAPE)


@pytest.mark.parametrize("options", [{}, {"sharding": precomputed.SHARDING}])
def test_precomputed(tmp_path, web, options):
    path = precomputed.write(tmp_path / "a", **options)
    for address in (f"precomputed://{web.address}/a", f"{web.address}/a|neuroglancer-precomputed:"):
        same(open_volume(address), open_volume(path))


def test_affinities(tmp_path, web):
    zarr.create_array(tmp_path / "a.zarr", data=voxels("f4", (3, 4, 5, 6)))
    np.testing.assert_array_equal(
        open_affinities(f"{web.address}/a.zarr")[:, 1:3], voxels("f4", (3, 4, 5, 6))[:, 1:3]
    )


def test_addresses_of_this_machine(tmp_path):
    path = write(tmp_path / "my store.zarr")
    quoted = (tmp_path / "my%20store.zarr").as_posix()
    for address in (f"file://{quoted}", f"zarr://file://{quoted}", f"zarr3://{path}"):
        assert open_volume(address).location == str(path)
    with pytest.raises(VolumeError, match="not a folder of any known format"):
        open_volume(f"n5://{path}")


@pytest.mark.parametrize("inner", ["", "a.zarr"])
def test_zip(tmp_path, inner):
    expected = pyramid(tmp_path / "store" / inner if inner else tmp_path / "store")
    shutil.make_archive(str(tmp_path / "a.zarr"), "zip", tmp_path / "store")
    file = tmp_path / "a.zarr.zip"
    volume = open_volume(file)
    same(volume, expected)
    assert open_volume(volume.location).location == volume.location
    assert list_volumes(file) == [""]
    assert open_volume(f"{file}:0").grid == GRID
    with serving(tmp_path) as server:
        if not inner:
            same(open_volume(f"{server.address}/a.zarr.zip|zip:"), expected)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(VolumeError, match=r"a\.zarr\.zip"):
        open_volume(file)


def test_zip_of_an_array(tmp_path):
    a = voxels("u2", (4, 5, 6))
    zarr.create_array(tmp_path / "store", data=a, attributes={"voxel_size_nm": [30, 8, 8]})
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "store")
    volume = open_volume(tmp_path / "a.zip")
    np.testing.assert_array_equal(volume.read(volume.box), a)


def test_zip_without_a_volume(tmp_path):
    np.savez(tmp_path / "weights.npz", a=np.zeros(3))
    with pytest.raises(VolumeError, match="without a volume at its top; unpack it"):
        describe(tmp_path / "weights.npz")
    (tmp_path / "store" / "b" / "c").mkdir(parents=True)
    (tmp_path / "store" / "b" / "c" / "d").write_text("")
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "store")
    with pytest.raises(VolumeError, match="at its top; its folders are b; unpack it"):
        describe(tmp_path / "a.zip")


def test_names_inside_the_only_folder_of_a_zip(tmp_path):
    a = voxels("u2", (4, 5, 6))
    zarr.create_group(tmp_path / "store" / "vol")
    for name in ("volume", "other"):
        path = tmp_path / "store" / "vol" / name
        zarr.create_array(path, data=a, attributes={"voxel_size_nm": [30, 8, 8]})
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "store")
    for inner in ("volume", "vol/volume"):
        volume = open_volume(f"{tmp_path}/a.zip:{inner}")
        np.testing.assert_array_equal(volume.read(volume.box), a)


@pytest.mark.parametrize("address", ["ftp://a/b", "graphene://https://a/b", "zarr://ftp://a"])
def test_unknown_addresses(address):
    with pytest.raises(VolumeError, match=r"begins with (ftp|graphene)://, which is not known"):
        open_volume(address)


@pytest.mark.parametrize("address", ["gs://", "gs://B/x", "s3://b", "http://"])
def test_impossible_addresses(address):
    with pytest.raises(VolumeError, match=r"check (it|the address)"):
        open_volume(address)


def test_nothing_there(web):
    with pytest.raises(VolumeError, match=r"/nope: nothing there of a known format: none of") as e:
        open_volume(f"{web.address}/nope")
    assert "must be downloaded first" in e.value.remedy
    with pytest.raises(VolumeError, match="none of info; check the address"):
        open_volume(f"precomputed://{web.address}/nope")


@pytest.mark.parametrize("status", [401, 403])
def test_refused(tmp_path, web, status):
    write(tmp_path / "a.zarr")
    web.refused["/a.zarr/"] = status
    with pytest.raises(VolumeError, match=r"a\.zarr: access is refused .*without login"):
        open_volume(f"{web.address}/a.zarr")
    del web.refused["/a.zarr/"]
    web.refused["info"] = web.refused["attributes.json"] = status  # as of a bucket not listed
    assert open_volume(f"{web.address}/a.zarr").grid == GRID


def test_bucket_of_another_server(tmp_path, web, monkeypatch):
    write(tmp_path / "bucket" / "a.zarr")
    for name, value in {
        "AWS_ENDPOINT_URL": web.address,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    assert open_volume("s3://bucket/a.zarr").grid == GRID
    web.refused["/bucket/"] = 403
    with pytest.raises(VolumeError, match=r"s3://bucket/a\.zarr: access is refused .*AWS_PROFILE"):
        open_volume("s3://bucket/a.zarr")


def test_away(web):
    for address in (closed_port(), "http://no-such-host.invalid"):
        with pytest.raises(VolumeLostError, match=rf"{address}/a: cannot be reached .*network"):
            open_volume(f"{address}/a")
    web.refused["/"] = 503
    with pytest.raises(VolumeLostError, match="Service Unavailable"):
        list_volumes(f"{web.address}/a")


def test_no_answer(monkeypatch):
    assert remote.PATIENCE <= 10
    monkeypatch.setattr(remote, "PATIENCE", 0.3)
    with silent() as address, pytest.raises(VolumeLostError, match="no answer within"):
        open_volume(f"{address}/a")


def test_server_that_goes_away(tmp_path):
    write(tmp_path / "a.zarr")
    with serving(tmp_path) as server:
        volume = open_volume(f"{server.address}/a.zarr")
    with pytest.raises(VolumeLostError, match=r"a\.zarr: cannot be reached"):
        volume.read(volume.box)
    with pytest.raises(VolumeLostError):
        read_what_can_be_read(volume, volume.box)


@pytest.mark.parametrize("change", ["deleted", "shrunk"])
def test_store_that_changes(tmp_path, web, change):
    path = write(tmp_path / "a.zarr")
    volume = open_volume(f"{web.address}/a.zarr")
    shutil.rmtree(path)
    if change == "shrunk":
        zarr.create_array(path, shape=(3, 4, 5), dtype="u1")
    with pytest.raises(VolumeLostError, match=r"(was deleted|changed) while it was open"):
        volume.read(volume.box)


@pytest.mark.parametrize("status", [403, 500])
def test_chunk_that_cannot_be_had(tmp_path, web, status):
    write(tmp_path / "a.zarr")
    volume = open_volume(f"{web.address}/a.zarr")
    web.refused["/c/1/0/2"] = status
    with pytest.raises(VolumeError, match=r"chunk c/1/0/2, voxels \(4, 0, 20\)\.\.\(8, 10, 24\)"):
        volume.read(volume.box)
    found, [error] = read_what_can_be_read(volume, volume.box)
    assert "c/1/0/2" in error.seen
    expected = voxels()
    expected[4:8, 0:10, 20:24] = 0
    np.testing.assert_array_equal(found, expected)


def test_chunks_are_not_asked_for_twice(tmp_path, web):
    write(tmp_path / "a.zarr")
    volume = open_volume(f"{web.address}/a.zarr")
    for _ in range(2):
        volume.read(volume.box)
    chunks = [path for path in web.asked if "/c/" in path]
    assert len(chunks) == len(set(chunks)) == 3 * 2 * 3


@pytest.mark.parametrize("name", ["a.n5", "a", "http"])
def test_without_tensorstore(tmp_path, monkeypatch, name):
    n5.write(tmp_path / "a.n5")
    precomputed.write(tmp_path / "a")
    monkeypatch.setitem(sys.modules, "tensorstore", None)
    location = f"{closed_port()}/a" if name == "http" else tmp_path / name
    with pytest.raises(AxonemError, match=r"pip install 'napari-axonem\[remote\]'"):
        open_volume(location)
