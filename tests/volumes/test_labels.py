"""What passes for labels."""

import h5py
import numpy as np
import pytest

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Grid
from napari_axonem.volumes import Volume, open_volume, require_labels

SIZE = (10.0, 10.0, 10.0)


def volume_of(array):
    return Volume((array,), ((1, 1, 1),), Grid(SIZE), "memory", "array")


def test_unsigned_ids_pass_as_they_are():
    volume = volume_of(np.zeros((2, 3, 4), "u8"))
    assert require_labels(volume) is volume


@pytest.mark.parametrize(
    ("dtype", "unsigned"), [("i1", "u1"), ("i4", "u4"), ("i8", "u8"), ("?", "u1")]
)
def test_signed_ids_become_unsigned(dtype, unsigned):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    labels = require_labels(volume_of(array))
    assert labels.dtype == unsigned
    got = labels.read(labels.box)
    assert got.dtype == unsigned
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_floats_are_refused(dtype):
    with pytest.raises(VolumeError, match=rf"memory: voxels of type {np.dtype(dtype)}"):
        require_labels(volume_of(np.zeros((2, 3, 4), dtype)))


def test_negative_ids_are_refused_where_they_are_read(tmp_path):
    path = tmp_path / "a.h5"
    array = np.ones((4, 5, 6), "i4")
    array[3, 2, 1] = -7
    with h5py.File(path, "w") as file:
        file["seg"] = array
    labels = require_labels(open_volume(path, voxel_size=SIZE))
    assert (labels.levels[0][:3] == 1).all()
    with pytest.raises(VolumeError, match=r"a\.h5:seg: negative id -7 at voxel \(3, 2, 1\)"):
        labels.read(labels.box)
    with pytest.raises(VolumeError, match="negative id -7"):
        require_labels(volume_of(array)).levels[0][2:]
