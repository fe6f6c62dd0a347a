"""TIFF written by us, read by tifffile and by us."""

import errno
import os
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import tifffile

from napari_axonem.errors import StorageError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import describe, open_volume, voxel_checksum, write_volume
from napari_axonem.volumes.writers import tiff
from napari_axonem.volumes.writers.sink import Content

SHAPE = (5, 270, 40)
GRID = Grid((30.0, 8.4, 33.3), (475 * 30.0, -16.8, 5.5))


def voxels(dtype="u4", shape=SHAPE):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def write(path, array, kind="labels", grid=GRID):
    return write_volume(path, lambda box: array[box.slices], array.shape, array.dtype, grid, kind)


TYPES = pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        *((t, "image") for t in ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", "f2", "u8")),
        *((t, "labels") for t in ("u1", "u2", "u4", "i4", "u8", "i8")),
    ],
)


@TYPES
def test_tifffile_reads_one_series(tmp_path, dtype, kind):
    array = voxels(dtype)
    write(tmp_path / "a.tif", array, kind)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert len(file.series) == 1
        assert (file.series[0].shape, file.series[0].axes) == (SHAPE, "ZYX")
        np.testing.assert_array_equal(file.asarray(), array)
        page = file.pages.first
        assert page.is_tiled
        assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE


@TYPES
def test_we_read_it(tmp_path, dtype, kind):
    array = voxels(dtype)
    written = write(tmp_path / "a.tiff", array, kind)
    volume = open_volume(written.location)
    assert (volume.grid, volume.dtype) == (GRID, array.dtype)
    np.testing.assert_array_equal(volume.read(volume.box), array)
    assert voxel_checksum(volume) == written.checksum
    assert describe(written.location).chunks == (1, 256, 48)


def test_ome_xml_says_where_and_how_large(tmp_path):
    write(tmp_path / "ünser volume.tif", voxels("u2"))
    with tifffile.TiffFile(tmp_path / "ünser volume.tif") as file:
        root = ET.fromstring(file.ome_metadata)
    image = root.find("{*}Image")
    pixels = image.find("{*}Pixels")
    assert image.attrib["Name"] == "ünser volume"
    assert {k: pixels.attrib[k] for k in ("SizeX", "SizeY", "SizeZ", "SizeC", "Type")} == {
        "SizeX": "40",
        "SizeY": "270",
        "SizeZ": "5",
        "SizeC": "1",
        "Type": "uint16",
    }
    for axis, size, start in zip("ZYX", GRID.voxel_size, GRID.origin, strict=True):
        assert float(pixels.attrib[f"PhysicalSize{axis}"]) == size
        assert pixels.attrib[f"PhysicalSize{axis}Unit"] == "nm"
        positions = [float(p.attrib[f"Position{axis}"]) for p in pixels.findall("{*}Plane")]
        step = size if axis == "Z" else 0
        assert positions == pytest.approx([start + i * step for i in range(5)])
    assert {p.attrib["PositionXUnit"] for p in pixels.findall("{*}Plane")} == {"nm"}


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 40, 50), (3, 1, 7), (2, 257, 16)])
@pytest.mark.parametrize("dtype", ["u1", "u8"])
def test_small_volumes(tmp_path, shape, dtype):
    array = voxels(dtype, shape)
    volume = open_volume(write(tmp_path / "a.tif", array).location)
    assert (volume.grid, volume.shape) == (GRID, shape)
    np.testing.assert_array_equal(volume.read(volume.box), array)


def test_blocks_are_whole_sections(tmp_path, monkeypatch):
    array = voxels("u2")
    monkeypatch.setattr(tiff, "BLOCK_BYTES", 2 * 270 * 40 * 2 + 1)
    read = []
    written = write_volume(
        tmp_path / "a.tif",
        lambda box: read.append(box) or array[box.slices],
        SHAPE,
        "u2",
        GRID,
        "image",
    )
    assert [(b.start[0], b.stop[0]) for b in read] == [(0, 2), (2, 4), (4, 5)]
    assert {b.shape[1:] for b in read} == {SHAPE[1:]}
    np.testing.assert_array_equal(open_volume(written.location).levels[0], array)
    monkeypatch.setattr(tiff, "BLOCK_BYTES", 1)
    read.clear()
    sink = tiff.TIFF.create(tmp_path / "b.tif", Content(SHAPE, np.dtype("u2"), GRID, "image", "b"))
    assert sink.block == (1, *SHAPE[1:])
    sink.close()
    sink.close()


@pytest.mark.parametrize(
    ("shape", "is_big"), [((100, 4096, 4096), False), ((260, 4096, 4096), True)]
)
def test_big_files_have_long_offsets(tmp_path, shape, is_big):
    content = Content(shape, np.dtype("u1"), GRID, "image", "a")
    sink = tiff.TIFF.create(tmp_path / "a.tif", content)
    sink.close()
    assert (tmp_path / "a.tif").read_bytes()[2] == (43 if is_big else 42)


def test_big_tiff_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff, "_CLASSIC_BYTES", 0)
    volume = open_volume(write(tmp_path / "a.tif", voxels()).location)
    assert (volume.format, volume.grid) == ("BigTIFF", GRID)
    np.testing.assert_array_equal(volume.levels[0], voxels())


def test_full_disk(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tifffile.FileHandle, "write", fail)
    with pytest.raises(StorageError, match="free some space"):
        write(tmp_path / "a.tif", voxels())
    assert list(tmp_path.iterdir()) == []
