"""HDF5 written by h5py, opened by us."""

import json

import h5py
import numpy as np
import pytest

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import describe, open_affinities, open_volume

SHAPE = (5, 6, 7)
SIZE = (30.0, 8.0, 4.0)


def voxels(dtype="u1"):
    return np.arange(210).reshape(SHAPE).astype(dtype)


def write(path, array=None, *, name="raw", attrs=None, **options):
    with h5py.File(path, "a") as file:
        dataset = file.create_dataset(name, data=voxels() if array is None else array, **options)
        dataset.attrs.update({"voxel_size_nm": SIZE} if attrs is None else attrs)
    return path


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "u2", ">u2", "i4", "u4", "u8", "i8", "f2", "f4", ">f8"]
)
@pytest.mark.parametrize(
    "options",
    [{}, {"chunks": (2, 3, 4)}, {"chunks": True, "compression": "lzf", "shuffle": True}],
    ids=["contiguous", "chunked", "compressed"],
)
def test_voxels(tmp_path, dtype, options):
    path = write(tmp_path / "a.h5", voxels(dtype), **options)
    volume = open_volume(f"{path}:raw")
    assert volume.format == "HDF5"
    assert volume.grid == Grid(SIZE)
    assert volume.dtype == np.dtype(dtype).newbyteorder("=")
    got = volume.read(volume.box)
    assert got.dtype == volume.dtype
    np.testing.assert_array_equal(got, voxels(dtype))


def test_truth_values(tmp_path):
    path = write(tmp_path / "a.h5", voxels() > 9)
    np.testing.assert_array_equal(open_volume(path).levels[0][:], voxels() > 9)


@pytest.mark.parametrize(
    ("attrs", "size", "origin"),
    [
        ({"voxel_size_nm": [40, 32, 32], "origin_nm": [1.5, -2, 3]}, (40, 32, 32), (1.5, -2, 3)),
        ({"resolution_nm_zyx": np.array([10, 10, 10])}, (10, 10, 10), None),
        ({"resolution": [40.0, 4, 4], "offset": [400.0, 0, 8]}, (40, 4, 4), (400, 0, 8)),
        ({"voxel_size": [4, 4, 4], "offset": [8, 0, 0]}, (4, 4, 4), (8, 0, 0)),
        ({"voxel_size": [0.5, 0.25, 0.25], "units": ["um"] * 3}, (500, 250, 250), None),
        ({"element_size_um": [0.25, 0.125, 0.125]}, (250, 125, 125), None),
    ],
)
def test_sizes_and_origins(tmp_path, attrs, size, origin):
    path = write(tmp_path / "a.h5", attrs=attrs)
    assert open_volume(path).grid == Grid(size, origin or (0.0, 0.0, 0.0))
    info = describe(path)
    assert (info.voxel_size, info.origin) == (size, origin)


def test_size_of_the_group_holds_for_its_datasets(tmp_path):
    path = write(tmp_path / "a.h5", name="volumes/labels/ids", attrs={})
    with h5py.File(path, "a") as file:
        file["volumes"].attrs["resolution"] = [40, 4, 4]
        file.attrs["resolution"] = [1, 1, 1]
    assert open_volume(path).grid.voxel_size == (40, 4, 4)


@pytest.mark.parametrize(
    "attrs",
    [
        {},
        {"voxel_size_nm": [0, 8, 8]},
        {"voxel_size_nm": [8, 8]},
        {"resolution": "fine"},
        {"resolution": [np.nan, 1, 1]},
        {"voxel_size": [1, 1, 1], "units": ["pixel"] * 3},
    ],
)
def test_unknown_size_is_never_guessed(tmp_path, attrs):
    path = write(tmp_path / "a.h5", attrs=attrs)
    with pytest.raises(VoxelSizeUnknownError, match="pass --voxel-size Z,Y,X in nm"):
        open_volume(path)
    assert describe(path).voxel_size is None
    assert open_volume(path, voxel_size=SIZE).grid == Grid(SIZE)


def test_given_values_take_precedence(tmp_path):
    path = write(tmp_path / "a.h5", attrs={"voxel_size_nm": SIZE, "origin_nm": [1, 2, 3]})
    assert open_volume(path, voxel_size=(5, 5, 5)).grid == Grid((5, 5, 5), (1, 2, 3))
    assert open_volume(path, origin=(0, 0, 9)).grid == Grid(SIZE, (0, 0, 9))


@pytest.mark.parametrize("size", [(0, 1, 1), (1, 1), (float("nan"), 1, 1), (-1, 1, 1)])
def test_impossible_given_size(tmp_path, size):
    with pytest.raises(VolumeError, match="voxel size"):
        open_volume(write(tmp_path / "a.h5"), voxel_size=size)


AXISTAGS = json.dumps({"axes": [{"key": k, "typeFlags": 2, "resolution": 0} for k in "xyzc"]})


