"""Neuroglancer precomputed written by tensorstore, opened by us."""

import gzip
import json

import numpy as np
import pytest
import tensorstore

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import describe, list_volumes, open_volume

SHAPE = (13, 17, 19)
SIZE = (30.0, 8.0, 4.0)
OFFSET = (7, 5, 100)
CODECS = {
    "raw": {},
    "compressed_segmentation": {"compressed_segmentation_block_size": [8, 8, 4]},
    "png": {},
    "jpeg": {"jpeg_quality": 100},
}
SHARDING = {
    "@type": "neuroglancer_uint64_sharded_v1",
    "preshift_bits": 1,
    "minishard_bits": 1,
    "shard_bits": 2,
    "hash": "murmurhash3_x86_128",
    "minishard_index_encoding": "gzip",
    "data_encoding": "gzip",
}


def voxels(dtype="u4"):
    array = np.random.default_rng(0).integers(0, 9, [n // 2 + 1 for n in SHAPE])
    array = array.repeat(2, 0).repeat(2, 1).repeat(2, 2)[tuple(map(slice, SHAPE))].astype(dtype)
    return array + np.uint64(2**63) if np.dtype(dtype) == np.uint64 else array


def write(path, array=None, encoding="raw", factor=(1, 1, 1), kind="image", **scale):
    """Write one scale, beside those there."""
    array = voxels() if array is None else array
    offset = [o // f for o, f in zip(OFFSET, factor, strict=True)]
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{path}/"},
        "multiscale_metadata": {"type": kind, "data_type": array.dtype.name, "num_channels": 1},
        "scale_metadata": {
            "resolution": [s * f for s, f in zip(SIZE, factor, strict=True)][::-1],
            "size": array.shape[::-1],
            "voxel_offset": offset[::-1],
            "chunk_size": [8, 8, 4],
            "encoding": encoding,
            **CODECS[encoding],
            **scale,
        },
    }
    store = tensorstore.open(spec, create=True, open=True).result()
    with tensorstore.Transaction() as transaction:  # a shard is written as a whole
        store.with_transaction(transaction)[...] = array.T[..., np.newaxis]
    return path


@pytest.mark.parametrize(
    ("encoding", "dtype"),
    [
        ("raw", "u1"),
        ("raw", "u2"),
        ("raw", "u4"),
        ("raw", "u8"),
        ("raw", "f4"),
        ("compressed_segmentation", "u4"),
        ("compressed_segmentation", "u8"),
        ("png", "u1"),
        ("png", "u2"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"sharding": SHARDING}], ids=["files", "shards"])
def test_voxels(tmp_path, encoding, dtype, options):
    path = write(tmp_path / "a b:c", voxels(dtype), encoding, kind="segmentation", **options)
    volume = open_volume(path)
    origin = tuple(o * s for o, s in zip(OFFSET, SIZE, strict=True))
    assert (volume.format, volume.grid) == ("precomputed", Grid(SIZE, origin))
    assert (volume.dtype, volume.kind) == (np.dtype(dtype), "labels")
    np.testing.assert_array_equal(volume.read(volume.box), voxels(dtype))
    np.testing.assert_array_equal(volume.levels[0][3, 2:9, -1], voxels(dtype)[3, 2:9, -1])
    assert describe(path).chunks == (4, 8, 8)
    assert list_volumes(path) == [""]


def test_jpeg(tmp_path):
    smooth = np.add.outer(np.arange(13), np.add.outer(np.arange(17), np.arange(19))).astype("u1")
    volume = open_volume(write(tmp_path / "a", smooth, "jpeg"))
    assert np.abs(volume.read(volume.box).astype(int) - smooth).max() <= 3
    assert volume.kind == "image"


def test_levels(tmp_path):
    path = tmp_path / "a"
    levels = [voxels(), voxels()[:, ::2, ::2], voxels()[::2, ::4, ::4]]
    factors = ((1, 1, 1), (1, 2, 2), (2, 4, 4))
    for level, factor in zip(levels, factors, strict=True):
        write(path, level, factor=factor)
    volume = open_volume(f"precomputed://file://{path}")
    assert volume.factors == factors
    for got, expected in zip(volume.levels, levels, strict=True):
        np.testing.assert_array_equal(got, expected)
    key = json.loads((path / "info").read_text())["scales"][1]["key"]
    for location in (path / key, f"{path}:{key}", f"{path}|neuroglancer-precomputed:{key}"):
        assert open_volume(location).grid == volume.grid.coarser((1, 2, 2))
    with pytest.raises(VolumeError, match="nothing named 'nope'; name one of those there: 4_8_30"):
        open_volume(f"{path}:nope")


def test_scale_of_another_region_is_left_out(tmp_path):
    path = write(tmp_path / "a")
    write(path, voxels()[:, ::2, ::2], factor=(1, 2, 2))
    write(path, voxels()[::2, ::4, ::4], factor=(2, 4, 4), voxel_offset=[0, 0, 0])
    assert open_volume(path).factors == ((1, 1, 1), (1, 2, 2))


def test_scales_behind_one_of_another_region_are_read(tmp_path):
    path = write(tmp_path / "a")
    write(path, voxels()[:, ::2, ::2], factor=(1, 2, 2), voxel_offset=[0, 0, 0])
    write(path, voxels()[::2, ::4, ::4], factor=(2, 4, 4))
    volume = open_volume(path)
    assert volume.factors == ((1, 1, 1), (2, 4, 4))
    np.testing.assert_array_equal(volume.levels[1], voxels()[::2, ::4, ::4])


def change(path, **entries):
    info = json.loads((path / "info").read_text())
    for name, value in entries.items():
        info["scales"][0].pop(name, None)
        info.pop(name, None)
        if value is not None:
            (info["scales"][0] if name in ("resolution", "encoding") else info)[name] = value
    (path / "info").write_text(json.dumps(info))


@pytest.mark.parametrize(
    ("entries", "seen"),
    [
        ({"num_channels": 3}, "3 channels and 1 scales; give a volume of one channel"),
        ({"scales": []}, "1 channels and 0 scales"),
        ({"resolution": None}, "metadata that cannot be understood .KeyError: 'resolution'"),
        ({"resolution": [0, 8, 30]}, "a resolution of"),
        ({"encoding": "compresso"}, "compresso"),
        ({"data_type": "int2"}, "int2"),
        ({"type": "mesh"}, "not a folder of any known format"),
        ({"type": ["image"]}, "not a folder of any known format"),
    ],
)
def test_wrong_metadata(tmp_path, entries, seen):
    path = write(tmp_path / "a")
    change(path, **entries)
    with pytest.raises(VolumeError, match=seen):
        open_volume(path)


def test_offset_may_be_left_out(tmp_path):
    path = write(tmp_path / "a")
    change(path, voxel_offset=None)
    assert open_volume(path).grid == Grid(SIZE)


def test_packed_files_are_not_taken_for_nothing(tmp_path):
    path = write(tmp_path / "a")
    for file in (path / "4_8_30").iterdir():
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    with pytest.raises(VolumeError, match=r"chunks in compressed files.*compress=None"):
        open_volume(path)


@pytest.mark.parametrize("options", [{}, {"sharding": SHARDING}], ids=["files", "shards"])
def test_damaged_chunk_is_named(tmp_path, options):
    path = write(tmp_path / "a", **options)
    file = path / "4_8_30" / ("3.shard" if options else "108-116_5-13_11-15")
    file.write_bytes(file.read_bytes()[:70])
    volume = open_volume(path)
    name = r"chunk \(\d, \d, \d\), voxels .*3\.shard"
    with pytest.raises(VolumeError, match=name if options else "chunk 108-116_5-13_11-15, voxels"):
        volume.read(volume.box)
