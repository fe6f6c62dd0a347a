"""Damaged files end in an error of ours or in voxels, never in a library's exception."""

import shutil

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from napari_axonem.errors import AxonemError, VolumeError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import Pyramid, describe, open_volume

SIZE = (30.0, 8.0, 8.0)
SEEDS = range(25)


def voxels():
    return np.random.default_rng(0).integers(0, 20, (6, 20, 24)).astype("u2")


def hdf5(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("raw", data=voxels(), chunks=(2, 10, 12), compression="gzip")


def tiff(path):
    tifffile.imwrite(path, voxels(), compression="zlib", metadata={"voxel_size_nm": SIZE})


def tiled_tiff(path):
    tifffile.imwrite(path, voxels(), tile=(16, 16), ome=True, metadata={"axes": "ZYX"})


def imagej_tiff(path):
    tifffile.imwrite(path, voxels(), imagej=True, metadata={"axes": "ZYX", "spacing": 2.0})


def bare_tiff(path):
    tifffile.imwrite(path, voxels(), metadata=None, photometric="minisblack")


def zarr2(path):
    zarr.create_array(path, data=voxels(), zarr_format=2, chunks=(2, 10, 12))


def ome_zarr(path):
    pyramid = Pyramid.create(path, (6, 20, 24), "u2", Grid(SIZE), "labels", chunk=(4, 16, 16))
    pyramid.write(pyramid.volume.box, voxels())
    pyramid.build_levels()


FILES = {"a.h5": hdf5, "a.tif": tiff, "b.tif": tiled_tiff, "c.tif": imagej_tiff, "d.tif": bare_tiff}
STORES = {"a.zarr": zarr2, "b.zarr": ome_zarr}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    for name, make in (FILES | STORES).items():
        make(folder / name)
    return folder


def read_all(location):
    """Open and read everything; return the error of our family that stopped it, if any."""
    try:
        describe(location)
        volume = open_volume(location, voxel_size=SIZE)
        volume.read(volume.box)
        for array in volume.levels[1:]:
            np.asarray(array[:])
    except AxonemError as error:
        return error
    return None


def damaged(data, seed):
    """Return bytes cut short, overwritten in places, or zeroed in a stretch."""
    rng = np.random.default_rng(seed)
    changed = np.frombuffer(data, dtype=np.uint8).copy()
    if seed % 3 == 0:
        return changed[: rng.integers(0, len(changed))].tobytes()
    if seed % 3 == 1:
        at = rng.integers(0, min(len(changed), 2000), 8)
        changed[at] = rng.integers(0, 256, 8)
        return changed.tobytes()
    start = rng.integers(0, len(changed))
    changed[start : start + 200] = 0
    return changed.tobytes()


@pytest.mark.parametrize("name", [*FILES, *STORES])
def test_sound_volumes_are_read(sound, name):
    assert read_all(sound / name) is None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FILES)
def test_damaged_files(sound, tmp_path, name):
    data = (sound / name).read_bytes()
    outcomes = set()
    for seed in SEEDS:
        path = tmp_path / f"{seed}_{name}"
        path.write_bytes(damaged(data, seed))
        error = read_all(path)
        assert error is None or path.name in error.where
        outcomes.add(type(error))
    assert VolumeError in outcomes


@pytest.mark.parametrize("name", STORES)
def test_damaged_stores(sound, tmp_path, name):
    parts = sorted(p.relative_to(sound / name) for p in (sound / name).rglob("*") if p.is_file())
    outcomes = set()
    for seed in SEEDS:
        path = tmp_path / f"{seed}_{name}"
        shutil.copytree(sound / name, path)
        part = path / parts[seed % len(parts)]
        part.write_bytes(damaged(part.read_bytes(), seed))
        error = read_all(path)
        assert error is None or path.name in error.where
        outcomes.add(type(error))
    assert VolumeError in outcomes


@pytest.mark.parametrize("name", FILES)
def test_cut_files_never_give_other_voxels(sound, tmp_path, name):
    data = (sound / name).read_bytes()
    for cut in np.linspace(0, len(data) - 1, 20).astype(int):
        path = tmp_path / name
        path.write_bytes(data[:cut])
        if read_all(path) is None:  # all that is missing is padding
            np.testing.assert_array_equal(open_volume(path, voxel_size=SIZE).levels[0], voxels())
            assert cut > len(data) * 0.9


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("nothing.h5:raw", "no such file or folder"),
        ("folder/nothing.zarr", "no such file or folder"),
        ("folder", "not a folder of any known format"),
        ("empty.h5", "by its name it should be HDF5, so it may be damaged"),
        ("empty.tif", "by its name it should be TIFF"),
        ("folder.zarr", "by its name it should be zarr"),
        ("text.txt", "not a file of any known format; give one of HDF5, zarr, precomputed, TIFF"),
        ("text.txt:raw", "not a file of any known format"),
        ("", "no such file or folder"),
        ("a\0b", "no such file or folder"),
    ],
)
def test_no_volume_there(tmp_path, monkeypatch, location, seen):
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "folder.zarr"):
        (tmp_path / folder).mkdir()
    for file in ("empty.h5", "empty.tif", "text.txt"):
        (tmp_path / file).write_text("some words" if file == "text.txt" else "")
    with pytest.raises(VolumeError, match=seen):
        open_volume(location)


def test_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    hdf5(path)

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(h5py, "is_hdf5", refuse)
    with pytest.raises(VolumeError, match=r"a\.h5: cannot be read \(Permission denied\)"):
        open_volume(path)


def test_no_changed_byte_of_a_chunk_goes_unnoticed(sound, tmp_path):
    shutil.copytree(sound / "b.zarr", tmp_path / "b.zarr")
    chunk = tmp_path / "b.zarr" / "0" / "c" / "0" / "0" / "0"
    data = chunk.read_bytes()
    for at in range(0, len(data), 50):
        chunk.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert read_all(tmp_path / "b.zarr") is not None
