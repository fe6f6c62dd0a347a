"""N5 written by tensorstore, with attributes of all its conventions, opened by us."""

import json
import shutil

import numpy as np
import pytest
import tensorstore

from napari_axonem.errors import VolumeError, VoxelSizeUnknownError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import describe, list_volumes, open_affinities, open_volume

SHAPE = (5, 11, 13)
SIZE = (30.0, 8.0, 4.0)
XYZ = [4.0, 8.0, 30.0]
COSEM = {
    "axes": ["z", "y", "x"],
    "scale": [30.0, 8.0, 4.0],
    "translate": [60.0, 0.0, -8.0],
    "units": ["nm", "nm", "nm"],
}


def voxels(dtype="u2", shape=SHAPE):
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    if np.dtype(dtype) == np.uint64:
        array += np.uint64(2**63)
    return array


def write(path, array=None, attributes=None, compression="gzip", block=(4, 4, 2)):
    """Write an array (z, y, x) or (c, z, y, x) as N5, whose axes are x, y, z, c."""
    array = voxels() if array is None else array
    spec = {
        "driver": "n5",
        "kvstore": {"driver": "file", "path": f"{path}/"},
        "metadata": {
            "dimensions": array.T.shape,
            "blockSize": [*block, *[1] * (array.ndim - 3)],
            "dataType": array.dtype.name,
            "compression": {"type": compression},
        },
    }
    tensorstore.open(spec, create=True).result()[...] = array.T
    add(path, attributes or {})
    return path


def add(path, attributes):
    file = path / "attributes.json"
    found = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps(found | attributes))


def multiscale(path, group, arrays=({}, {}, {})):
    """Write three levels: all, half in y and x, half of that everywhere; return them."""
    levels = [voxels(), voxels()[:, ::2, ::2], voxels()[::2, ::4, ::4]]
    for i, (level, attributes) in enumerate(zip(levels, arrays, strict=True)):
        write(path / f"s{i}", level, attributes)
    add(path, group)
    return levels


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "u8", "i8", "f4"])
@pytest.mark.parametrize("compression", ["raw", "gzip", "bzip2", "xz"])
def test_voxels(tmp_path, dtype, compression):
    path = write(tmp_path / "a.n5", voxels(dtype), {"transform": COSEM}, compression)
    volume = open_volume(path)
    assert (volume.format, volume.grid) == ("N5", Grid(SIZE, (60.0, 0.0, -8.0)))
    assert volume.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.read(volume.box), voxels(dtype))
    np.testing.assert_array_equal(volume.levels[0][1:3, 7, ::2], voxels(dtype)[1:3, 7, ::2])
    info = describe(path)
    assert (info.chunks, info.shape) == ((2, 4, 4), SHAPE)
    assert info.reason == "the folder holds attributes.json, the metadata of an N5 array"


def test_blosc(tmp_path):
    spec = {
        "driver": "n5",
        "kvstore": {"driver": "file", "path": f"{tmp_path}/a.n5/"},
        "metadata": {
            "dimensions": SHAPE[::-1],
            "blockSize": [4, 4, 4],
            "dataType": "uint16",
            "compression": {"type": "blosc", "cname": "zstd", "clevel": 3, "shuffle": 1},
        },
    }
    tensorstore.open(spec, create=True).result()[...] = voxels().T
    np.testing.assert_array_equal(
        open_volume(tmp_path / "a.n5", voxel_size=SIZE).levels[0], voxels()
    )


