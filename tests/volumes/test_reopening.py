"""Volumes that go to other processes, are read by many threads, or change while they are open."""

import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import h5py
import numpy as np
import pytest
import zarr

from napari_axonem.errors import VolumeError, VolumeLostError
from napari_axonem.geometry import Box, Grid
from napari_axonem.volumes import Volume, open_volume
from tests.volumes.reference import REFERENCES, SHAPE, SIZE, voxels
from tests.volumes.web import serving

GIVEN = {"voxel_size": (30.0, 8.0, 8.0), "origin": (1.0, 2.0, 3.0)}
EVERY = pytest.mark.parametrize("known", REFERENCES, ids=[known.name for known in REFERENCES])

READ = """
import pickle, sys
volumes = pickle.loads(sys.stdin.buffer.read())
sys.stdout.buffer.write(pickle.dumps([(v.grid, v.read(v.box)) for v in volumes]))
"""


@EVERY
def test_every_format_goes_to_another_process(tmp_path, known):
    volume = open_volume(known.make(tmp_path, voxels()), **GIVEN)
    again = pickle.loads(pickle.dumps(volume))
    assert (again, again.levels[0].shape) == (again, SHAPE)
    assert (again.grid, again.factors, again.kind) == (volume.grid, volume.factors, volume.kind)
    np.testing.assert_array_equal(again.read(again.box), voxels())


def test_in_another_process_and_folder(tmp_path, monkeypatch):
    REFERENCES[0].make(tmp_path, voxels())
    zarr.create_array(tmp_path / "far.zarr", data=voxels())
    with serving(tmp_path) as server:
        monkeypatch.chdir(tmp_path)
        volumes = [
            open_volume("a.h5:volumes/a"),
            open_volume(f"{server.address}/far.zarr", **GIVEN),
        ]
        data = pickle.dumps(volumes)
        command = [sys.executable, "-c", READ]
        done = subprocess.run(command, cwd="/", input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    for sent, (grid, found) in zip(volumes, pickle.loads(done.stdout), strict=True):
        assert grid == sent.grid
        np.testing.assert_array_equal(found, voxels())


def test_levels_that_were_put_in_place_are_taken_along():
    flat = Volume((voxels(),), ((1, 1, 1),), Grid(SIZE), "here", "none")
    again = pickle.loads(pickle.dumps(flat))
    np.testing.assert_array_equal(again.levels[0], voxels())


def test_wrapped_levels_are_never_lost_on_the_way(tmp_path):
    volume = open_volume(REFERENCES[3].make(tmp_path, voxels()))
    doubled = replace(volume, levels=(voxels() * 2,))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(doubled)).levels[0], voxels() * 2)
    moved = replace(volume, grid=Grid(SIZE, (0.0, 0.0, 8.0)), kind="labels")
    again = pickle.loads(pickle.dumps(moved))
    assert (again.grid, again.kind) == (moved.grid, "labels")


def test_another_volume_in_its_place(tmp_path):
    path = tmp_path / "a.zarr"
    zarr.create_array(path, data=voxels())
    data = pickle.dumps(open_volume(path, voxel_size=SIZE))
    zarr.create_array(path, data=voxels()[:3], overwrite=True)
    with pytest.raises(VolumeLostError, match=r"uint16 \(3, 20, 24\) now, uint16 \(6, 20, 24\)"):
        pickle.loads(data)


@EVERY
def test_eight_threads(tmp_path, known):
    volume = open_volume(known.make(tmp_path, voxels()), **GIVEN)
    rng = np.random.default_rng(0)
    boxes = []
    for _ in range(60):
        ends = [sorted(rng.choice(n + 1, 2, replace=False).tolist()) for n in SHAPE]
        boxes.append(Box(*map(tuple, zip(*ends, strict=True))))
    with ThreadPoolExecutor(8) as pool:
        for box, found in zip(boxes, pool.map(volume.read, boxes), strict=True):
            np.testing.assert_array_equal(found, voxels()[box.slices])


STORES = [k for k in REFERENCES if k.name.endswith((".zarr", ".n5", ".precomputed"))]
EVERY_STORE = pytest.mark.parametrize("known", STORES, ids=[known.name for known in STORES])


@EVERY_STORE
def test_store_that_is_deleted(tmp_path, known):
    volume = open_volume(known.make(tmp_path, voxels()))
    shutil.rmtree(tmp_path / known.name)
    for level in volume.levels:
        with pytest.raises(VolumeLostError, match="was deleted while it was open; open it again"):
            level[:]


@EVERY_STORE
def test_store_that_shrinks(tmp_path, known):
    volume = open_volume(known.make(tmp_path, voxels()))
    shutil.rmtree(tmp_path / known.name)
    known.make(tmp_path, voxels()[:3, :9])
    with pytest.raises(VolumeLostError, match="changed while it was open"):
        volume.read(volume.box)
    with pytest.raises(VolumeLostError):
        volume.read(Box((0, 0, 0), (1, 1, 1)))


def test_array_that_is_resized(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", data=voxels())
    volume = open_volume(tmp_path / "a.zarr", voxel_size=SIZE)
    array.resize((3, 20, 24))
    with pytest.raises(VolumeLostError):
        volume.read(volume.box)


FILES = [k for k in REFERENCES if k.name.endswith((".h5", ".tif"))]
EVERY_FILE = pytest.mark.parametrize("known", FILES, ids=[known.name for known in FILES])


@EVERY_FILE
def test_file_that_is_deleted_or_replaced_is_read_as_it_was(tmp_path, known):
    volume = open_volume(known.make(tmp_path, voxels()), **GIVEN)
    (tmp_path / known.name).unlink()
    np.testing.assert_array_equal(volume.read(volume.box), voxels())
    known.make(tmp_path, voxels()[:2])
    np.testing.assert_array_equal(volume.read(volume.box), voxels())


@EVERY_FILE
@pytest.mark.parametrize("left", [0, 100, 30000])
def test_file_that_is_cut_short(tmp_path, known, left):
    noise = np.random.default_rng(0).integers(0, 2**16, (6, 200, 240)).astype("u2")
    volume = open_volume(known.make(tmp_path, noise), **GIVEN)
    with (tmp_path / known.name).open("r+b") as file:
        file.truncate(left)
    with pytest.raises(VolumeError, match=known.name):
        volume.read(volume.box)


def test_hdf5_that_is_written_to(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a"] = voxels()
    volume = open_volume(path, voxel_size=SIZE)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(VolumeLostError, match=r"a\.h5: changed while it was open"):
        volume.read(volume.box)
