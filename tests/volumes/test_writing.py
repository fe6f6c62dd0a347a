"""Writing: what others read, what is left when it fails, checksums."""

import errno
import os

import h5py
import numpy as np
import pytest
import zarr

from napari_axonem.errors import StorageError, VolumeError
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import (
    Checksum,
    Pyramid,
    disk,
    open_volume,
    voxel_checksum,
    write_volume,
    writing,
)
from napari_axonem.volumes.writers import hdf5

SHAPE = (70, 150, 40)
GRID = Grid((30.0, 8.0, 8.0), (90.0, -16.0, 5.5))
DESTINATIONS = pytest.mark.parametrize("name", ["a.zarr", "a.h5"])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def voxels(dtype="u4"):
    array = np.random.default_rng(0).integers(0, 200, [n // 5 + 1 for n in SHAPE])
    big = array.repeat(5, 0).repeat(5, 1).repeat(5, 2)[tuple(slice(n) for n in SHAPE)]
    return big.astype(dtype)


def write(destination, array=None, kind="labels", **options):
    array = voxels() if array is None else array
    return write_volume(
        destination,
        lambda box: array[box.slices],
        array.shape,
        array.dtype,
        GRID,
        kind,
        **options,
    )


@DESTINATIONS
@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("u1", "image"),
        ("f4", "image"),
        ("i2", "image"),
        ("u1", "labels"),
        ("u4", "labels"),
        ("u8", "labels"),
        (">u4", "labels"),
    ],
)
def test_round_trip(tmp_path, name, dtype, kind):
    array = voxels(dtype)
    written = write(tmp_path / name, array, kind)
    volume = open_volume(written.location)
    assert (volume.grid, volume.shape) == (GRID, SHAPE)
    assert volume.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(volume.read(volume.box), array)
    assert voxel_checksum(volume) == written.checksum
    assert names(tmp_path) == [name]


def test_h5py_alone_reads_it(tmp_path):
    written = write(f"{tmp_path}/a.h5:volumes/ids")
    assert written.location == f"{tmp_path}/a.h5:volumes/ids"
    with h5py.File(tmp_path / "a.h5", "r") as file:
        dataset = file["volumes/ids"]
        np.testing.assert_array_equal(dataset[:], voxels())
        assert (dataset.compression, dataset.shuffle) == ("gzip", True)
        assert dataset.attrs["axes"] == "zyx"
        assert tuple(dataset.attrs["voxel_size_nm"]) == GRID.voxel_size
        assert tuple(dataset.attrs["origin_nm"]) == GRID.origin


def test_zarr_alone_reads_it(tmp_path):
    write(tmp_path / "a.zarr")
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    np.testing.assert_array_equal(group["0"][:], voxels())
    assert group["1"].shape == (70, 75, 20)
    assert group.attrs["ome"]["multiscales"][0]["name"] == "a"
    assert group["1"][:].any()


def test_datasets_are_named_after_the_kind(tmp_path):
    assert write(tmp_path / "a.hdf5").location.endswith("a.hdf5:labels")
    assert write(tmp_path / "b.h5", kind="image").location.endswith("b.h5:image")


def test_odd_paths(tmp_path):
    folder = tmp_path / "dir:with colon.h5"
    for name in ("x y.h5:raw", "a:b.zarr"):
        written = write(f"{folder}/{name}")
        assert written.location == f"{folder}/{name}"
        assert open_volume(written.location).shape == SHAPE


def test_inside_a_store(tmp_path):
    store = tmp_path / "store.zarr"
    write(store / "labels" / "truth")
    write(store / "labels" / "segmentation")
    labels = zarr.open_group(store, mode="r")["labels"]
    assert labels.attrs["ome"]["labels"] == ["truth", "segmentation"]
    assert sorted(labels.group_keys()) == ["segmentation", "truth"]
    assert open_volume(f"{store}:labels/truth").shape == SHAPE


@pytest.mark.parametrize("version", [2, 3])
def test_store_that_cannot_hold_it(tmp_path, version):
    store = tmp_path / "store.zarr"
    if version == 2:
        zarr.create_group(store, zarr_format=2)
    else:
        zarr.create_array(store, shape=(2, 2, 2), dtype="u1")
    before = names(store)
    with pytest.raises(VolumeError, match="cannot lie in an array or in a store of zarr 2"):
        write(store / "image")
    assert names(store) == before


@DESTINATIONS
def test_existing_is_refused_or_replaced(tmp_path, name):
    write(tmp_path / name)
    other = voxels() + 1
    with pytest.raises(VolumeError, match=r"another name, or let it be replaced \(--over"):
        write(tmp_path / name, other)
    with pytest.raises(VolumeError, match=r"exists already; choose another name$"):
        write(tmp_path / name, other, overwrite=None)
    np.testing.assert_array_equal(open_volume(tmp_path / name).levels[0][:], voxels())
    write(tmp_path / name, other, overwrite=True)
    np.testing.assert_array_equal(open_volume(tmp_path / name).levels[0][:], other)
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("new", ["a.zarr", "a.h5"])
@pytest.mark.parametrize("old", ["file", "folder", "link"])
def test_anything_can_be_replaced(tmp_path, new, old):
    path = tmp_path / new
    if old == "file":
        path.write_text("old")
    elif old == "folder":
        path.mkdir()
        (path / "old").write_text("old")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(VolumeError, match="exists already"):
        write(path)
    write(path, overwrite=True)
    assert open_volume(path).shape == SHAPE
    assert names(tmp_path) == [new]