@pytest.mark.parametrize(
    "attributes",
    [
        {"pixelResolution": {"dimensions": XYZ, "unit": "nm"}},
        {"pixelResolution": {"dimensions": [0.004, 0.008, 0.03], "unit": "um"}},
        {"resolution": XYZ, "units": ["nm", "nm", "nm"]},
        {"resolution": XYZ, "unit": "nanometer"},
        {"transform": {k: COSEM[k] for k in ("axes", "scale", "units")}},
        {"voxel_size_nm": list(SIZE)},
    ],
)
def test_voxel_size(tmp_path, attributes):
    path = write(tmp_path / "a.n5", attributes=attributes)
    assert open_volume(path).grid.voxel_size == pytest.approx(SIZE)
    assert describe(path).origin is None


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        ({}, "does not state its voxel size;"),
        ({"pixelResolution": XYZ}, r"pixelResolution \[4.0, 8.0, 30.0\] has no unit"),
        ({"pixelResolution": {"dimensions": XYZ}}, "has no unit"),
        ({"resolution": XYZ}, r"resolution \[4.0, 8.0, 30.0\] has no unit"),
        ({"resolution": XYZ, "units": ["pixel"] * 3}, r"in \['pixel'"),
        ({"pixelResolution": {"dimensions": 4, "unit": "nm"}}, "cannot be understood"),
        ({"pixelResolution": {"unit": "nm"}}, "cannot be understood, KeyError"),
        ({"transform": {**COSEM, "units": ["", "", ""]}}, "the units of its transform"),
        ({"transform": {**COSEM, "scale": [0, 1, 1]}}, "cannot be understood"),
    ],
)
def test_size_without_unit_is_no_size(tmp_path, attributes, note):
    path = write(tmp_path / "a.n5", attributes=attributes)
    with pytest.raises(VoxelSizeUnknownError, match=note):
        open_volume(path)
    assert open_volume(path, voxel_size=SIZE).grid == Grid(SIZE)


def test_axes_that_are_named(tmp_path):
    attributes = {"axes": ["z", "y", "x"], "resolution": [30, 8, 4], "units": ["nm"] * 3}
    path = write(tmp_path / "a.n5", voxels().T, attributes)
    volume = open_volume(path)
    assert volume.grid == Grid(SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


def test_channels(tmp_path):
    one = write(tmp_path / "one.n5", voxels()[np.newaxis])
    volume = open_volume(one, voxel_size=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), voxels())
    three = write(tmp_path / "three.n5", voxels("f4", (3, *SHAPE)))
    with pytest.raises(VolumeError, match="axis c having 3 entries"):
        open_volume(three)
    affinities = open_affinities(three)
    assert affinities.shape == (3, *SHAPE)
    np.testing.assert_array_equal(affinities[:, 1:3], voxels("f4", (3, *SHAPE))[:, 1:3])


FACTORS = [[1, 1, 1], [2, 2, 1], [4, 4, 2]]
RESOLUTION = {"pixelResolution": {"dimensions": XYZ, "unit": "nm"}}


def transform(factor):
    scale = [s * f for s, f in zip(SIZE, factor[::-1], strict=True)]
    shift = [60 + (factor[2] - 1) * 15, 0, 0]
    return {**COSEM, "scale": scale, "translate": shift}


def ome(factor):
    both = transform(factor)
    return {
        "coordinateTransformations": [
            {"type": "scale", "scale": both["scale"]},
            {"type": "translation", "translation": both["translate"]},
        ]
    }


def named(entries, **more):
    datasets = [{"path": f"s{i}", **entry} for i, entry in enumerate(entries)]
    return {"multiscales": [{"name": "a", "datasets": datasets, **more}]}


AXES = [{"name": a, "type": "space", "unit": "nanometer"} for a in "zyx"]
CONVENTIONS = {
    "n5-viewer": (
        {"multiScale": True, **RESOLUTION},
        [{"downsamplingFactors": f} for f in FACTORS],
    ),
    "listed": ({"downsamplingFactors": FACTORS, "resolution": XYZ, "units": ["nm"] * 3}, [{}] * 3),
    "scales": ({"scales": FACTORS, **RESOLUTION}, [{}] * 3),
    "own": ({}, [{**RESOLUTION, "downsamplingFactors": f} for f in FACTORS]),
    "bare": ({"multiScale": True, **RESOLUTION}, [{}] * 3),
    "COSEM": (named([{"transform": transform(f)} for f in FACTORS]), [{}] * 3),
    "names": ({**named([{}] * 3), "scales": FACTORS, **RESOLUTION}, [{}] * 3),
    "OME": (named([ome(f) for f in FACTORS], axes=AXES, version="0.4"), [{}] * 3),
}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_multiscale(tmp_path, name):
    path = tmp_path / "a.n5" / "em"
    levels = multiscale(path, *CONVENTIONS[name])
    volume = open_volume(path)
    origin = (60.0, 0.0, 0.0) if name in ("COSEM", "OME") else (0.0, 0.0, 0.0)
    assert volume.grid == Grid(SIZE, origin)
    assert volume.factors == ((1, 1, 1), (1, 2, 2), (2, 4, 4))
    for got, expected in zip(volume.levels, levels, strict=True):
        np.testing.assert_array_equal(got, expected)
    coarse = open_volume(path / "s1")
    assert coarse.grid == volume.grid.coarser((1, 2, 2))
    np.testing.assert_array_equal(coarse.levels[0], levels[1])
    assert list_volumes(tmp_path / "a.n5") == ["em"]
    assert list_volumes(path) == [""]
    for location in (tmp_path / "a.n5", f"{tmp_path}/a.n5:em", f"n5://{path}"):
        assert open_volume(location).location == str(path)


