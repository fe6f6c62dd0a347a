"""Damaged chunks are named, and what is sound is read all the same."""

import h5py
import numpy as np
import pytest
import zarr

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import Volume, open_volume, read_what_can_be_read, require_labels
from napari_axonem.volumes.lazy import Level
from tests.volumes import test_open_n5 as n5
from tests.volumes import test_open_precomputed as precomputed

SHAPE = (7, 20, 24)
SIZE = (30.0, 8.0, 8.0)


def voxels(dtype="u2"):
    return np.random.default_rng(0).integers(1, 900, SHAPE).astype(dtype)


def cut(file, size=20):
    """Damage a chunk."""
    assert file.stat().st_size > size
    file.write_bytes(file.read_bytes()[:size])


def write(path, version, **options):
    options = {"chunks": (4, 10, 10), **options}
    zarr.create_array(path, data=voxels(), zarr_format=version, **options)
    return open_volume(path, voxel_size=SIZE)


def check(volume, name, damaged, expected):
    """Look that the error names a chunk, and that all outside of it is read."""
    with pytest.raises(VolumeError, match=name) as caught:
        volume.read(volume.box)
    assert f"voxels {damaged.start}..{damaged.stop}," in caught.value.seen
    found, [error] = read_what_can_be_read(volume, volume.box)
    assert error.seen == caught.value.seen
    whole = expected.copy()
    whole[damaged.slices] = 0
    np.testing.assert_array_equal(found, whole)
    inside = Box((0, 0, 0), (1, 1, 1))
    np.testing.assert_array_equal(volume.read(inside), whole[inside.slices])
    assert read_what_can_be_read(volume, inside)[1] == []


MIDDLE = Box((4, 10, 20), (7, 20, 24))


@pytest.mark.parametrize(
    ("version", "options", "file"),
    [
        (2, {}, "1.1.2"),
        (2, {"chunk_key_encoding": {"name": "v2", "separator": "/"}}, "1/1/2"),
        (3, {}, "c/1/1/2"),
        (3, {"chunk_key_encoding": {"name": "v2", "separator": "."}}, "1.1.2"),
        (3, {"chunk_key_encoding": {"name": "default", "separator": "."}}, "c.1.1.2"),
    ],
)
def test_zarr(tmp_path, version, options, file):
    volume = write(tmp_path / "a.zarr", version, **options)
    cut(tmp_path / "a.zarr" / file)
    check(volume, rf"a\.zarr: chunk {file}, voxels", MIDDLE, voxels())
    labels = require_labels(volume)
    assert "chunk" in read_what_can_be_read(labels, labels.box)[1][0].seen


def test_zarr_shards(tmp_path):
    volume = write(tmp_path / "a.zarr", 3, chunks=(2, 5, 6), shards=(4, 10, 12))
    file = tmp_path / "a.zarr" / "c" / "1" / "0" / "1"
    data = bytearray(file.read_bytes())
    data[10:20] = bytes(10)
    file.write_bytes(data)
    found, errors = read_what_can_be_read(volume, volume.box)
    assert len(errors) == 1
    assert "chunk c/1/0/1, voxels" in errors[0].seen
    differ = np.argwhere(found != voxels())
    assert (differ >= (4, 0, 12)).all()
    assert (np.ptp(differ, axis=0) < (2, 5, 6)).all()


def test_hdf5(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("a", data=voxels(), chunks=(4, 10, 10), compression="gzip")
        place = next(
            data.id.get_chunk_info(i).byte_offset
            for i in range(data.id.get_num_chunks())
            if data.id.get_chunk_info(i).chunk_offset == MIDDLE.start
        )
    content = bytearray(path.read_bytes())
    content[place : place + 50] = bytes(50)
    path.write_bytes(content)
    volume = open_volume(path, voxel_size=SIZE)
    check(volume, r"a\.h5:a: chunk \(1, 1, 2\), voxels", MIDDLE, voxels())


def test_n5(tmp_path):
    path = n5.write(tmp_path / "a.n5", voxels(), block=(10, 10, 4))
    cut(path / "2" / "1" / "1")
    check(open_volume(path, voxel_size=SIZE), r"a\.n5: chunk 2/1/1, voxels", MIDDLE, voxels())


def test_precomputed(tmp_path):
    path = precomputed.write(tmp_path / "a", voxels(), chunk_size=[10, 10, 4])
    cut(path / "4_8_30" / "120-124_15-25_11-14")
    check(open_volume(path), "chunk 120-124_15-25_11-14, voxels", MIDDLE, voxels())


def test_no_chunks_are_tried_section_by_section():
    def stored(box):
        if box[0].start <= 3 < box[0].stop:
            raise OSError("torn")
        return voxels()[box]

    level = Level(stored, SHAPE, np.dtype("u2"), "here")
    volume = Volume((level,), ((1, 1, 1),), Grid(SIZE), "here", "none")
    box = Box((1, 2, 3), (6, 9, 9))
    found, [error] = read_what_can_be_read(volume, box)
    assert error.seen == "voxels (3, 2, 3)..(4, 9, 9) cannot be read (OSError: torn)"
    expected = voxels()[box.slices].copy()
    expected[2] = 0
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(VolumeError, match="is not inside"):
        read_what_can_be_read(volume, Box((0, 0, 0), (99, 1, 1)))


def test_search_for_the_chunk_ends():
    asked = []

    def stored(box):
        asked.append(box)
        if len(asked) == 1 or box[0].start > 1000:
            raise OSError("torn")
        return np.zeros([s.stop - s.start for s in box], "u1")

    level = Level(stored, (2000, 1, 1), np.dtype("u1"), "here", stored_chunks=(1, 1, 1))
    with pytest.raises(VolumeError, match=r"here: voxels \(0, 0, 0\)\.\.\(2000, 1, 1\) cannot"):
        level[:]
    assert len(asked) < 1000