def test_other_datasets_are_never_lost(tmp_path):
    path = tmp_path / "a.h5"
    write(f"{path}:raw")
    with pytest.raises(VolumeError, match=r"holds other datasets \(raw\)"):
        write(f"{path}:labels", overwrite=True)
    assert open_volume(path).location.endswith(":raw")


def test_damaged_files_are_not_replaced(tmp_path):
    path = tmp_path / "a.h5"
    write(f"{path}:labels")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(VolumeError, match="so that nothing says what would be lost; remove it"):
        write(f"{path}:labels", overwrite=True)


class StopError(Exception):
    """Raised by a user who has seen enough."""


def stop_after(steps):
    def progress(done, total, doing):
        if done == steps:
            raise StopError

    return progress


@DESTINATIONS
@pytest.mark.parametrize("overwrite", [False, True])
def test_stopping_leaves_what_was_there(tmp_path, name, overwrite, monkeypatch):
    for module in (writing, hdf5):
        monkeypatch.setattr(module, "tiled_block", lambda *_: (64, 128, 128))
    if overwrite:
        write(tmp_path / name)
    for steps in (0, 2):
        with pytest.raises(StopError):
            write(tmp_path / name, voxels() + 1, overwrite=overwrite, progress=stop_after(steps))
        assert names(tmp_path) == [name] * overwrite
    if overwrite:
        np.testing.assert_array_equal(open_volume(tmp_path / name).levels[0][:], voxels())


@DESTINATIONS
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_failing_disk_is_named(tmp_path, name, code, monkeypatch):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(disk, "_flush", fail)
    with pytest.raises(
        StorageError, match=rf"{name}: cannot be written \({os.strerror(code)}\); ."
    ):
        write(tmp_path / name)
    assert names(tmp_path) == []


def test_full_disk_while_chunks_are_written(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zarr.Array, "__setitem__", fail)
    with pytest.raises(StorageError, match=r"/a\.zarr: cannot be written .* free some space"):
        write(tmp_path / "a.zarr")
    assert names(tmp_path) == []


def test_message_of_hdf5_is_understood(tmp_path):
    message = "Can't write data (file write failed: errno = 28, error message = 'No space')"
    with pytest.raises(StorageError, match="free some space"), disk.guarded(tmp_path):
        raise OSError(message)


def test_folder_that_cannot_be_replaced_comes_back(tmp_path, monkeypatch):
    path = tmp_path / "a.zarr"
    write(path)
    real = type(path).replace

    def fail(self, target):
        if self.name.endswith(".partial"):
            raise OSError(errno.EIO, "broken")
        return real(self, target)

    monkeypatch.setattr(type(path), "replace", fail)
    with pytest.raises(StorageError):
        write(path, voxels() + 1, overwrite=True)
    np.testing.assert_array_equal(open_volume(path).levels[0][:], voxels())
    assert names(tmp_path) == ["a.zarr"]


@DESTINATIONS
def test_source_that_fails_is_not_the_disk(tmp_path, name):
    def fail(box):
        raise OSError("source gone")

    with pytest.raises(VolumeError, match=r"cannot be read \(source gone\)"):
        write_volume(tmp_path / name, fail, SHAPE, "u1", GRID, "image")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "dtype", "kind", "shape"),
    [
        ("a.png", "u1", "image", SHAPE),
        ("a", "u1", "image", SHAPE),
        ("a.h5", "f4", "labels", SHAPE),
        ("a.zarr", "c8", "image", SHAPE),
        ("a.zarr", "u1", "image", (0, 5, 5)),
    ],
)
def test_impossible_wishes(tmp_path, name, dtype, kind, shape):
    with pytest.raises(VolumeError):
        write_volume(
            tmp_path / name, lambda box: np.zeros(box.shape, dtype), shape, dtype, GRID, kind
        )
    assert names(tmp_path) == []


@pytest.mark.parametrize("wrong", [np.zeros((1, 1, 1), "u4"), np.zeros(SHAPE, "u1")])
def test_wrong_voxels(tmp_path, wrong):
    with pytest.raises(VolumeError, match=r"not uint32 \(70, 150, 40\)"):
        write_volume(tmp_path / "a.h5", lambda _: wrong, SHAPE, "u4", GRID, "labels")


def test_checksum_does_not_depend_on_blocks(tmp_path):
    array = voxels()
    whole, pieces, swapped = (Checksum(SHAPE, "u4") for _ in range(3))
    whole.add(Box.of_shape(SHAPE), array)
    cuts = [Box((0, 0, 0), (64, 128, 40)), Box((0, 128, 0), (64, 150, 40)), Box((64, 0, 0), SHAPE)]
    for box in reversed(cuts):
        pieces.add(box, array[box.slices].astype(">u4"))
    assert whole.hexdigest() == pieces.hexdigest()
    swapped.add(Box.of_shape(SHAPE), array[::-1])
    assert whole.hexdigest() != swapped.hexdigest()
    empty = Checksum(SHAPE, "u4").hexdigest()
    assert len({empty, whole.hexdigest(), Checksum(SHAPE, "u8").hexdigest()}) == 3


def test_pyramid_can_be_written_on(tmp_path):
    write(tmp_path / "a.zarr")
    pyramid = Pyramid.open(tmp_path / "a.zarr", writable=True)
    box = Box((0, 0, 0), (2, 2, 2))
    pyramid.write(box, np.full(box.shape, 999, "u4"))
    pyramid.refresh_levels(box)
    assert pyramid.volume.levels[1][0, 0, 0] == 999
