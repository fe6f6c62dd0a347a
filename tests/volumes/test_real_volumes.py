"""The files of the data folder open as what they are."""

import numpy as np
import pytest

from napari_axonem.errors import VoxelSizeUnknownError
from napari_axonem.geometry import Box
from napari_axonem.volumes import describe, open_volume, require_labels


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "voxel_size"),
    [
        ("fib25/training2.h5:raw", (250, 250, 250), "u1", (10, 10, 10)),
        ("fib25/training2.h5:gt", (250, 250, 250), "u4", (10, 10, 10)),
        ("fib25/training1_image.h5", (250, 250, 250), "u1", (10, 10, 10)),
        ("pinky40/labels.h5", (512, 512, 512), "u4", (40, 32, 32)),
        ("gala/train-gt.lzf.h5", (50, 100, 200), "i4", None),
        ("gala/train-p1.lzf.h5:stack", (50, 100, 200), "f4", None),
        ("em_erl/vol_gt.h5:main", (100, 205, 205), "u1", None),
        ("axonem/axonem_h_crop_16x256x256.tif", (16, 256, 256), "u1", None),
    ],
)
def test_real_files(data_dir, name, shape, dtype, voxel_size):
    if not (data_dir / name.split(":")[0]).is_file():
        pytest.skip(f"no {name} in the data folder")
    info = describe(f"{data_dir}/{name}")
    assert (info.shape, info.dtype, info.voxel_size) == (shape, np.dtype(dtype), voxel_size)
    if voxel_size is None:
        with pytest.raises(VoxelSizeUnknownError, match="--voxel-size"):
            open_volume(f"{data_dir}/{name}")
    volume = open_volume(f"{data_dir}/{name}", voxel_size=voxel_size or (30, 8, 8))
    box = Box((2, 50, 60), (6, 60, 80))
    if volume.dtype.kind == "i":
        volume = require_labels(volume)
    assert volume.read(box).shape == box.shape


def test_bodies_of_fib25(fib25):
    labels = require_labels(open_volume(f"{fib25}:gt"))
    ids = np.unique(labels.read(labels.box))
    assert np.count_nonzero(ids) == 525