@pytest.mark.parametrize(
    ("stored", "attrs"),
    [
        (voxels().T, {"axes": "xyz"}),
        (voxels().transpose(1, 2, 0), {"axes": ["Y", "X", "Z"]}),
        (voxels().T[..., np.newaxis], {"axistags": AXISTAGS}),
        (voxels()[np.newaxis], {"axes": b"tzyx"}),
        (voxels()[np.newaxis], {}),
        (voxels()[np.newaxis, np.newaxis], {}),
    ],
)
def test_axes_are_put_in_order(tmp_path, stored, attrs):
    path = write(tmp_path / "a.h5", stored, attrs=attrs)
    volume = open_volume(path, voxel_size=SIZE)
    assert volume.shape == SHAPE
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


def test_labels_of_dimensions_name_the_axes(tmp_path):
    path = write(tmp_path / "a.h5", voxels().T)
    with h5py.File(path, "a") as file:
        for dimension, name in zip(file["raw"].dims, "xyz", strict=True):
            dimension.label = name
    assert open_volume(path).shape == SHAPE


@pytest.mark.parametrize(
    ("stored", "attrs", "seen"),
    [
        (np.zeros((3, 4, 5, 6), "f4"), {}, "axis 0 having 3 entries"),
        (np.zeros((4, 5, 6, 3), "u1"), {"axes": "zyxc"}, "axis c having 3 entries"),
        (np.zeros((4, 5, 6), "u1"), {"axes": "tyx"}, "axes named t, y, x"),
        (np.zeros((4, 5, 6), "u1"), {"axes": "zy"}, "axes named z, y"),
        (np.zeros((4, 5), "u1"), {}, "an array of 2 axes"),
        (np.zeros((4, 0, 5), "u1"), {}, "holds no voxels"),
        (np.zeros((4, 5, 6), "c8"), {}, "not numbers"),
        (np.zeros((4, 5, 6), "S3"), {}, "not numbers"),
    ],
)
def test_what_is_no_volume_is_refused(tmp_path, stored, attrs, seen):
    path = write(tmp_path / "a.h5", stored, attrs=attrs)
    with pytest.raises(VolumeError, match=seen):
        describe(f"{path}:raw")


def test_several_datasets_are_listed(tmp_path):
    path = write(tmp_path / "a.h5")
    write(path, name="labels/truth")
    with pytest.raises(VolumeError, match=r"labels/truth \(5, 6, 7\) uint8, raw") as caught:
        open_volume(path)
    assert f"{path}:labels/truth" in caught.value.remedy
    assert open_volume(f"{path}:labels").location == f"{path}:labels/truth"


def test_the_only_volume_among_tables_is_taken(tmp_path):
    path = write(tmp_path / "a.h5")
    write(path, np.zeros(3), name="table")
    assert open_volume(path).location == f"{path}:raw"


def test_missing_dataset_lists_those_there(tmp_path):
    path = write(tmp_path / "a.h5")
    with pytest.raises(VolumeError, match="no dataset named 'nope'; name one of those there: raw"):
        open_volume(f"{path}:nope")


def test_missing_filter_is_named(tmp_path):
    path = write(tmp_path / "a.h5", chunks=(5, 6, 7), compression="lzf")
    data = path.read_bytes()
    # 32000 is LZF, which h5py brings; 32999 nobody has.
    path.write_bytes(data.replace((32000).to_bytes(2, "little"), (32999).to_bytes(2, "little")))
    with pytest.raises(VolumeError, match="HDF5 filter 32999"):
        open_volume(path)


def test_describe_gives_reason_and_chunks(tmp_path):
    info = describe(write(tmp_path / "a.h5", chunks=(2, 3, 4)))
    assert info.reason == "the file has the HDF5 signature"
    assert (info.chunks, info.shape, info.dtype) == ((2, 3, 4), SHAPE, np.uint8)
    assert info.levels == ((SHAPE, (1, 1, 1)),)


@pytest.mark.parametrize(
    "name", ["plain.h5", "with space.h5", "a:b.h5", "no_suffix", "x.zarr", "é.tif"]
)
def test_content_decides_and_names_may_be_odd(tmp_path, name):
    folder = tmp_path / "dir:with colon"
    folder.mkdir()
    path = write(folder / name)
    for location in (path, f"{path}:raw", f"{path}:/raw", f"{path}/raw"):
        assert open_volume(location).location == f"{path}:raw"


def test_name_of_a_dataset_may_hold_a_colon(tmp_path):
    path = write(tmp_path / "a.h5", name="a:b")
    assert open_volume(f"{path}:a:b").shape == SHAPE


def test_affinities(tmp_path):
    stored = np.random.default_rng(0).random((3, *SHAPE)).astype("f4")
    path = write(tmp_path / "a.h5", stored, name="affinities")
    found = open_affinities(f"{path}:affinities")
    np.testing.assert_array_equal(found[:, 1:3], stored[:, 1:3])
    with pytest.raises(
        VolumeError, match="no dataset named 'nothing'; name one of those there: af"
    ):
        open_affinities(f"{path}:nothing")
    with pytest.raises(VolumeError, match="no array where affinities were wanted"):
        open_affinities(path)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(path.read_bytes()[:600])
    with pytest.raises(VolumeError, match="HDF5 file that cannot be opened"):
        open_affinities(f"{cut}:affinities")