def test_groups(tmp_path):
    path = tmp_path / "my store:1"
    write(path / "volumes" / "raw")
    assert open_volume(path, voxel_size=SIZE).location == f"{path}/volumes/raw"
    write(path / "volumes" / "labels")
    multiscale(path / "em", {})
    assert list_volumes(path) == ["em", "volumes/labels", "volumes/raw"]
    with pytest.raises(VolumeError, match="a N5 group of 3 arrays") as caught:
        open_volume(path)
    assert caught.value.remedy.endswith(": em, volumes/labels, volumes/raw")
    with pytest.raises(VolumeError, match="nothing named 'nope'; name one of those there: em"):
        open_volume(f"{path}:nope")
    assert describe(path / "volumes" / "raw").shape == SHAPE


def test_zip(tmp_path):
    write(tmp_path / "store" / "a.n5" / "volumes" / "raw")
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "store")
    assert list_volumes(tmp_path / "a.zip") == ["a.n5/volumes/raw"]
    np.testing.assert_array_equal(
        open_volume(tmp_path / "a.zip", voxel_size=SIZE).levels[0], voxels()
    )


def test_what_lies_in_a_folder_does_not_answer_for_other_names(tmp_path, monkeypatch):
    write(tmp_path / "extra" / "ts.n5" / "vol")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("nothere.h5", "nothere.h5:gt", "no/such/place", "extra/nope.zarr/image"):
        with pytest.raises(VolumeError, match="no such file or folder") as caught:
            describe(name)
        nearest = tmp_path / "extra" if name.startswith("extra") else tmp_path
        assert caught.value.remedy.endswith(f"folder that exists is {nearest}")
    with pytest.raises(VolumeError, match="empty: not a folder of any known format"):
        describe("empty")
    assert describe("extra/ts.n5").location == "extra/ts.n5/vol"


@pytest.mark.parametrize(
    "group",
    [
        {"multiscales": 3},
        named([{"transform": {}}] * 3),
        named([{"path": "s7"}]),
        {"downsamplingFactors": [[1], [2], [3]]},
        {"downsamplingFactors": [1, 2, 3]},
    ],
)
def test_wrong_metadata(tmp_path, group):
    multiscale(tmp_path / "a.n5", group)
    with pytest.raises(VolumeError, match=r"a\.n5"):
        open_volume(tmp_path / "a.n5", voxel_size=SIZE)
    with pytest.raises(VolumeError, match="not a folder of any known format"):
        open_volume(f"precomputed://{tmp_path}/a.n5")


def test_a_level_opens_where_others_are_missing(tmp_path):
    path = tmp_path / "a.n5"
    multiscale(path, named([{"transform": transform(f)} for f in FACTORS]))
    whole = open_volume(path / "s2")
    shutil.rmtree(path / "s0")
    with pytest.raises(VolumeError):
        open_volume(path)
    one = open_volume(path / "s2")
    assert (one.grid, one.format) == (whole.grid, whole.format)
    np.testing.assert_array_equal(one.read(one.box), whole.read(whole.box))


def test_array_of_a_group_that_cannot_be_understood(tmp_path):
    multiscale(tmp_path / "a.n5", {"multiscales": 3})
    with pytest.raises(VolumeError, match="name one array of the group instead"):
        open_volume(tmp_path / "a.n5")
    one = open_volume(tmp_path / "a.n5" / "s0", voxel_size=SIZE)
    np.testing.assert_array_equal(one.read(one.box), voxels())


def test_damaged_block_is_named(tmp_path):
    path = write(tmp_path / "a.n5")
    block = path / "1" / "2" / "0"
    block.write_bytes(block.read_bytes()[:20])
    volume = open_volume(path, voxel_size=SIZE)
    with pytest.raises(
        VolumeError, match=r"a\.n5: chunk 1/2/0, voxels \(0, 8, 4\)\.\.\(2, 11, 8\)"
    ):
        volume.read(volume.box)
    volume.levels[0][0, 0]
