"""TIFF written by tifffile, opened by us."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Box
from napari_axonem.volumes import describe, open_volume
from napari_axonem.volumes.contents import list_volumes

SHAPE = (5, 40, 50)
SIZE = (30.0, 8.0, 4.0)
OME = {
    "axes": "ZYX",
    "PhysicalSizeX": 4.0,
    "PhysicalSizeXUnit": "nm",
    "PhysicalSizeY": 0.008,
    "PhysicalSizeZ": 300,
    "PhysicalSizeZUnit": "Å",
}
IMAGEJ = {"axes": "ZYX", "spacing": 0.03, "unit": "um"}
PER_UM = (250, 125)
"""Pixels per µm along x and y for 4 and 8 nm."""


def voxels(dtype="u1"):
    return np.random.default_rng(0).integers(0, 200, SHAPE).astype(dtype)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4", "f8"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"tile": (16, 32), "compression": "zlib"},
        {"rowsperstrip": 7, "compression": "zlib"},
        {"metadata": None},
    ],
    ids=["plain", "big", "bigendian", "tiled", "strips", "bare"],
)
def test_voxels(tmp_path, dtype, options):
    path = tmp_path / "a.tif"
    array = voxels(dtype)
    tifffile.imwrite(path, array, photometric="minisblack", **options)
    volume = open_volume(path, voxel_size=SIZE)
    assert volume.format == ("BigTIFF" if "bigtiff" in options else "TIFF")
    assert volume.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.read(volume.box), array)
    box = Box((2, 5, 31), (4, 33, 50))
    np.testing.assert_array_equal(volume.read(box), array[box.slices])


@pytest.mark.parametrize("compression", ["lzw", "zstd", "packbits", "deflate"])
def test_compressions(tmp_path, compression):
    pytest.importorskip("imagecodecs")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, voxels(), compression=compression)
    np.testing.assert_array_equal(open_volume(path, voxel_size=SIZE).levels[0][:], voxels())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.ome.tif", {"metadata": OME}),
        ("a.tif", {"imagej": True, "metadata": IMAGEJ, "resolution": PER_UM}),
        ("a.tif", {"metadata": {"axes": "ZYX", "voxel_size_nm": SIZE}}),
    ],
    ids=["ome", "imagej", "json"],
)
def test_sizes(tmp_path, name, options):
    path = tmp_path / name
    tifffile.imwrite(path, voxels(), **options)
    volume = open_volume(path)
    assert volume.grid.voxel_size == pytest.approx(SIZE)
    assert volume.grid.origin == (0.0, 0.0, 0.0)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


def test_origins(tmp_path):
    position = {f"Position{a}": [p] * 5 for a, p in zip("ZYX", (0.5, 1, 2), strict=True)}
    units = {f"Position{a}Unit": ["µm"] * 5 for a in "ZYX"}
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, voxels(), metadata={**OME, "Plane": position | units})
    assert open_volume(path).grid.origin == (500, 1000, 2000)
    tifffile.imwrite(path, voxels(), metadata={**OME, "Plane": position})
    assert describe(path).origin is None
    path = tmp_path / "b.tif"
    metadata = {**IMAGEJ, "xorigin": 10, "zorigin": -2}
    tifffile.imwrite(path, voxels(), imagej=True, metadata=metadata, resolution=PER_UM)
    assert open_volume(path).grid.origin == pytest.approx((60, 0, -40))


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({}, ""),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, ""),
        ({"imagej": True, "metadata": {**IMAGEJ, "unit": "pixel"}}, "unit is 'pixel'"),
        ({"imagej": True, "metadata": {"axes": "ZYX", "unit": "um"}}, "no 'spacing'"),
        ({"imagej": True, "metadata": IMAGEJ}, "XResolution"),
        (
            {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 4}},
            "PhysicalSizeZ, PhysicalSizeY",
        ),
    ],
)
def test_unknown_size_is_never_guessed(tmp_path, options, note):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, voxels(), **options)
    if note == "XResolution":
        with tifffile.TiffFile(path, mode="r+") as file:
            file.pages.first.tags["XResolution"].overwrite((0, 1))
    with pytest.raises(VoxelSizeUnknownError, match="--voxel-size Z,Y,X") as caught:
        open_volume(path)
    assert note in str(caught.value)


@pytest.mark.parametrize("axes", ["ZYX", "TYX", "QYX"])
def test_pages_are_sections(tmp_path, axes):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, voxels(), metadata={"axes": axes})
    assert open_volume(path, voxel_size=SIZE).shape == SHAPE


def test_single_page_is_a_section(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, voxels()[0], tile=(16, 16))
    volume = open_volume(path, voxel_size=SIZE)
    assert volume.shape == (1, 40, 50)
    assert describe(path).chunks == (1, 16, 16)
    np.testing.assert_array_equal(volume.read(volume.box), voxels()[:1])


def test_channels_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((5, 40, 50, 3), "u1"), photometric="rgb")
    with pytest.raises(VolumeError, match="axis s having 3 entries"):
        open_volume(path)
    tifffile.imwrite(path, np.zeros((5, 2, 40, 50), "u1"), imagej=True, metadata={"axes": "ZCYX"})
    with pytest.raises(VolumeError, match="axis c having 2 entries"):
        open_volume(path)


def test_pyramid(tmp_path):
    path = tmp_path / "a.ome.tif"
    array = np.random.default_rng(0).integers(0, 255, (3, 128, 128)).astype("u1")
    with tifffile.TiffWriter(path) as writer:
        writer.write(array, subifds=1, tile=(32, 32), metadata=OME)
        writer.write(array[:, ::2, ::2], subfiletype=1, tile=(32, 32))
    volume = open_volume(path)
    assert volume.factors == ((1, 1, 1), (1, 2, 2))
    np.testing.assert_array_equal(volume.levels[1][:], array[:, ::2, ::2])


def test_threads_read_the_same(tmp_path):
    path = tmp_path / "a.tif"
    array = np.random.default_rng(0).integers(0, 255, (40, 64, 64)).astype("u1")
    tifffile.imwrite(path, array, tile=(16, 16), compression="zlib")
    level = open_volume(path, voxel_size=SIZE).levels[0]
    with ThreadPoolExecutor(8) as pool:
        sections = list(pool.map(lambda z: level[z], range(40)))
    np.testing.assert_array_equal(sections, array)


def test_dataset_of_a_tiff_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, voxels())
    with pytest.raises(VolumeError, match="no datasets, but 'raw'"):
        open_volume(f"{path}:raw")


def two_series(path):
    with tifffile.TiffWriter(path) as writer:
        for n, nm in ((40, 8.0), (20, 16.0)):
            writer.write(voxels()[:, :n], metadata={**OME, "PhysicalSizeX": nm})


@pytest.mark.parametrize("name", ["a.ome.tif", "a.tif"])
def test_one_of_several_series(tmp_path, name):
    path = tmp_path / name
    two_series(path)
    with pytest.raises(VolumeError, match=r"2 series .*0 \(5, 40, 50\) uint8, 1 .*\.tif:0"):
        open_volume(path)
    assert list_volumes(path) == ["0", "1"]
    volume = open_volume(f"{path}:1", voxel_size=SIZE)
    assert volume.location == f"{path}:1"
    np.testing.assert_array_equal(volume.read(volume.box), voxels()[:, :20])
    if name == "a.ome.tif":
        assert describe(f"{path}:1").voxel_size == pytest.approx((30, 8, 16))
    with pytest.raises(VolumeError, match="name a series of 0 to 1"):
        open_volume(f"{path}:2")


def test_the_only_stack_among_pages(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:  # a thumbnail first, as some microscopes have it
        for page in (voxels()[0, :8, :8], *voxels()):
            writer.write(page, metadata=None, photometric="minisblack")
    assert list_volumes(path) == [""]
    volume = open_volume(path, voxel_size=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


@pytest.mark.parametrize("axes", ["TZYX", "CZYX"])
def test_four_axes_are_refused(tmp_path, axes):
    path = tmp_path / "a.ome.tif"
    array = np.zeros((2, *SHAPE), "u1")
    tifffile.imwrite(path, array, photometric="minisblack", metadata={"axes": axes})
    with pytest.raises(VolumeError, match=f"a.ome.tif: .*axis {axes[0].lower()} having 2 entries"):
        open_volume(path, voxel_size=SIZE)


def test_odd_paths(tmp_path):
    path = tmp_path / "dir: with colon.tif" / "a b:1.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, voxels())
    volume = open_volume(path, voxel_size=SIZE)
    assert volume.location == str(path)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.9])
def test_cut_pyramid(tmp_path, share):
    path = tmp_path / "a.ome.tif"
    array = np.random.default_rng(0).integers(0, 255, (3, 128, 128)).astype("u1")
    with tifffile.TiffWriter(path) as writer:
        writer.write(array, subifds=1, tile=(32, 32), metadata=OME)
        writer.write(array[:, ::2, ::2], subfiletype=1, tile=(32, 32))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(VolumeError, match=r"a\.ome\.tif: "):
        open_volume(path, voxel_size=SIZE)
