"""NRRD written by pynrrd, opened by us."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box
from napari_axonem.volumes import describe, open_volume
from napari_axonem.volumes.formats import flat

nrrd = pytest.importorskip("nrrd")

SHAPE = (5, 40, 50)
SIZE = (30.0, 8.0, 4.0)
UM = {
    "space dimension": 3,
    "space directions": np.diag([0.004, 0.008, 0.03]),
    "space units": ["microns", "microns", "microns"],
}


def voxels(dtype="u1", shape=SHAPE):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def write(path, array=None, header=None, **options):
    array = voxels() if array is None else array
    options.setdefault("index_order", "C")
    nrrd.write(str(path), array, header or {}, **options)
    return path


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("name", ["a b:c.nrrd", "a.nhdr"])
def test_voxels(tmp_path, dtype, encoding, name):
    array = voxels(dtype)
    path = write(tmp_path / name, array, {"encoding": encoding})
    volume = open_volume(path, voxel_size=SIZE)
    assert (volume.format, volume.dtype, volume.shape) == ("NRRD", np.dtype(dtype), SHAPE)
    box = Box((2, 5, 31), (4, 33, 50))
    np.testing.assert_array_equal(volume.read(box), array[box.slices])
    np.testing.assert_array_equal(volume.read(volume.box), array)


def test_big_endian_and_skips(tmp_path):
    (tmp_path / "a.raw").write_bytes(b"one line\nxyz" + voxels(">u2").tobytes())
    lines = ["NRRD0004", "type: ushort", "dimension: 3", "sizes: 50 40 5", "encoding: raw"]
    lines += ["endian: big", "line skip: 1", "byte skip: 3", "data file: a.raw"]
    path = tmp_path / "a.nhdr"
    path.write_text("\n".join(lines) + "\n\n")
    np.testing.assert_array_equal(open_volume(path, voxel_size=SIZE).levels[0], voxels())
    path.write_text(path.read_text().replace("skip: 3", "skip: -1"))
    np.testing.assert_array_equal(open_volume(path, voxel_size=SIZE).levels[0], voxels())
    (tmp_path / "a.raw").unlink()
    with pytest.raises(VolumeError, match=r"its data file 'a\.raw' is missing"):
        open_volume(path)


@pytest.mark.parametrize(
    "header",
    [
        UM,
        {"spacings": [4e-6, 8e-6, 3e-5], "units": ["mm", "mm", "mm"]},
        {"spacings": [4, 8, 30], "units": ["nm", "nm", "nm"]},
    ],
)
def test_sizes(tmp_path, header):
    grid = open_volume(write(tmp_path / "a.nrrd", header=header)).grid
    scale = 1e6 if header.get("units", [""])[0] == "mm" else 1
    if scale == 1e6:
        assert grid.voxel_size == pytest.approx((30, 8, 4))
    assert grid.voxel_size == pytest.approx(SIZE)
    assert grid.origin == (0, 0, 0)


def test_origin_is_the_corner_of_the_first_voxel(tmp_path):
    header = {**UM, "space origin": [0.002, 1.004, -0.015]}
    info = describe(write(tmp_path / "a.nrrd", header=header))
    assert info.origin == pytest.approx((-30.0, 1000.0, 0.0))
    turned = {**header, "space directions": np.diag([0.004, 0.008, 0.03])[[1, 0, 2]]}
    info = describe(write(tmp_path / "b.nrrd", header=turned))
    assert info.voxel_size == pytest.approx((30, 4, 8))
    assert info.origin is None


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ({}, "state its voxel size;"),
        ({"spacings": [4, 8, 30]}, r"\[4\.0, 8\.0, 30\.0\] of an unknown unit"),
        ({**UM, "space units": ["mm", "mm", "um"]}, "of an unknown unit"),
        ({"spacings": [4, 8, 0], "units": ["nm"] * 3}, r"its spacings are \[4\.0, 8\.0, 0\.0\]"),
    ],
)
def test_unknown_size_is_never_guessed(tmp_path, header, note):
    with pytest.raises(VoxelSizeUnknownError, match=note):
        open_volume(write(tmp_path / "a.nrrd", header=header))


def test_axes_that_are_not_of_space(tmp_path):
    header = {"kinds": ["vector", "domain", "domain", "domain"]}
    path = write(tmp_path / "a.nrrd", voxels(shape=(*SHAPE, 1)), header)
    np.testing.assert_array_equal(open_volume(path, voxel_size=SIZE).levels[0], voxels())
    path = write(tmp_path / "b.nrrd", voxels(shape=(*SHAPE, 3)), header)
    with pytest.raises(VolumeError, match="axis c having 3 entries"):
        open_volume(path)
    with pytest.raises(VolumeError, match="an array of 2 axes"):
        open_volume(write(tmp_path / "c.nrrd", voxels()[0]))


def test_large_compressed_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(flat, "LARGEST_WHOLE", voxels().nbytes - 1)
    path = write(tmp_path / "a.nrrd")
    with pytest.raises(VolumeError, match=r"a\.nrrd: compressed as a whole.* without compression"):
        open_volume(path)
    raw = write(tmp_path / "b.nrrd", header={"encoding": "raw"})
    assert open_volume(raw, voxel_size=SIZE).shape == SHAPE


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("share", [0.002, 0.02, 0.7, 0.99])
def test_cut_files(tmp_path, encoding, share):
    path = write(tmp_path / "a.nrrd", header={"encoding": encoding})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(VolumeError, match=r"a\.nrrd: "):
        open_volume(path, voxel_size=SIZE).levels[0][:]


def test_file_that_is_cut_while_it_is_open(tmp_path):
    path = write(tmp_path / "a.nrrd", header={"encoding": "raw"})
    volume = open_volume(path, voxel_size=SIZE)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(VolumeError, match="cut short"):
        volume.read(volume.box)


def test_threads_unpack_once(tmp_path, monkeypatch):
    level = open_volume(write(tmp_path / "a.nrrd"), voxel_size=SIZE).levels[0]
    unpacked = []
    real = nrrd.read_data
    monkeypatch.setattr(nrrd, "read_data", lambda *a: unpacked.append(1) or real(*a))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(level.__getitem__, range(5)))
    np.testing.assert_array_equal(found, voxels())
    assert len(unpacked) == 1


def test_without_the_library(tmp_path, monkeypatch):
    path = write(tmp_path / "a.nrrd")
    monkeypatch.setitem(__import__("sys").modules, "nrrd", None)
    with pytest.raises(VolumeError, match=r"napari-axonem\[medical\]"):
        open_volume(path)
    with pytest.raises(VolumeError, match="no datasets, but 'raw'"):
        open_volume(f"{path}:raw")
