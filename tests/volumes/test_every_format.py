"""The same voxels, written by the reference library of each format, opened by us."""

import json

import numpy as np
import pytest

from napari_axonem.cli import main
from napari_axonem.errors import VoxelSizeUnknownError
from napari_axonem.geometry import Box
from napari_axonem.volumes import describe, list_volumes, open_volume
from tests.volumes.reference import ORIGIN, REFERENCES, SHAPE, SIZE, voxels

CASES = [(known, dtype) for known in REFERENCES for dtype in known.dtypes]
EVERY_TYPE = pytest.mark.parametrize(
    ("known", "dtype"), CASES, ids=[f"{known.name}-{dtype}" for known, dtype in CASES]
)


def about(values):
    """NIfTI keeps lengths as float32."""
    return pytest.approx(values, rel=1e-6)


EVERY = pytest.mark.parametrize("known", REFERENCES, ids=[known.name for known in REFERENCES])


@EVERY_TYPE
def test_opened(tmp_path, known, dtype):
    volume = open_volume(known.make(tmp_path, voxels(dtype)), **known.stated)
    assert volume.shape == SHAPE
    assert volume.grid.voxel_size == about(SIZE)
    assert volume.grid.origin == about(ORIGIN)
    assert volume.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(volume.read(volume.box), voxels(dtype))
    box = Box((1, 3, 5), (4, 17, 24))
    np.testing.assert_array_equal(volume.read(box), voxels(dtype)[box.slices])


@EVERY
def test_info(tmp_path, capsys, known):
    location = known.make(tmp_path, voxels())
    assert main(["info", location, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["shape"], found["dtype"]) == (list(SHAPE), "uint16")
    assert found["voxel_size_nm"] == (about(SIZE) if known.states_size else None)
    assert found["origin_nm"] == (about(ORIGIN) if known.states_origin else None)
    assert found["reason"]
    assert main(["info", location]) == 0
    assert ("--voxel-size Z,Y,X" in capsys.readouterr().out) != known.states_size


@EVERY
def test_reopened_at_the_location_it_says(tmp_path, known):
    volume = open_volume(known.make(tmp_path, voxels()), **known.stated)
    again = open_volume(volume.location, **known.stated)
    assert again.location == volume.location
    np.testing.assert_array_equal(again.read(again.box), voxels())


@EVERY
def test_listed(tmp_path, known):
    known.make(tmp_path, voxels())
    root = tmp_path / known.name
    names = list_volumes(root)
    assert len(names) == 1
    location = f"{root}:{names[0]}" if names[0] else str(root)
    assert describe(location).shape == SHAPE


@pytest.mark.parametrize(
    "known", [k for k in REFERENCES if not k.states_size], ids=lambda known: known.name
)
def test_no_size_is_made_up(tmp_path, known):
    location = known.make(tmp_path, voxels())
    with pytest.raises(VoxelSizeUnknownError, match="--voxel-size Z,Y,X"):
        open_volume(location)
